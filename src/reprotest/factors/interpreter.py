"""The Python interpreter."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from reprotest.factors.base import Factor, Json, Seen


class Interpreter(Factor):
    """Version and build of the interpreter, and the switches that change what programs do."""

    id = "interpreter"
    what = "version, build and switches of the Python interpreter"
    fix = "use one Python build everywhere: the flake, or an image pinned by its digest"
    order = 81

    def read(self) -> Mapping[str, Json]:
        import platform
        import sysconfig

        name, date = platform.python_build()
        return {
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
            "compiler": platform.python_compiler(),
            "build": f"{name}, {date}",
            "configured_with": sysconfig.get_config_var("CONFIG_ARGS"),
            "executable": sys.executable,
            "real_executable": os.path.realpath(sys.executable) if sys.executable else None,
            "prefix": sys.prefix,
            "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
            "flags": {
                name: getattr(sys.flags, name)
                for name in ("optimize", "dev_mode", "isolated", "no_site", "ignore_environment", "hash_randomization")
            },
        }

    def facet(self, reading: Mapping[str, Json], modules: frozenset[str]) -> str | None:
        free = " free-threaded" if reading.get("free_threaded") else ""
        return f"{reading.get('implementation')} {reading.get('version')}{free}" if reading.get("version") else None

    def perturb(self, k: int) -> str | None:
        return None

    def variations(self, seen: Seen) -> Sequence[int] | str:
        return "it takes another interpreter: run this there too, and compare the records"
