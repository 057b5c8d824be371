"""Digests against the time to read the bytes, other hashes and torch's own; small tensors; writing events."""

from __future__ import annotations

import ctypes
import hashlib
import os
import tempfile
from collections.abc import Callable

import torch
from _harness import Row, measure, show

from reprotest.digest import digest_object, digest_tensor, tensor_row
from reprotest.digest.algorithm import hash128
from reprotest.digest.tensor import plain_memory
from reprotest.record.event import Phase
from reprotest.record.writer import StreamWriter

_MB = 44
"""A model of 11 million parameters (ResNet-18), as in docs/performance."""


def rows() -> list[Row]:
    """Throughput, cost of small calls, cost of an event."""
    torch.set_num_threads(1)
    return [*_throughput(), *_small(), *_events()]


def _throughput() -> list[Row]:
    tensor = torch.randn(_MB * 250_000)
    nbytes = tensor.nbytes
    array = tensor.numpy().view("u1")
    libc = ctypes.CDLL(None)
    libc.memchr.restype = ctypes.c_void_p
    libc.memchr.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
    zeros = torch.ones(nbytes, dtype=torch.uint8)  # no zero byte: memchr reads all of it
    alternatives: dict[str, Callable[[], object]] = {
        "read (memchr)": lambda: libc.memchr(zeros.data_ptr(), 0, nbytes),
        "digest_tensor": lambda: digest_tensor(tensor),
        "sha256": lambda: hashlib.sha256(array).digest(),
        "blake2b": lambda: hashlib.blake2b(array, digest_size=16).digest(),
    }
    if hasattr(torch, "hash_tensor"):
        alternatives["torch.hash_tensor"] = lambda: torch.hash_tensor(tensor)
    try:
        from blake3 import blake3

        alternatives["blake3"] = lambda: blake3(array).digest()
    except ImportError:
        pass
    found = measure(alternatives, rounds=7, seconds=0.02)
    read = "read (memchr)"
    result = [
        Row(
            "digest",
            f"{_MB} MB: digest_tensor / time to read the bytes",
            found.ratio("digest_tensor", read),
            "x",
            aim=1.3,
        ),
        Row("digest", f"{_MB} MB: digest_tensor", nbytes / found.least("digest_tensor") / 1e9, "GB/s"),
    ]
    peers = [name for name in alternatives if name not in ("digest_tensor", read)]
    return result + [
        Row("digest", f"{_MB} MB: {name} / digest_tensor", found.ratio(name, "digest_tensor"), "x") for name in peers
    ]


def _small() -> list[Row]:
    tensor = torch.randn(256)
    known, layout = plain_memory(tensor)
    assert layout is not None
    found = measure(
        {
            "digest of memory looked up before": lambda: hash128(known, layout.seed),
            "tensor_row (digest and sketch)": lambda: tensor_row(tensor),
            "digest_tensor": lambda: digest_tensor(tensor),
            "digest_object of a dict of 20 numbers": lambda: digest_object(numbers),
            "numpy bytes and sha256": lambda: hashlib.sha256(tensor.numpy().tobytes()).digest(),
        },
        rounds=9,
    )
    return [Row("digest", f"1 KB: {name}", 1e6 * found.least(name), "µs") for name in found.rounds]


numbers = {f"metric {i}": i / 7 for i in range(20)}


def _events() -> list[Row]:
    count = 160
    names = [f"layer.{i}.weight" for i in range(count)]
    digest, digests, sketches = os.urandom(16), [os.urandom(16) for _ in names], [0.5, 0.25] * count
    with tempfile.TemporaryDirectory() as folder:
        writer, packed = StreamWriter(f"{folder}/a.rec"), StreamWriter(f"{folder}/b.rec")
        template = packed.template([(name, Phase.UPDATE, None, "float32", (64, 64), None) for name in names])

        def one_by_one() -> None:
            for name in names:
                writer.event(name, Phase.UPDATE, digest, 0.5, 0.25, dtype="float32", shape=(64, 64))
            writer.commit(0)

        found = measure(
            {"event by event": one_by_one, "packed": lambda: packed.frame(0, template, digests, sketches)}, seconds=0.02
        )
        writer.close()
        packed.close()
    return [
        Row("digest", "writing one event, packed", 1e6 * found.least("packed") / count, "µs", must=0.4, aim=0.34),
        Row("digest", "writing one event, event by event", 1e6 * found.least("event by event") / count, "µs"),
    ]


if __name__ == "__main__":
    show(rows())
