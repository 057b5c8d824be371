"""The values themselves, kept for the steps of the plan's window, beside the stream of their digests.

    header                    64 bytes, as a stream's, with its own magic
    value*                    64-byte header, JSON [dtype, shape], elements; each appended by one write(2)

A value above the cap is kept as a strided sample and says so; when the file has reached its own cap every value is, and far
beyond it nothing more is kept.
"""

from __future__ import annotations

import json
import mmap
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprotest.digest.algorithm import ALGORITHM
from reprotest.digest.raw import raw_of
from reprotest.errors import RecordError
from reprotest.record.files import AppendFile
from reprotest.record.format import PAD, Codec
from reprotest.record.header import check_header

MAGIC = b"\x93RPVAL\r\n"
_VALUE = struct.Struct("<4sIQIIQQQ16x")
"""magic, check, frame, event, bytes of JSON, bytes of elements, stride, checksum."""
_CHECKED = struct.Struct("<QIIQQ")
_KIND = b"VALU"
MOST_OF_ONE = 16 << 20
MOST_OF_ALL = 512 << 20
_SAMPLE = 4096


@dataclass(frozen=True)
class Value:
    """One kept value.

    Attributes:
        dtype: its dtype's name.
        shape: its shape.
        raw: elements in row-major order, in the byte order of the machine that ran.
        stride: 1 when every element is kept; else `raw` holds every stride-th of the flattened elements.
    """

    dtype: str
    shape: tuple[int, ...]
    raw: memoryview
    stride: int = 1


class ValueWriter:
    """Keeps values of the events of one stream."""

    def __init__(self, path: str | Path, most_of_one: int = MOST_OF_ONE, most_of_all: int = MOST_OF_ALL) -> None:
        """Begin the file anew. Raises OSError.

        Args:
            path: the file.
            most_of_one: bytes of one value that are kept whole.
            most_of_all: bytes of the file after which only samples are kept.
        """
        self._file = AppendFile(path)
        self._codec = Codec(ALGORITHM)
        self._most_of_one = most_of_one
        self._most_of_all = most_of_all
        self.sampled = 0
        self.dropped = 0
        self._file.append([self._codec.header(MAGIC)])

    def put_value(self, frame: int, event: int, value: Any) -> None:
        """Keep the value of one event, if it has plain bytes (numbers, arrays, dense tensors). Raises OSError."""
        raw = raw_of(value, self._most_of_one)
        if raw is not None:
            self.put(frame, event, *raw)

    def put(self, frame: int, event: int, dtype: str, shape: Sequence[int], raw: Any) -> None:
        """Keep the elements of one event.

        Args:
            frame: index of its frame in the stream (`StreamWriter.frames` at that time).
            event: its index in the frame (`StreamWriter.pending` before it was added).
            dtype, shape: of the value.
            raw: its elements, contiguous, row-major.

        Raises:
            OSError: the disk is full, and this value is not kept.
        """
        data = memoryview(raw).cast("B")
        count = 1
        for n in shape:
            count *= n
        stride = 1
        if len(data) > self._most_of_one or self._file.size + len(data) > self._most_of_all:
            if self._file.size > self._most_of_all + self._most_of_all // 8:
                self.dropped += 1
                return
            size = len(data) // max(1, count)
            stride = -(-count // min(count, _SAMPLE, max(1, self._most_of_one // max(1, size))))
            data = memoryview(_every(data, size, stride)) if stride > 1 else data
            self.sampled += stride > 1
        described = json.dumps([dtype, list(shape)]).encode()
        described += b" " * (-len(described) % PAD)
        check = self._codec.check(_KIND, _CHECKED.pack(frame, event, len(described), len(data), stride))
        checksum = self._codec.checksum(check, struct.pack("<QQ", len(data), stride), described, data)
        head = _VALUE.pack(_KIND, check, frame, event, len(described), len(data), stride, checksum)
        self._file.append([head, described, data, bytes(-len(data) % PAD)])

    def close(self) -> None:
        self._file.close()

    abandon = close


class ValueReader:
    """The kept values of one stream."""

    def __init__(self, path: str | Path) -> None:
        """Read the index. Raises RecordError when the file is damaged, OSError when it cannot be read."""
        self.path = Path(path)
        self._view = _mapped(self.path)
        self.torn = 0
        self._at: dict[tuple[int, int], int] = {}
        end = len(self._view)
        codec, offset = check_header(self.path, self._view, MAGIC)
        if codec is None:
            self.torn = end
            return
        self._codec = codec
        while end - offset >= _VALUE.size:
            kind, check, frame, event, described, nbytes, _, _ = _VALUE.unpack_from(self._view, offset)
            if kind != _KIND or check != self._codec.check(
                _KIND, bytes(self._view[offset + 8 : offset + 8 + _CHECKED.size])
            ):
                raise RecordError(
                    f"{self.path} is damaged at byte {offset}: no value begins there; run the command again"
                )
            length = _VALUE.size + described + nbytes + -nbytes % PAD
            if offset + length > end:
                break
            self._at[frame, event] = offset
            offset += length
        self.torn = end - offset

    def __len__(self) -> int:
        return len(self._at)

    def __contains__(self, where: tuple[int, int]) -> bool:
        return where in self._at

    def keys(self) -> list[tuple[int, int]]:
        """(frame, event) of every kept value, in the order in which they were kept."""
        return list(self._at)

    def get(self, frame: int, event: int) -> Value | None:
        """The value of an event; None when it was not kept. Raises RecordError when it is damaged."""
        offset = self._at.get((frame, event))
        if offset is None:
            return None
        _, check, _, _, described, nbytes, stride, checksum = _VALUE.unpack_from(self._view, offset)
        start = offset + _VALUE.size
        text, data = self._view[start : start + described], self._view[start + described : start + described + nbytes]
        if checksum != self._codec.checksum(check, struct.pack("<QQ", nbytes, stride), text, data):
            raise RecordError(
                f"{self.path} is damaged at byte {offset}: a checksum does not match; run the command again"
            )
        try:
            dtype, shape = json.loads(bytes(text))
            return Value(str(dtype), tuple(int(n) for n in shape), data, int(stride))
        except (ValueError, TypeError, RecursionError) as error:
            raise RecordError(
                f"{self.path}: the description of the value at byte {offset} cannot be read: {error}"
            ) from error

    def close(self) -> None:
        """Let go of the file. Values that were handed out must not be used afterwards."""
        self._at.clear()
        self._view = memoryview(b"")


def _every(data: memoryview, size: int, stride: int) -> bytes:
    """Every stride-th element of `size` bytes."""
    code: Any = {1: "B", 2: "H", 4: "I", 8: "Q"}.get(size)
    if code is not None:
        return bytes(data.cast(code)[::stride].tobytes())
    return b"".join([bytes(data[i : i + size]) for i in range(0, len(data), size * stride)])


def _mapped(path: Path) -> memoryview:
    with open(path, "rb") as file:
        if file.seek(0, 2) == 0:
            return memoryview(b"")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
