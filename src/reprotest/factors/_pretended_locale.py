"""German as Python code sees it, on a machine (a container, mostly) on which no such locale is installed.

Only what a program asks for changes: `locale.setlocale(category, "")` takes German from then on, with its order of letters, its decimal
comma, its point between thousands and its names of days and months. What the C library itself does stays as it was.
"""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Callable
from types import ModuleType
from typing import Any

from reprotest.factors._patch import like

NAME = "de_DE.UTF-8"
_NUMBERS = {"decimal_point": ",", "thousands_sep": ".", "grouping": [3, 3, 0]}
_DAYS = ("Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag")
_MONTHS = (
    "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember",
)  # fmt: skip
_FORMATS = {"c": "%a %d %b %Y %H:%M:%S %Z", "x": "%d.%m.%Y", "X": "%H:%M:%S", "p": ""}
"""As the GNU C library has them."""
_DIRECTIVE = re.compile(r"%(.)", re.DOTALL)


def install(module: ModuleType) -> None:
    """Pretend in the standard library's `locale`, which has just been imported."""
    locale: Any = module
    categories = [locale.LC_COLLATE, locale.LC_CTYPE, locale.LC_MONETARY, locale.LC_NUMERIC, locale.LC_TIME]
    taken: set[int] = set()
    choose, numbers = locale._setlocale, locale._localeconv

    @like(choose)
    def setlocale(category: int, name: str | None = None) -> str:
        meant = set(categories) if category == locale.LC_ALL else {category}
        if name == "":
            taken.update(meant)
        elif name is not None:
            taken.difference_update(meant)
        if name != "" or not meant <= set(categories):
            choose(category, name)
        return NAME if meant <= taken else str(choose(category))

    @like(numbers)
    def localeconv() -> dict[str, Any]:
        return {**numbers(), **(_NUMBERS if locale.LC_NUMERIC in taken else {})}

    def sorting(original: Callable[..., Any], german: Callable[..., Any]) -> Callable[..., Any]:
        @like(original)
        def call(*args: Any) -> Any:
            return (german if locale.LC_COLLATE in taken else original)(*args)

        return call

    written = time.strftime

    @like(written)
    def strftime(format: str, *moment: Any) -> str:
        if locale.LC_TIME not in taken:
            return written(format, *moment)
        day, month = map(int, written("%w %m", *moment).split())
        return written(in_german(format, day, month), *moment)

    time.strftime = strftime
    locale._setlocale, locale._localeconv = setlocale, localeconv
    locale.strxfrm = sorting(locale.strxfrm, transformed)
    locale.strcoll = sorting(
        locale.strcoll, lambda a, b: (transformed(a) > transformed(b)) - (transformed(a) < transformed(b))
    )


def in_german(format: str, day: int, month: int) -> str:
    """A format of `time.strftime` with what depends on the language filled in: the day from 0 (Sunday), the month from 1."""
    said = {"A": _DAYS[day], "a": _DAYS[day][:2], "B": _MONTHS[month - 1], "b": _MONTHS[month - 1][:3]}
    said["h"] = said["b"]

    def put(directive: re.Match[str]) -> str:
        sign = directive[1]
        return in_german(_FORMATS[sign], day, month) if sign in _FORMATS else said.get(sign, directive[0])

    return _DIRECTIVE.sub(put, format)


def transformed(text: str) -> str:
    """What sorts as DIN 5007-1 does: letters first, then accents, then small before capital; punctuation counts least."""
    split = unicodedata.normalize("NFD", text.replace("ß", "ss"))
    letters = "".join(sign for sign in split if sign.isalnum())
    accents = "".join(sign for sign in split if unicodedata.combining(sign))
    case = "".join("1" if sign.isupper() else "0" for sign in letters)
    return "\x01".join((letters.casefold(), accents, case, text))
