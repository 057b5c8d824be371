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
    if getattr(sys.modules.get("reprotest.probe.child"), "current", None) is not None:
        from reprotest.api import observe_result

        observe_result(function, result)


if __name__ == "__main__":
    _main()
