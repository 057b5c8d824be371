"""What never changes about the events of a frame, as read from a file."""

from __future__ import annotations

import json
from collections import Counter
from functools import cached_property
from typing import Any, NamedTuple

from reprotest.errors import RecordError
from reprotest.record.event import LEFT, SAVED, Phase

Key = tuple[int, str, str | None, int]
"""Phase, name, operator, and how many events of the frame before it have the same three: what aligns two frames."""


class Description(NamedTuple):
    """The static facts of one event."""

    name: str
    phase: Phase
    op: str | None
    dtype: str | None
    shape: tuple[int, ...] | None
    location: str | None


class Template:
    """The descriptions of a frame's events.

    Attributes:
        content: 16-byte hash of the written form: equal ones are equal templates.
        described: one `Description` an event.
    """

    def __init__(self, content: bytes, described: tuple[Description, ...]) -> None:
        self.content = content
        self.described = described

    def __len__(self) -> int:
        return len(self.described)

    @cached_property
    def compared(self) -> tuple[int, ...]:
        """Indices of the events that are compared: all but RNG states."""
        return tuple(i for i, event in enumerate(self.described) if event.phase is not Phase.STATE)

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """What the compared events are aligned by, in program order."""
        seen: Counter[tuple[int, str, str | None]] = Counter()
        keys = []
        for index in self.compared:
            event = self.described[index]
            same = (int(event.phase), event.name, event.op)
            keys.append((*same, seen[same]))
            seen[same] += 1
        return tuple(keys)

    @cached_property
    def phases(self) -> Counter[Phase]:
        """How many events of each phase."""
        return Counter(event.phase for event in self.described)

    @cached_property
    def is_saved(self) -> bool:
        """Is it about what the program saves, and nothing else?"""
        return bool(self.described) and all(event.op == SAVED for event in self.described)

    @cached_property
    def is_indirect(self) -> bool:
        """Does it only show what is saved, or left over at the end, and nothing of what the program does?"""
        return all(event.op in (SAVED, LEFT) or event.phase is Phase.STATE for event in self.described)

    @property
    def completes_step(self) -> bool:
        """Does a frame of this template end an optimiser step?"""
        return Phase.UPDATE in self.phases

    def alike(self, other: Template) -> bool:
        """Do frames of both templates compare event by event? Source lines may differ, nothing else."""
        if self.content == other.content:
            return True
        if self.keys != other.keys:
            return False
        ours, theirs = self.described, other.described
        return all(
            ours[i].dtype == theirs[j].dtype and ours[i].shape == theirs[j].shape
            for i, j in zip(self.compared, other.compared, strict=True)
        )


def parse_template(where: str, content: bytes, body: bytes, count: int) -> Template:
    """A template from the JSON of its frame. Raises RecordError; `where` says which file and byte."""
    try:
        raw = json.loads(body)
        described = tuple(_description(*item) for item in raw)
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        raise RecordError(
            f"{where}: the description of the events cannot be read: {error}; run the command again"
        ) from error
    if len(described) != count:
        raise RecordError(f"{where}: {len(described)} events are described, {count} announced; run the command again")
    return Template(content, described)


def _description(name: Any, phase: Any, op: Any, dtype: Any, shape: Any, location: Any) -> Description:
    for text in (op, dtype, location):
        if text is not None and not isinstance(text, str):
            raise TypeError(f"{text!r:.80} is not text")
    if not isinstance(name, str):
        raise TypeError(f"{name!r:.80} is not a name")
    if type(phase) is not int:
        raise TypeError(f"{phase!r:.80} is not a phase")
    if shape is not None:
        if not isinstance(shape, list) or not all(type(n) is int for n in shape):
            raise TypeError(f"{shape!r:.80} is not a shape")
        shape = tuple(shape)
    return Description(name, Phase(phase), op, dtype, shape, location)
