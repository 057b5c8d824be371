"""One run's record: streams of events, kept values, notes and manifest; crash-safe, never pickled, safe to read from strangers.

The process under test imports `record.writer` and `record.values`, which need the standard library and xxhash. Reading needs NumPy
and is loaded when it is asked for: `open` (also `open_record`), `Record`, `Stream`, `Segment`, `Frame`, `Event`, `Tail`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reprotest.record.directory import Record, open_record
    from reprotest.record.directory import open_record as open
    from reprotest.record.frame import Event, Frame
    from reprotest.record.stream import Segment, Stream
    from reprotest.record.tail import Tail

__all__ = ["Event", "Frame", "Record", "Segment", "Stream", "Tail", "open", "open_record"]

_WHERE = {
    "Event": "frame",
    "Frame": "frame",
    "Record": "directory",
    "Segment": "stream",
    "Stream": "stream",
    "Tail": "tail",
    "open": "directory",
    "open_record": "directory",
}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), "open_record" if name == "open" else name)
