"""The hash behind every digest: XXH3 128 bits, at the speed at which memory can be read; BLAKE2b where xxhash is missing.

A digest is `hash128(bytes, seed(description))`: what the bytes mean (dtype and shape) goes in as the seed, so that hashing stays one
call over the caller's own memory. Digests of different algorithms cannot be compared; a record names its algorithm.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

try:  # an eighth of the import time of hashlib, which loads OpenSSL
    from _blake2 import blake2b
except ImportError:  # pragma: no cover - interpreters built without it
    from hashlib import blake2b

Buffer = Any
"""Anything with the buffer protocol: bytes, memoryview, a ctypes array, a contiguous NumPy array."""

XXH3 = "xxh3_128"
BLAKE2B = "blake2b_128"


class Growing(Protocol):
    """A digest of data that comes in pieces."""

    def update(self, data: Buffer, /) -> None: ...
    def digest(self) -> bytes: ...


class Blake2b:
    """A growing BLAKE2b digest of 16 bytes, with the interface of xxhash's objects."""

    def __init__(self, data: Buffer = b"", seed: int = 0) -> None:
        self._hash = blake2b(data, digest_size=16, key=seed.to_bytes(8, "little"))

    def update(self, data: Buffer) -> None:
        self._hash.update(data)

    def digest(self) -> bytes:
        return self._hash.digest()


def blake2b_hash128(data: Buffer, seed: int = 0) -> bytes:
    """16 bytes of keyed BLAKE2b."""
    return blake2b(data, digest_size=16, key=seed.to_bytes(8, "little")).digest()


def blake2b_hash64(data: Buffer, seed: int = 0) -> int:
    """A 64-bit integer of keyed BLAKE2b."""
    return int.from_bytes(blake2b(data, digest_size=8, key=seed.to_bytes(8, "little")).digest(), "little")


ALGORITHM = BLAKE2B
Hasher: Callable[..., Growing] = Blake2b
"""`Hasher(data, seed)` grows with `update(data)`; its `digest()` is what `hash128` gives at once."""
hash128: Callable[..., bytes] = blake2b_hash128
"""(data, seed=0) → 16 bytes."""
hash64: Callable[..., int] = blake2b_hash64
"""(data, seed=0) → int."""

try:
    import xxhash
except ImportError:  # the program's interpreter need not have our dependencies
    pass
else:
    ALGORITHM, Hasher, hash128, hash64 = XXH3, xxhash.xxh3_128, xxhash.xxh3_128_digest, xxhash.xxh3_64_intdigest


def seed(description: str) -> int:
    """The 64-bit seed that stands for what the bytes mean ("float32[3, 4]")."""
    return hash64(description.encode("utf-8", "surrogatepass"))


def hash128_of(algorithm: str) -> Callable[..., bytes]:
    """The function (data, seed) → 16 bytes of a named algorithm; KeyError when it is unknown or not installed."""
    return {BLAKE2B: blake2b_hash128, ALGORITHM: hash128}[algorithm]


def hash64_of(algorithm: str) -> Callable[..., int]:
    """The function (data, seed) → int of a named algorithm; KeyError when it is unknown or not installed."""
    return {BLAKE2B: blake2b_hash64, ALGORITHM: hash64}[algorithm]
