"""Reads and judges the first 64 bytes of our files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reprotest.errors import RecordError
from reprotest.record.format import HEADER, MAGIC, VERSION, Codec


def check_header(path: Path, buffer: Any, magic: bytes = MAGIC) -> tuple[Codec | None, int]:
    """The codec of a file and where its first frame begins.

    Returns:
        (None, its length) for a file that was torn inside its header: it holds nothing.

    Raises:
        RecordError: not one of our files, of another version, damaged, or made with a hash that is not installed.
    """
    raw = bytes(buffer[: HEADER.size])
    if not magic.startswith(raw[: len(magic)]):
        raise RecordError(f"{path} is not a reprotest record: it begins with {raw[:8]!r}; expected {magic!r}")
    if len(raw) < HEADER.size:
        return None, len(raw)
    _, version, order, _, name, _ = HEADER.unpack(raw)
    if version != VERSION:
        raise RecordError(
            f"{path} is a record of version {version}; this reprotest reads version {VERSION}: record it again"
        )
    algorithm = name.rstrip(b"\0").decode("ascii", "replace")
    try:
        codec = Codec(algorithm, order)
    except KeyError:
        raise RecordError(
            f"{path} was hashed with {algorithm!r}, which is unknown or not installed here; try `pip install xxhash`"
        ) from None
    if not codec.header_is_sound(raw):
        raise RecordError(f"{path} is damaged: the checksum of its header does not match; run the command again")
    return codec, HEADER.size
