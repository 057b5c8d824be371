"""Tells the user's own code from libraries and names lines of it."""

from __future__ import annotations

import os
import re
import sys
from types import CodeType, FrameType

_COMPILED = re.compile(r"c[a-z2-7]{51}\.py")
_IMPORT = "<frozen importlib._bootstrap>"
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def _library_roots() -> tuple[str, ...]:
    """Folders whose files are never the user's: the standard library and the interpreter's own programs."""
    roots = {os.path.dirname(os.path.abspath(os.__file__))}
    for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix):
        roots.add(os.path.join(prefix, "bin"))
        roots.add(os.path.join(prefix, "lib", f"python{sys.version_info[0]}.{sys.version_info[1]}"))
    return tuple(root + os.sep for root in roots) + tuple(os.path.realpath(root) + os.sep for root in roots)


class Sites:
    """Names call sites as "path:line", paths relative to the folder in which the run started.

    Args:
        typed: file name in code objects of code that is the user's although it lies in no file ("<stdin>").
    """

    def __init__(self, cwd: str, typed: str | None = None) -> None:
        self._typed = typed
        self._cwd = os.path.realpath(cwd) + os.sep
        self._roots = _library_roots()
        self._shown: dict[str, str | None] = {}

    def shown(self, code: CodeType) -> str | None:
        """The file of `code` as reports show it; None when it is not the user's."""
        return self.of_file(code.co_filename)

    def of_file(self, name: str) -> str | None:
        """The same for a file, by the name that its code objects have."""
        try:
            return self._shown[name]
        except KeyError:
            pass
        shown = self._shown[name] = self._classify(name)
        return shown

    def _classify(self, name: str) -> str | None:
        cell = _cell(name)
        if cell is not None:
            return cell
        if name == self._typed:
            return name
        if name.startswith("<") or "__autograph_generated_file" in name:  # TensorFlow's, in files of random names
            return None
        path = os.path.join(self._cwd, name)
        if path.startswith((_PACKAGE, *self._roots)):
            return None
        parts = path.split(os.sep)
        if "site-packages" in parts or "dist-packages" in parts or _is_compiled(parts):
            return None
        real = os.path.realpath(path)
        if real.startswith((_PACKAGE, *self._roots)):  # an environment that is reached through a link
            return None
        return real[len(self._cwd) :] if real.startswith(self._cwd) else path

    def is_user(self, frame: FrameType) -> bool:
        """Is this the user's code? So is a text that the user's module executes: `exec(open("config.py").read())`.

        Functions of such a text are as a rule made by a library: a dataclass's methods.
        """
        code = frame.f_code
        if code.co_filename == "<string>" and code.co_name == "<module>" and self._typed != "<string>":
            file = frame.f_globals.get("__file__")
            return isinstance(file, str) and self.of_file(file) is not None
        return self.shown(code) is not None

    def here(self, frame: FrameType | None) -> str | None:
        """The innermost user line at or outside of `frame`; model constructors are named by the line that builds the model.

        None where no user line is on the stack, and for what a library does while it is being imported: the line that says
        `import torch` is not to blame for it.
        """
        inner: FrameType | None = None
        known = self._shown
        while frame is not None:
            file = frame.f_code.co_filename
            try:  # looked up here: a call for each frame would cost as much again
                shown = known[file]
            except KeyError:
                shown = self.of_file(file)
            if shown is None and file == _IMPORT:
                return None
            if shown is not None:
                if inner is not None and frame.f_code.co_name == "__init__" and _is_torch(inner):
                    frame = self._builder(frame)
                    shown = self.shown(frame.f_code)
                return f"{shown}:{frame.f_lineno}"
            inner, frame = frame, frame.f_back
        return None

    def _builder(self, frame: FrameType) -> FrameType:
        """From a frame in `Module.__init__` out to the user's line that constructs the outermost module."""
        module_type = getattr(sys.modules.get("torch.nn"), "Module", None)
        best = frame
        while frame is not None:
            if self.is_user(frame):
                best = frame
                if module_type is None or not _constructs(frame, module_type):
                    break
            if frame.f_back is None:
                break
            frame = frame.f_back
        return best


def _cell(name: str) -> str | None:
    """ "In[3]" for the code of a notebook's cell: its file's name holds the kernel's process id, and there is no such file."""
    kind = getattr(sys.modules.get("IPython.core.interactiveshell"), "InteractiveShell", None)
    shell = getattr(kind, "_instance", None)  # `get_ipython` would import it
    number = getattr(getattr(shell, "compile", None), "_filename_map", {}).get(name)
    return None if number is None else f"In[{number}]"


def _is_compiled(parts: list[str]) -> bool:
    """Is it what `torch.compile` has written: `h5/ch5ly77….py`, named by a digest in base 32, wherever its cache is?"""
    return _COMPILED.fullmatch(parts[-1]) is not None and parts[-1][1:3] == parts[-2]


def _constructs(frame: FrameType, module_type: type) -> bool:
    code = frame.f_code
    if code.co_name != "__init__" or not code.co_varnames:
        return False
    return isinstance(frame.f_locals.get(code.co_varnames[0]), module_type)


def _is_torch(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).split(".", 1)[0] == "torch"
