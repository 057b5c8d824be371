"""Comparing two records of a million events: regular, differing at the last event, irregular; against records as lines of JSON."""

from __future__ import annotations

import json
import mmap
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy
from _harness import Row, measure, show

from reprotest.compare import first_difference
from reprotest.record import open_record
from reprotest.record.event import Phase
from reprotest.record.writer import StreamWriter

_EVENTS, _FRAME = 1_000_000, 160


def rows() -> list[Row]:
    """Times to open and compare."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        pairs = {
            f"equal, {_FRAME} events a frame": _pair(root / "equal", _FRAME),
            "different at the last event": _pair(root / "last", _FRAME, flip=True),
            "equal, one event a frame": _pair(root / "single", 1),
            "equal, a new shape every 4th frame": _pair(root / "shapes", _FRAME, shapes=True),
        }
        works: dict[str, Callable[[], object]] = {name: _comparison(*pair) for name, pair in pairs.items()}
        works["touch"] = _touch(root / "equal")
        found = measure(works, rounds=25, seconds=0.01)
        lines = measure({"json": _json_comparison(root)}, rounds=1, seconds=0)
    regular = f"equal, {_FRAME} events a frame"
    result = []
    for name in pairs:
        targets = (10, 3) if name in (regular, "different at the last event") else (None, None)
        result.append(Row("compare", f"a million events: {name}", 1e3 * found.least(name), "ms", *targets))
    floor = "a million events: equal / mapping both files and touching every frame"
    result.append(Row("compare", floor, found.ratio(regular, "touch"), "x"))
    return [*result, Row("compare", "lines of JSON / ours", lines.least("json") / found.least(regular), "x")]


def _comparison(a: Path, b: Path) -> Callable[[], object]:
    def work() -> object:
        x, y = open_record(a), open_record(b)
        found = first_difference(x, y)
        x.close()
        y.close()
        return found

    return work


def _touch(pair: Path) -> Callable[[], object]:
    """What no reader of memory-mapped frames can do without."""

    def work() -> None:
        for name in ("a", "b"):
            with open(pair / name / "streams" / "main.rec", "rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            size = 48 + 32 * _FRAME
            numpy.ndarray((len(mapped) // size - 3,), "<u8", mapped, 0, (size,)).sum()
            mapped.close()

    return work


def _pair(folder: Path, frame: int, *, flip: bool = False, shapes: bool = False) -> tuple[Path, Path]:
    return _write(folder / "a", frame, shapes), _write(folder / "b", frame, shapes, flip)


def _write(folder: Path, frame: int, shapes: bool = False, flip: bool = False) -> Path:
    (folder / "streams").mkdir(parents=True)
    rng = random.Random(0)
    writer = StreamWriter(folder / "streams" / "main.rec")
    frames = _EVENTS // frame
    for step in range(frames):
        shape = (step // 4 if shapes else 64, 64)
        template = writer.template(
            [(f"layer.{i}.weight", Phase.UPDATE, None, "float32", shape, None) for i in range(frame)]
        )
        digests = [rng.randbytes(16) for _ in range(frame)]
        if flip and step == frames - 1:
            digests[-1] = bytes(byte ^ 1 for byte in digests[-1])
        writer.frame(step, template, digests, [0.0] * (2 * frame), soon=True)
    writer.close()
    return folder


def _json_comparison(root: Path) -> Callable[[], object]:
    for name in ("a", "b"):
        rng = random.Random(0)
        with open(root / f"{name}.jsonl", "w", encoding="utf-8") as file:
            for i in range(_EVENTS):
                digest = f"{rng.getrandbits(128):032x}"
                file.write(
                    json.dumps({"step": i // _FRAME, "name": f"layer.{i % _FRAME}.weight", "digest": digest, "a": 0.5})
                    + "\n"
                )

    def work() -> int:
        with open(root / "a.jsonl", encoding="utf-8") as a, open(root / "b.jsonl", encoding="utf-8") as b:
            return sum(json.loads(x)["digest"] != json.loads(y)["digest"] for x, y in zip(a, b, strict=True))

    return work


if __name__ == "__main__":
    show(rows())
