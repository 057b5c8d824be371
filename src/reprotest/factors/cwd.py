"""Working directory and home directory."""

from __future__ import annotations

import os
from collections.abc import Mapping

from reprotest.factors.base import Factor, Json, Launch, Setting

_CACHES = {
    "HF_HOME": ".cache/huggingface",
    "TORCH_HOME": ".cache/torch",
    "KERAS_HOME": ".keras",
    "SCIKIT_LEARN_DATA": "scikit_learn_data",
    "NLTK_DATA": "nltk_data",
    "XDG_CACHE_HOME": ".cache",
}
"""Where libraries keep downloads below the home directory. They stay where they are: a run must not fetch them again."""


class Cwd(Factor):
    """Where the program runs, and as whose home."""

    id = "cwd"
    what = "the working directory and the home directory: relative paths, and files found below the home directory"
    fix = "build paths from the script's own place (Path(__file__).parent) or from the configuration"
    order = 72

    def read(self) -> Mapping[str, Json]:
        return {"cwd": os.getcwd(), "home": os.path.expanduser("~")}

    def launch(self, setting: Setting) -> Launch:
        if setting.variant != 1:
            return Launch()
        home = os.path.expanduser("~")
        kept = {name: os.environ.get(name) or os.path.join(home, place) for name, place in _CACHES.items()}
        return Launch(env={**{k: v for k, v in kept.items() if os.path.isdir(v)}, "HOME": _other_home()})

    def perturb(self, k: int) -> str | None:
        return f"HOME={_other_home()}" if k == 1 else None


def _other_home() -> str:
    import tempfile

    return tempfile.gettempdir()
