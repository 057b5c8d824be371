"""Language and formats: number parsing, sorting, encodings."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import cache

from reprotest.factors import _pretended_locale
from reprotest.factors.base import Factor, Inside, Json, Launch, Seen, Setting

_NAMES = ("LC_ALL", "LC_CTYPE", "LC_COLLATE", "LC_NUMERIC", "LC_TIME", "LC_MONETARY", "LC_MESSAGES", "LANG", "LANGUAGE")
_PRETENDED = "REPROTEST_LOCALE"
"""Environment variable with the name of a locale that is not installed, and is pretended."""
_WANTED = ("tr_TR", "de_DE", "fr_FR", "sv_SE", "ja_JP")
"""Locales that differ most from English ones: Turkish i, comma for point, another order of letters, another script."""


class Locale(Factor):
    """LC_ALL and its kin. Where nothing but C is installed, Python's `locale` pretends another."""

    id = "locale"
    what = "the locale: how numbers and dates are written, text is sorted and files are decoded"
    fix = "set LC_ALL=C.UTF-8 for every run, and give open() an encoding"
    order = 70

    def read(self) -> Mapping[str, Json]:
        import locale

        return {
            **{name: os.environ[name] for name in _NAMES if name in os.environ},
            "encoding": locale.getpreferredencoding(False),
            "filesystem_encoding": sys.getfilesystemencoding(),
            "utf8_mode": bool(sys.flags.utf8_mode),
        }

    def launch(self, setting: Setting) -> Launch:
        name = _other(setting.variant)
        if name is None:
            return Launch()
        return Launch(env={"LC_ALL": name, **({_PRETENDED: name} if _is_pretended(name) else {})})

    def watch(self, inside: Inside) -> None:
        if inside.setting(self.id) is not None and _PRETENDED in os.environ:
            inside.on_import("locale", _pretended_locale.install)

    def perturb(self, k: int) -> str | None:
        name = _other(k)
        if name is None:
            return None
        return f"LC_ALL={name}" + (", pretended in Python" if _is_pretended(name) else "")

    def usual(self, seen: Seen) -> str:
        name = next((name for name in ("LC_ALL", "LANG") if os.environ.get(name)), None)
        return f"{name}={os.environ[name]}" if name else "no locale set"


def _plain(name: str) -> str:
    """A locale's name without the ways in which it can be spelt."""
    return name.lower().replace("utf-8", "utf8").replace("posix", "c")


def _other(k: int) -> str | None:
    """The k-th other locale, the strangest first."""
    present = _plain(os.environ.get("LC_ALL") or os.environ.get("LANG") or "C")
    strange = [name for wanted in _WANTED for name in _installed() if name.startswith(wanted)]
    utf8 = [name for name in _installed() if name.lower() in ("c.utf8", "c.utf-8")]
    worth = dict.fromkeys([*(strange[:2] or [_pretended_locale.NAME]), *utf8[:1], "C"])
    others = [name for name in worth if _plain(name) != present]
    return others[k - 1] if 1 <= k <= len(others) else None


def _is_pretended(name: str) -> bool:
    return name == _pretended_locale.NAME and name not in _installed()


@cache
def _installed() -> tuple[str, ...]:
    """The locales of this machine."""
    import subprocess

    try:
        done = subprocess.run(["locale", "-a"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(done.stdout.split())
