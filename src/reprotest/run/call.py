"""Runs `package.module:function` as a program of its own; what it returns is observed. Started by path, never imported."""

import importlib
import os
import sys
from typing import Any


def _main() -> None:
    target = sys.argv[1]
    module_name, _, attribute = target.partition(":")
    sys.path[0] = os.getcwd()  # as `python -m` does; it held this file's own folder
    sys.argv = [target, *sys.argv[2:]]
    function: Any = importlib.import_module(module_name)
    for part in attribute.split("."):
        function = getattr(function, part)
    result = function()
    probe = sys.modules.get("reprotest.probe.child")
    child = getattr(probe, "current", None)
    if child is not None and result is not None:
        from reprotest.record.event import Phase

        code = getattr(function, "__code__", None)
        shown = code and child.shown(code)
        location = f"{shown}:{code.co_firstlineno}" if code and shown else None
        child.observe("return value", Phase.OUTPUT, result, location=location)
        child.commit()


if __name__ == "__main__":
    _main()
