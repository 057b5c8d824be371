"""Reads a stream while it is being written."""

from __future__ import annotations

import os
from pathlib import Path

from reprotest.errors import RecordError
from reprotest.record.format import FRAME, STEP, Codec
from reprotest.record.frame import Frame, check_body, read_head
from reprotest.record.header import check_header
from reprotest.record.stream import key_of
from reprotest.record.template import Template, parse_template

_AT_ONCE = 16 << 20


class Tail:
    """The frames of a growing file, each given once.

    Attributes:
        key: which process and thread.
        frames: how many were given.
    """

    def __init__(self, path: str | Path) -> None:
        """The file need not exist yet."""
        self.path = Path(path)
        self.key = key_of(self.path)
        self.frames = 0
        self.algorithm: str | None = None
        self.byte_order: bytes | None = None
        self._codec: Codec | None = None
        self._templates: list[Template] = []
        self._offset = 0
        self._rest = b""

    def poll(self) -> list[Frame]:
        """The frames that were completed since the last call, some 16 MiB of them at most; none: that is all there is so far.

        Raises RecordError when the file is damaged.
        """
        while data := self._read():
            self._offset += len(data)
            data, at = self._rest + data, 0
            if self._codec is None:
                self._codec, at = check_header(self.path, data)
                if self._codec is None:
                    self._rest = data
                    continue
                self.algorithm, self.byte_order = self._codec.algorithm, self._codec.byte_order
            frames, consumed = self._parse(self._codec, data, at)
            self._rest = data[consumed:]
            if frames:
                return frames
        return []

    def _read(self) -> bytes:
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return b""
        try:
            there = os.fstat(descriptor).st_size - self._offset
            return os.pread(descriptor, min(_AT_ONCE, there), self._offset) if there > 0 else b""
        finally:
            os.close(descriptor)

    def _parse(self, codec: Codec, data: bytes, at: int) -> tuple[list[Frame], int]:
        frames: list[Frame] = []
        where, base = str(self.path), self._offset - len(data)
        while len(data) - at >= FRAME.size:
            head = read_head(where, codec, data, at)
            end = at + FRAME.size + head.length
            if end > len(data):
                break
            body = data[at + FRAME.size : end]
            check_body(where, codec, head, base + at, body)
            if head.magic != STEP:
                if head.template != len(self._templates):
                    raise RecordError(
                        f"{where} is damaged at byte {base + at}: a template is out of its order; run the command again"
                    )
                self._templates.append(parse_template(f"{where}, byte {base + at}", head.root, body, head.events))
            else:
                frames.append(
                    Frame(self.frames, head.step, self._template(head.template, head.events), head.root, body)
                )
                self.frames += 1
            at = end
        return frames, at

    def _template(self, number: int, count: int) -> Template:
        if number >= len(self._templates) or len(self._templates[number]) != count:
            raise RecordError(
                f"{self.path} is damaged: a frame refers to a template that is not there; run the command again"
            )
        return self._templates[number]
