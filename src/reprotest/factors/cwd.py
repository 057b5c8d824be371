"""Working directory and home directory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress

from reprotest.factors import _patch
from reprotest.factors.base import SCRATCH, Factor, Inside, Json, Launch, Seen, Setting

_CACHES = {
    "HF_HOME": ".cache/huggingface",
    "TORCH_HOME": ".cache/torch",
    "KERAS_HOME": ".keras",
    "SCIKIT_LEARN_DATA": "scikit_learn_data",
    "NLTK_DATA": "nltk_data",
    "XDG_CACHE_HOME": ".cache",
    "PYTHONUSERBASE": ".local",
}
"""Where libraries keep downloads below the home directory. They stay where they are: a run must not fetch them again."""
_ELSEWHERE = 2
_LINK = "REPROTEST_CWD"
"""Environment variable naming a symbolic link to the working directory, through which the program sees it in that variant.

Another folder altogether would not have the files that the command names; another name of the same folder shows whether the name matters.
"""


class Cwd(Factor):
    """Where the program runs, and as whose home."""

    id = "cwd"
    what = "the working directory and the home directory: relative paths, and files found below the home directory"
    fix = "build paths from the script's own place (Path(__file__).parent) or from the configuration"
    order = 72

    def read(self) -> Mapping[str, Json]:
        return {"cwd": os.getcwd(), "home": os.path.expanduser("~")}

    def launch(self, setting: Setting) -> Launch:
        if setting.variant == 1:
            home = os.path.expanduser("~")
            kept = {name: os.environ.get(name) or os.path.join(home, place) for name, place in _CACHES.items()}
            return Launch(env={**{k: v for k, v in kept.items() if os.path.isdir(v)}, "HOME": f"{SCRATCH}/home"})
        if setting.variant == _ELSEWHERE:
            return Launch(env={"PWD": f"{SCRATCH}/elsewhere", _LINK: f"{SCRATCH}/elsewhere"})
        return Launch()

    def perturb(self, k: int) -> str | None:
        return {1: "another home directory, an empty one", _ELSEWHERE: "another path of the working directory"}.get(k)

    def remedy(self, variant: int) -> str:
        if variant == _ELSEWHERE:
            return "let nothing depend on where the folder lies: use paths relative to it, not absolute ones, as names, seeds and keys"
        return "let the program read what it needs below its own folder, or from the configuration, not below the home directory"

    def usual(self, seen: Seen) -> str:
        return "yours"

    def watch(self, inside: Inside) -> None:
        link = os.environ.get(_LINK)
        setting = inside.setting(self.id)
        if setting is None or setting.variant != _ELSEWHERE or not link:
            return
        real, where = os.getcwd, os.path.realpath(os.getcwd())
        with suppress(FileExistsError):  # another process of this run was first
            os.symlink(where, link)
        if os.path.realpath(link) != where:
            return  # a process that was started in another folder

        def getcwd(_self: object) -> str:
            now = real()
            if now == where or now.startswith(where + os.sep):
                return link + now[len(where) :]
            return now

        def getcwdb(_self: object) -> bytes:
            return os.fsencode(os.getcwd())

        _patch.replace(os, "getcwd", getcwd)
        _patch.replace(os, "getcwdb", getcwdb)
