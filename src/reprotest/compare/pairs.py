"""Which stream of one record goes with which of the other."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from reprotest.record.directory import Record
from reprotest.record.stream import Stream

_NUMBERED = re.compile(r"^(?!rank\d+$)(.*?)[-_]?\d+$")


def paired(a: Record, b: Record) -> Iterator[tuple[Stream | None, Stream | None]]:
    """Streams of one key, and those that one record alone has.

    Processes and threads that are told apart by a number alone ("main/fork-1", "pool_0") may have got their numbers in another
    order; they go by their first frames where that pairs every one of them.
    """
    names = _renumbered(a, b)
    for key, stream in a.streams.items():
        yield stream, b.streams.get(names.get(key, key))
    taken = {names.get(key, key) for key in a.streams}
    for key, stream in b.streams.items():
        if key not in taken:
            yield None, stream


def is_numbered(key: str) -> bool:
    """Is a process or thread told apart from others by a number alone? Ranks are not: their numbers mean something."""
    return _NUMBERED.match(key) is not None


def unnumbered(key: str) -> str:
    """The name that numbered processes or threads have in common."""
    match = _NUMBERED.match(key)
    return match[1] if match is not None else key


def _renumbered(a: Record, b: Record) -> dict[str, str]:
    groups: dict[str, list[str]] = defaultdict(list)
    for key in a.streams:
        match = _NUMBERED.match(key)
        if match is not None and key in b.streams:
            groups[match[1]].append(key)
    names: dict[str, str] = {}
    for keys in groups.values():
        ours = {key: _first_root(a.streams[key]) for key in keys}
        theirs = {_first_root(b.streams[key]): key for key in keys}
        if len(keys) < 2 or len(theirs) < len(keys) or set(ours.values()) != set(theirs):
            continue
        names.update({key: theirs[root] for key, root in ours.items()})
    return names


def _first_root(stream: Stream) -> bytes:
    segment = next(stream.segments(), None)
    return segment.roots[0].tobytes() if segment is not None else b""
