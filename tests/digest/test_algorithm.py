"""XXH3 where it is installed, BLAKE2b where it is not; both without NumPy or torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from reprotest.digest import algorithm

WITHOUT = """
import sys
sys.modules["xxhash"] = None
from reprotest.digest import ALGORITHM, digest_object
from reprotest.record.writer import StreamWriter
from reprotest.record.event import Phase
writer = StreamWriter(sys.argv[1])
writer.event("x", Phase.LOSS, digest_object(1.5), 1.5, dtype="float", shape=())
writer.commit(0)
writer.close()
print(ALGORITHM, digest_object([1, 2.0, "three", {"four": None}]).hex())
print(sorted({"numpy", "torch", "click", "rich", "hashlib"} & set(sys.modules)))
"""


def test_without_xxhash_a_record_is_written_and_read_all_the_same(tmp_path):
    from reprotest.record import Stream

    out = [
        subprocess.run(
            [sys.executable, "-c", WITHOUT, str(tmp_path / "main.rec")], capture_output=True, text=True, check=True
        )
        for _ in range(2)
    ]
    first, second = out[0].stdout.splitlines()
    assert out[1].stdout == out[0].stdout
    assert first.startswith(algorithm.BLAKE2B)
    assert second == "[]"
    stream = Stream(tmp_path / "main.rec")
    stream.verify()
    assert stream.algorithm == algorithm.BLAKE2B
    assert [(f.step, f.events[0].name, f.events[0].a) for f in stream.frames] == [(0, "x", 1.5)]


def test_both_algorithms_stream_as_they_hash_at_once():
    grown = algorithm.Blake2b(b"ab", 7)
    grown.update(b"c")
    assert grown.digest() == algorithm.blake2b_hash128(b"abc", 7) != algorithm.blake2b_hash128(b"abc", 8)
    grown = algorithm.Hasher(b"ab", 7)
    grown.update(b"c")
    assert grown.digest() == algorithm.hash128(b"abc", 7) != algorithm.hash128(b"abc", 8)


def test_unknown_algorithms_are_not_found():
    assert algorithm.hash128_of(algorithm.ALGORITHM) is algorithm.hash128
    with pytest.raises(KeyError):
        algorithm.hash64_of("md5")
