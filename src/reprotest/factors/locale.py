"""Language and formats: number parsing, sorting, encodings."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import cache

from reprotest.factors.base import Factor, Json, Launch, Seen, Setting

_NAMES = ("LC_ALL", "LC_CTYPE", "LC_COLLATE", "LC_NUMERIC", "LC_TIME", "LC_MONETARY", "LC_MESSAGES", "LANG", "LANGUAGE")
_WANTED = ("tr_TR", "de_DE", "fr_FR", "sv_SE", "ja_JP")
"""Locales that differ most from English ones: Turkish i, comma for point, another order of letters, another script."""


class Locale(Factor):
    """LC_ALL and its kin."""

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
        other = self.perturb(setting.variant) if setting.variant else None
        return Launch(env={"LC_ALL": other.removeprefix("LC_ALL=")}) if other else Launch()

    def perturb(self, k: int) -> str | None:
        present = _plain(os.environ.get("LC_ALL") or os.environ.get("LANG") or "C")
        others = [name for name in _candidates() if _plain(name) != present]
        return f"LC_ALL={others[k - 1]}" if 1 <= k <= len(others) else None

    def usual(self, seen: Seen) -> str:
        name = next((name for name in ("LC_ALL", "LANG") if os.environ.get(name)), None)
        return f"{name}={os.environ[name]}" if name else "no locale set"


def _plain(name: str) -> str:
    """A locale's name without the ways in which it can be spelt."""
    return name.lower().replace("utf-8", "utf8").replace("posix", "c")


@cache
def _candidates() -> tuple[str, ...]:
    """Locales of this machine that are worth trying, the strangest first."""
    import subprocess

    try:
        listed = subprocess.run(["locale", "-a"], capture_output=True, text=True, timeout=5, check=False).stdout.split()
    except (OSError, subprocess.SubprocessError):
        listed = []
    strange = [name for wanted in _WANTED for name in listed if name.startswith(wanted)]
    utf8 = [name for name in listed if name.lower() in ("c.utf8", "c.utf-8")]
    return tuple(dict.fromkeys([*strange[:2], *utf8[:1], "C"]))
