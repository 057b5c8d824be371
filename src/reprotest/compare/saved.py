"""What two runs save, compared apart from what they compute: one that finds a file made already has no need to save it again."""

from __future__ import annotations

from reprotest.compare.frames import difference_in_frame
from reprotest.compare.streams import Mismatch
from reprotest.record.frame import Frame
from reprotest.record.stream import Stream


def saved_mismatch(a: Stream, b: Stream) -> Mismatch | None:
    """The first artifact that both runs save with other values; None when one run saves nothing but what the other saves, too."""
    ours, theirs = _saved(a), _saved(b)
    shorter, longer = sorted((ours, theirs), key=len)
    others = iter(longer)
    if all(any(_same(frame, other) for other in others) for frame in shorter):
        return None
    # Counted from the end: what a run need not save again, because it is there, comes before its results.
    pairs = []
    for x in reversed(ours):
        y = next((frame for frame in reversed(theirs) if frame.template.keys == x.template.keys), None)
        if y is not None:
            theirs = theirs[: theirs.index(y)]
            pairs.append((x, y))
    for x, y in reversed(pairs):
        found = difference_in_frame(x, y)
        if found is not None:
            return Mismatch(found, x, y)
    return None


def _saved(stream: Stream) -> list[Frame]:
    return [
        segment.frame(n)
        for segment in stream.segments()
        if stream.template(segment.template).is_saved
        for n in range(segment.count)
    ]


def _same(x: Frame, y: Frame) -> bool:
    return x.root == y.root and x.template.alike(y.template)
