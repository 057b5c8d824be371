"""Starts reprotest's probes in every Python process of a run, then makes way for the sitecustomize that this file hides.

Python imports `sitecustomize` before the program; `PYTHONPATH` of a run begins with this folder. The folder leaves `sys.path` at
once, so the program sees the same import path as without us.
"""

import os
import sys


def _start(here: str) -> None:
    import importlib.util

    package = os.path.dirname(os.path.dirname(here))
    if "reprotest" not in sys.modules:
        # By file, not by sys.path: the interpreter may have no reprotest of its own, or Debian's package of that name.
        spec = importlib.util.spec_from_file_location(
            "reprotest", os.path.join(package, "__init__.py"), submodule_search_locations=[package]
        )
        if spec is None or spec.loader is None:
            raise ImportError(f"no package in {package}")
        module = importlib.util.module_from_spec(spec)
        sys.modules["reprotest"] = module
        spec.loader.exec_module(module)
    from reprotest.probe.child import start

    start(os.environ["REPROTEST_PLAN"])


def _hand_over() -> None:
    import importlib.machinery
    import importlib.util

    spec = importlib.machinery.PathFinder.find_spec("sitecustomize")
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


_here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or os.curdir) != _here]
if os.environ.get("REPROTEST_PLAN"):
    try:
        _start(_here)
    except Exception as error:  # the program under test must run whatever happens to us
        import traceback

        try:
            with open(os.path.join(os.path.dirname(os.environ["REPROTEST_PLAN"]), "bootstrap-error.txt"), "a") as _file:
                _file.write(f"python {sys.version.split()[0]}: {error!r}\n{traceback.format_exc()}\n")
        except OSError:
            pass
_hand_over()
