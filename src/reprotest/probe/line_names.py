"""Which names each line of a code object stores or touches, read from its bytecode (CPython 3.11 and later)."""

from __future__ import annotations

import dis
import sys
from types import CodeType
from typing import NamedTuple

_LOADS = ("LOAD_FAST", "LOAD_NAME", "LOAD_GLOBAL", "LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR")
_STORES = ("STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF")
_LOW_BIT_CALLS = sys.version_info >= (3, 12)
"""From Python 3.12 LOAD_ATTR's lowest bit says that a call follows; in 3.11 that is LOAD_METHOD."""


class Touched(NamedTuple):
    """A name with the attributes read or set on it: `self.c[k] = v` touches ("self", ("c",), None).

    Attributes:
        root: local or global name.
        attributes: plain attributes that follow it.
        method: the method that is called on it, if one is; what it does to the object shows in the object.
    """

    root: str
    attributes: tuple[str, ...]
    method: str | None


def loop_lines(code: CodeType) -> frozenset[int]:
    """Lines on which a `for` takes its next item."""
    return frozenset(
        instruction.positions.lineno
        for instruction in dis.get_instructions(code)
        if instruction.opname == "FOR_ITER" and instruction.positions is not None and instruction.positions.lineno
    )


def touched_by_line(code: CodeType) -> dict[int, tuple[Touched, ...]]:
    """Every line of `code` (not of functions nested in it) with what it touches, in order of first appearance."""
    lines: dict[int, dict[Touched, None]] = {}
    root: str | None = None
    attributes: tuple[str, ...] = ()
    method: str | None = None
    at = code.co_firstlineno

    def flush() -> None:
        nonlocal root
        if root is not None:
            lines.setdefault(at, {}).setdefault(Touched(root, attributes, method))
            root = None

    for instruction in dis.get_instructions(code):
        operation = instruction.opname
        if operation in ("CACHE", "EXTENDED_ARG"):
            continue
        line = instruction.positions.lineno if instruction.positions is not None else None
        if operation.startswith("LOAD_ATTR") or operation == "LOAD_METHOD":
            if root is not None and method is None:
                called = operation == "LOAD_METHOD" or (_LOW_BIT_CALLS and bool((instruction.arg or 0) & 1))
                if called:
                    method = str(instruction.argval)
                else:
                    attributes = (*attributes, str(instruction.argval))
            continue
        if operation.startswith("STORE_ATTR"):
            if root is not None and method is None:
                attributes = (*attributes, str(instruction.argval))
            flush()
            continue
        flush()
        if line is None:
            continue
        names = instruction.argval if isinstance(instruction.argval, tuple) else (instruction.argval,)
        if operation.startswith((*_LOADS, *_STORES)):
            for name in names:  # Python 3.13 loads or stores two at once
                flush()
                root, attributes, method, at = str(name), (), None, line
            if operation.startswith(_STORES):
                flush()
    flush()
    return {line: tuple(found) for line, found in lines.items()}
