"""At which step of the full run the resumed one begins: where the parameters are those that it begins with."""

from __future__ import annotations

from dataclasses import dataclass

from reprotest.record.event import Phase
from reprotest.record.frame import Frame
from reprotest.record.stream import Stream


@dataclass(frozen=True)
class Start:
    """Where in the full run's stream the resumed run goes on.

    Attributes:
        step: completed steps before it.
        frame: index of the first frame after it.
        exact: the parameters are the same there, or there are none; else the place is only where the first run ended.
    """

    step: int
    frame: int
    exact: bool


def find_start(full: Stream, second: Stream, hint: int | None) -> Start | None:
    """The place, or None where there is none.

    Args:
        full: the full run's stream.
        second: the resumed run's, of the same process.
        hint: how many steps the first run made. It decides where the parameters are the same at several steps.
    """
    begins = _initial(second)
    ends = [frame.index for frame in full.frames if frame.template.completes_step]
    wanted = {name: begins[name] for name in _trained(full) if name in begins}
    places = _same(full, wanted) if wanted else []
    exact = next((place for place in places if place.step == hint), places[-1] if places else None)
    if exact is not None:
        return exact
    if hint == 0 and not begins:
        return Start(0, 0, exact=True)
    if hint is None or not 0 < hint <= len(ends):
        return None
    last = next((i for i in reversed(ends) if full.frames[i].step < hint), None)
    return None if last is None else Start(hint, last + 1, exact=not wanted)


def _initial(stream: Stream) -> dict[str, bytes]:
    """The parameters with which training begins: the last of each name before the first step is complete."""
    found: dict[str, bytes] = {}
    for frame in stream.frames:
        for index, event in enumerate(frame.template.described):
            if event.phase is Phase.INIT:
                found[event.name] = frame.digest(index)
        if frame.template.completes_step:
            break
    return found


def _trained(stream: Stream) -> list[str]:
    """Names of what has gradients and is updated."""
    updated: dict[str, None] = {}
    graded: set[str] = set()
    seen: set[bytes] = set()
    for segment in stream.segments():
        template = stream.template(segment.template)
        if template.content in seen:
            continue
        seen.add(template.content)
        for event in template.described:
            if event.phase is Phase.UPDATE:
                updated.setdefault(event.name)
            elif event.phase is Phase.BACKWARD:
                graded.add(event.name)
    return [name for name in updated if name in graded] or list(updated)


def _same(full: Stream, wanted: dict[str, bytes]) -> list[Start]:
    """The places after which every wanted parameter has its wanted value."""
    differing = set(wanted)
    ends = [frame for frame in full.frames if frame.template.completes_step]
    places = []
    for number, frame in enumerate(ends):
        for index, event in enumerate(frame.template.described):
            if event.phase is Phase.UPDATE and event.name in wanted:
                (differing.discard if frame.digest(index) == wanted[event.name] else differing.add)(event.name)
        if not differing:
            if _goes_on(frame):
                places.append(Start(frame.step, frame.index, exact=True))
                continue
            step = ends[number + 1].step if number + 1 < len(ends) else frame.step + 1
            places.append(Start(step, frame.index + 1, exact=True))
    return places


def _goes_on(frame: Frame) -> bool:
    """Does what follows the update stand in the same frame? So it does in loops without an optimizer, where no hook tells of updates."""
    phases = [event.phase for event in frame.template.described]
    return Phase.UPDATE in phases and Phase.BACKWARD in phases[phases.index(Phase.UPDATE) :]
