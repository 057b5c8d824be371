"""Records made to order: what a run would have left."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reprotest.digest import digest_object, fingerprint, sketch
from reprotest.record import Record, open_record
from reprotest.record.event import Phase
from reprotest.record.values import ValueWriter
from reprotest.record.writer import StreamWriter


@dataclass
class Event:
    """One event: a value, or a digest that stands for one."""

    name: str
    value: Any = 0
    phase: Phase = Phase.UPDATE
    op: str | None = None
    location: str | None = None
    shape: tuple[int, ...] | None = None
    dtype: str | None = None


@dataclass
class Run:
    """Streams of frames of events, and how the run ended."""

    streams: dict[str, list[tuple[int, list[Event]]]] = field(default_factory=dict)
    ended: str | None = "finished"
    exit_code: int | None = 0
    keep: bool = False
    output: dict[str, bytes] = field(default_factory=dict)


def digest(value: Any) -> bytes:
    return (
        hashlib.blake2b(str(value).encode(), digest_size=16).digest()
        if isinstance(value, str)
        else digest_object(value)
    )


class Streams:
    """The open files of a run, written frame by frame."""

    def __init__(self, folder: Path, keep: bool) -> None:
        self.folder = folder
        self.keep = keep
        self.writers: dict[str, tuple[StreamWriter, ValueWriter]] = {}
        for name in ("streams", "values", "watch"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def frame(self, key: str, step: int, events: list[Event]) -> None:
        if key not in self.writers:
            stem = key.replace("/", "~")
            self.writers[key] = (
                StreamWriter(self.folder / "streams" / f"{stem}.rec"),
                ValueWriter(self.folder / "values" / f"{stem}.val"),
            )
        writer, values = self.writers[key]
        for event in events:
            _, dtype, shape = fingerprint(event.value)
            if self.keep:
                values.put_value(writer.frames, writer.pending, event.value)
            writer.event(
                event.name, event.phase, digest(event.value), *sketch(event.value), op=event.op, dtype=event.dtype or dtype,
                shape=event.shape or shape, location=event.location,
            )  # fmt: skip
        writer.commit(step)

    def close(self) -> None:
        for writer, values in self.writers.values():
            writer.close()
            values.close()


def write_run(folder: Path, run: Run) -> Record:
    streams = Streams(folder, run.keep)
    for key, frames in run.streams.items():
        for step, events in frames:
            streams.frame(key, step, events)
    streams.close()
    if run.ended is not None:
        (folder / "exit.json").write_text(json.dumps({"ended": run.ended, "exit_code": run.exit_code}))
    for name, data in run.output.items():
        (folder / name).write_bytes(data)
    return open_record(folder)


def training(steps: int = 5, layers: int = 3, **changed: Any) -> list[tuple[int, list[Event]]]:
    """A regular training: {"2:w1": value} changes one event of one step."""
    frames = []
    for step in range(steps):
        events = [Event("batch[0]", f"batch {step}", Phase.DATA), Event("loss", step / 7, Phase.LOSS)]
        events += [Event(f"w{i}", f"w{i} at {step}") for i in range(layers)]
        events.append(Event("torch.random", f"state {step}", Phase.STATE))
        for event in events:
            event.value = changed.get(f"{step}:{event.name}", event.value)
        frames.append((step, events))
    return frames
