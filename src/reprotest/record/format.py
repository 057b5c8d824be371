"""The bytes of a stream file. Little-endian; the whole description is in docs/record-format.md.

    header                    64 bytes
    frame*                    each appended by one write(2): templates that are new, then one step frame

    frame header              48 bytes: magic, check, template, count, step or body length, checksum, root
    "TMPL" body               JSON [[name, phase, op, dtype, shape, location], …], padded with spaces to 16 bytes
    "STEP" body               count times 16-byte digests, then count times two float64 (the sketches)

`check` guards the header, so that a frame which ends beyond the file is known to be torn, not damaged; `checksum` guards body and
root; `root` is the hash of the digests of all compared events (for templates: of the body). Equal roots under equal templates mean
equal frames: that is what comparison reads.
"""

from __future__ import annotations

import struct
import sys
from typing import Any

from reprotest.digest.algorithm import hash64_of, hash128_of

MAGIC = b"\x93RPREC\r\n"
VERSION = 1
HEADER = struct.Struct("<8sHcB4x16s24xQ")
"""magic, version, byte order of the hashed values, reserved, algorithm, checksum."""
FRAME = struct.Struct("<4sIIIqQ16s")
"""magic, check, template, count, step (or body length), checksum, root."""
CHECKED = struct.Struct("<IIq")
STEP = b"STEP"
TEMPLATE = b"TMPL"
EVENT_BYTES = 32
DIGEST_BYTES = 16
PAD = 16
NATIVE = b"<" if sys.byteorder == "little" else b">"
MOST_EVENTS = 1 << 17
"""Events in one frame."""
MOST_TEMPLATE_BYTES = 1 << 26

Descriptor = tuple[str, int, str | None, str | None, tuple[int, ...] | None, str | None]
"""What never changes about an event: name, phase, op, dtype, shape, location."""


class Codec:
    """The hash of one file: every checksum and root that its algorithm gives."""

    def __init__(self, algorithm: str, byte_order: bytes = NATIVE) -> None:
        """Raises KeyError when the algorithm is unknown or not installed."""
        self.algorithm = algorithm
        self.byte_order = byte_order
        self.hash128 = hash128_of(algorithm)
        self._hash64 = hash64_of(algorithm)

    def header(self, magic: bytes = MAGIC) -> bytes:
        """The 64 bytes with which a file begins."""
        raw = HEADER.pack(magic, VERSION, self.byte_order, 0, self.algorithm.encode(), 0)
        return raw[:-8] + int(self._hash64(raw[:-8])).to_bytes(8, "little")

    def header_is_sound(self, raw: bytes) -> bool:
        return bool(raw[-8:] == self._hash64(raw[:-8]).to_bytes(8, "little"))

    def check(self, magic: bytes, fields: bytes) -> int:
        """The 32-bit check of a header: of its fields between check and checksum."""
        return self._hash64(fields, magic[0]) & 0xFFFFFFFF

    def checksum(self, check: int, root: bytes, *bodies: Any) -> int:
        """The 64-bit checksum of a frame, over its header's check, its root and its body."""
        value = self._hash64(root, check)
        for body in bodies:
            value = self._hash64(body, value)
        return value

    def frame(self, magic: bytes, template: int, count: int, step: int, root: bytes, *bodies: Any) -> bytes:
        """The header of a frame with these bodies."""
        check = self.check(magic, CHECKED.pack(template, count, step))
        return FRAME.pack(magic, check, template, count, step, self.checksum(check, root, *bodies), root)
