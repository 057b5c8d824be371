"""Shows the program the environment that it would have without us.

Programs digest their environment, count it, or write it into a configuration that they digest. What a run adds to it (the way in for the
probes, the path of its plan, the switches of a held or varied factor) is found by its name, as libraries look for it, but is not listed.
A process that is started with a copy of the listed ones gets the others all the same; one that is given few of them does without.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reprotest.factors import _patch
from reprotest.factors.environment import NOISE

HIDDEN = "REPROTEST_HIDDEN"
"""Environment variable with the names, parted by commas, that a run has added to the environment."""

_PREFIX = b"REPROTEST_"
_WAY_IN = os.fsencode(os.path.join(os.path.dirname(os.path.abspath(__file__)), "bootstrap"))


def install() -> None:
    """List only the program's own variables in `os.environ` and `os.environb`, and hand on the others to processes started from here."""
    variables: dict[bytes, bytes] = os.environ._data  # type: ignore[attr-defined]
    added = {os.fsencode(name) for name in os.environ.get(HIDDEN, "").split(",") if name}
    seen = os.fsencode(NOISE)

    def hidden(name: bytes) -> bool:
        return name in added or (name.startswith(_PREFIX) and name != seen)

    def completed(given: dict[bytes, bytes]) -> dict[bytes, bytes]:
        """The environment for another process with what it lacks, if it is made from a copy of this one."""
        path = given.get(b"PYTHONPATH", b"")
        way_in = _WAY_IN in path
        listed = [name for name in variables if not hidden(name)]
        if not way_in and 2 * sum(name in given for name in listed) < len(listed):
            return given
        whole = {**{name: value for name, value in variables.items() if hidden(name)}, **given}
        if not way_in:
            whole[b"PYTHONPATH"] = os.fsencode(os.pathsep).join(part for part in (_WAY_IN, path) if part)
        return whole

    _list_fewer(type(os.environ), hidden, added)
    _hand_on(completed)


def _list_fewer(kind: Any, hidden: Callable[[bytes], bool], added: set[bytes]) -> None:
    """`kind` is that of `os.environ` and `os.environb`, which share their variables."""
    set_item = kind.__setitem__

    def __iter__(self: Any) -> Iterator[Any]:
        for name in list(self._data):
            if not hidden(name):
                yield self.decodekey(name)

    def __len__(self: Any) -> int:
        return sum(not hidden(name) for name in self._data)

    def __repr__(self: Any) -> str:
        shown = ", ".join(f"{name!r}: {self[name]!r}" for name in self)
        return f"environ({{{shown}}})"

    def __setitem__(self: Any, name: Any, value: Any) -> None:
        set_item(self, name, value)
        added.discard(self.encodekey(name))  # the program's own from now on

    for function in (__iter__, __len__, __repr__, __setitem__):
        setattr(kind, function.__name__, function)


def _hand_on(completed: Callable[[dict[bytes, bytes]], dict[bytes, bytes]]) -> None:
    import _posixsubprocess
    import subprocess

    def whole(env: Any) -> Any:
        if env is None:
            return None
        return completed({os.fsencode(name): os.fsencode(value) for name, value in dict(env).items()})

    fork_exec = _posixsubprocess.fork_exec

    def fork_exec_whole(_self: object, *arguments: Any) -> Any:
        env = arguments[5] if len(arguments) > 5 else None  # a list of b"NAME=value", or None: that of this process
        if env is not None:
            given = completed(dict(variable.split(b"=", 1) for variable in env))
            arguments = (*arguments[:5], [b"=".join(variable) for variable in given.items()], *arguments[6:])
        return fork_exec(*arguments)

    new = _patch.replace(_posixsubprocess, "fork_exec", fork_exec_whole)
    for name in ("_fork_exec", "_posixsubprocess_fork_exec"):
        if getattr(subprocess, name, None) is fork_exec:
            setattr(subprocess, name, new)
    for name, position in (("execve", 2), ("posix_spawn", 2), ("posix_spawnp", 2)):
        if hasattr(os, name):
            _replace_start(name, position, whole)


def _replace_start(name: str, position: int, whole: Callable[[Mapping[Any, Any] | None], Any]) -> None:
    real = getattr(os, name)

    def start(_self: object, *arguments: Any, **keywords: Any) -> Any:
        if "env" in keywords:
            keywords["env"] = whole(keywords["env"])
        elif len(arguments) > position:
            arguments = (*arguments[:position], whole(arguments[position]), *arguments[position + 1 :])
        return real(*arguments, **keywords)

    _patch.replace(os, name, start)
