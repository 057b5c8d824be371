"""Two frames that should be equal: the first event, in program order, that differs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from reprotest.digest.device import comparable
from reprotest.record.frame import Frame
from reprotest.record.template import Description


@dataclass(frozen=True)
class Found:
    """The first event in which two frames differ.

    Attributes:
        kind: as in `result.Difference`.
        a, b: the event's index in each frame; None where that run does not have it.
        note: a sentence for people.
        renamed: nothing but the event's name differs, here and in the whole frame.
    """

    kind: str
    a: int | None
    b: int | None
    note: str | None = None
    renamed: bool = False


def difference_in_frame(a: Frame, b: Frame) -> Found | None:
    """The first differing event; None when all that is compared is equal (order of equal events apart)."""
    if a.template.alike(b.template):
        return _same_events(a, b)
    return _other_events(a, b)


def describe(event: Description) -> str:
    """An event's dtype and shape for people: "float32[3, 4]"."""
    shape = "" if event.shape is None else str(list(event.shape))
    return f"{event.dtype or 'value'}{shape}"


def _same_events(a: Frame, b: Frame) -> Found | None:
    ours, theirs = a.template.compared, b.template.compared
    x = np.frombuffer(a.digests, "<u8").reshape(-1, 2)[list(ours)]
    y = np.frombuffer(b.digests, "<u8").reshape(-1, 2)[list(theirs)]
    places = np.flatnonzero((x != y).any(axis=1))
    if places.size == 0:
        return None
    place = int(places[0])
    return value_or_order(a, b, ours[place], theirs[place])


def value_or_order(a: Frame, b: Frame, i: int, j: int) -> Found:
    """Other values, or the same values that came in another order (several batches in one step, several calls of one operator)?"""
    ours, theirs = a.template.described[i], b.template.described[j]
    if ours.dtype != theirs.dtype:
        return Found("dtype", i, j, f"{describe(ours)} in run 1, {describe(theirs)} in run 2")
    if ours.shape != theirs.shape:
        return Found("shape", i, j, f"{describe(ours)} in run 1, {describe(theirs)} in run 2")
    if _of_one_name(a, i) == _of_one_name(b, j):
        return Found("order", i, j, "the same values in another order")
    return Found("value", i, j)


def _of_one_name(frame: Frame, i: int) -> Counter[bytes]:
    wanted = frame.template.described[i]
    same = (wanted.phase, wanted.name, wanted.op)
    return Counter(
        frame.digest(k)
        for k, event in enumerate(frame.template.described)
        if (event.phase, event.name, event.op) == same
    )


def _other_events(a: Frame, b: Frame) -> Found | None:
    """Frames whose events are not the same: walk both in program order."""
    ours, theirs = a.template.keys, b.template.keys
    in_a = {key: a.template.compared[n] for n, key in enumerate(ours)}
    in_b = {key: b.template.compared[n] for n, key in enumerate(theirs)}
    renamed: Found | None = None
    n = m = 0
    while n < len(ours) or m < len(theirs):
        x = ours[n] if n < len(ours) else None
        y = theirs[m] if m < len(theirs) else None
        if x is not None and x in in_b:
            # What both have is compared where run 1 has it; run 2 may have it elsewhere.
            if y is not None and y not in in_a:
                return _only(b, in_b[y], "extra")
            found = _pair(a, b, in_a[x], in_b[x])
            if found is not None:
                return found
            n, m = n + 1, m + (y is not None)
        elif x is not None:
            i = in_a[x]
            if y is None or y in in_a:
                return _only(a, i, "missing")
            j = in_b[y]
            if x[0] != y[0] or a.digest(i) != b.digest(j):
                name = b.template.described[j].name
                return Found("missing", i, None, f"run 2 has {name!r} in its place")
            name = b.template.described[j].name
            renamed = renamed or Found("missing", i, j, f"run 2 calls it {name!r}; its values are equal", renamed=True)
            n, m = n + 1, m + 1
        elif y is not None and y not in in_a:
            return _only(b, in_b[y], "extra")
        else:
            m += 1
    return renamed


def _pair(a: Frame, b: Frame, i: int, j: int) -> Found | None:
    ours, theirs = a.template.described[i], b.template.described[j]
    if a.digest(i) == b.digest(j) and (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape):
        return None
    if not comparable(ours.dtype, theirs.dtype):
        return None
    return value_or_order(a, b, i, j)


def _only(frame: Frame, i: int, kind: str) -> Found:
    who = "run 1" if kind == "missing" else "run 2"
    return Found(kind, i if kind == "missing" else None, i if kind == "extra" else None, f"only {who} has it")
