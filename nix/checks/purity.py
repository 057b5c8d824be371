"""Import what the environment has and see that every mapped file lies in the store: purity.py

The loader falls back to the host's library directories when a library is missing, and says nothing; what a process has
mapped tells the truth.
"""

import ctypes
import importlib.util
import sqlite3
import ssl
import sys

STORE = "/nix/store/"
NATIVE = ("torch", "numpy", "scipy", "sklearn", "yaml", "pydantic_core", "xxhash")


def mapped():
    """The files that this process has mapped."""
    with open("/proc/self/maps") as maps:
        return {line.split(maxsplit=5)[5].strip() for line in maps if "/" in line and "[" not in line}


def main():
    assert ssl.OPENSSL_VERSION, sqlite3.sqlite_version
    assert ctypes.CDLL("libstdc++.so.6")
    for module in filter(importlib.util.find_spec, NATIVE):
        importlib.import_module(module)
    outside = sorted(path for path in mapped() if not path.startswith((STORE, "/dev/", "/memfd:", "/SYSV")))
    print("\n".join(outside) or f"{len(mapped())} files mapped, all from the store")
    return 1 if outside else 0


if __name__ == "__main__":
    sys.exit(main())
