"""Where the training loop of a program begins, told from where it saves its checkpoint; and waiting until it gets there.

What a resumed run has lost is put back there: by then everything is made, and nothing has been drawn or computed yet.
"""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reprotest.probe.child import Child

LOOP = "loop"
"""The piece that says where it begins."""
_LOOPS = (ast.For, ast.While, ast.AsyncFor)


def loop_round(child: Child) -> tuple[list[Any], FrameType] | None:
    """The loop in which the calling code stands, or which it has left last; None: there is none.

    The outermost loop of the outermost function that is in one: epochs, not batches.

    Returns:
        [file, function, line] and the frame of the function.
    """
    frames = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if child.shown(frame.f_code) is not None:
            frames.append(frame)
        frame = frame.f_back
    for frame in reversed(frames):
        line = _loop(frame, inside=True)
        if line is not None:
            return [child.shown(frame.f_code), frame.f_code.co_name, line], frame
    for frame in frames:
        line = _loop(frame, inside=False)
        if line is not None:
            return [child.shown(frame.f_code), frame.f_code.co_name, line], frame
    return None


def _loop(frame: FrameType, *, inside: bool) -> int | None:
    """The line of the first loop of a frame's function that it is inside of, or else of the last that it has left."""
    code, at = frame.f_code, frame.f_lineno
    try:
        tree = ast.parse("".join(linecache.getlines(code.co_filename)))
    except (SyntaxError, ValueError):
        return None
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    bodies: list[ast.AST] = [tree] if code.co_name == "<module>" else []
    bodies += [n for n in ast.walk(tree) if isinstance(n, functions) and n.name == code.co_name and _is_of(n, code)]
    loops = [node for body in bodies[:1] for node in _own(body) if isinstance(node, _LOOPS)]
    if inside:
        return min((loop.lineno for loop in loops if loop.lineno <= at <= (loop.end_lineno or 0)), default=None)
    return max((loop.lineno for loop in loops if (loop.end_lineno or 0) < at), default=None)


def _is_of(node: ast.FunctionDef | ast.AsyncFunctionDef, code: CodeType) -> bool:
    return code.co_firstlineno in (node.lineno, *(each.lineno for each in node.decorator_list))


def _own(body: ast.AST) -> list[ast.AST]:
    """The nodes of a function without those of functions inside of it."""
    found: list[ast.AST] = []
    for node in ast.iter_child_nodes(body):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            found += [node, *_own(node)]
    return found


class Waiting:
    """Calls back once, when the user's code is about to execute a certain line for the first time."""

    def __init__(self, child: Child, place: list[Any], then: Callable[[], None]) -> None:
        self._child = child
        self._file, self._function, self._at = place
        self._then = then
        self._over = False

    def start(self) -> None:
        sys.settrace(self._called)
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if self._child.shown(frame.f_code) is not None:
                frame.f_trace = self._line
            frame = frame.f_back

    def _called(self, frame: FrameType, event: str, arg: Any) -> Any:
        wanted = not self._over and frame.f_code.co_name == self._function
        return self._line if wanted and self._child.shown(frame.f_code) == self._file else None

    def _line(self, frame: FrameType, event: str, arg: Any) -> Any:
        if self._over:
            return None
        here = frame.f_code.co_name == self._function and self._child.shown(frame.f_code) == self._file
        if event == "line" and here and frame.f_lineno == self._at:
            self._over = True
            sys.settrace(None)
            self._then()
            return None
        return self._line
