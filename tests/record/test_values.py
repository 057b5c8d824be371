"""Kept values come back whole, or as the sample that they say they are."""

from __future__ import annotations

import struct

import pytest

np = pytest.importorskip("numpy")

from reprotest.record.values import ValueReader, ValueWriter  # noqa: E402


def test_arrays_tensors_and_numbers(tmp_path):
    torch = pytest.importorskip("torch")
    writer = ValueWriter(tmp_path / "main.val")
    values = [
        np.arange(6, dtype=np.int16).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        torch.arange(4, dtype=torch.bfloat16).reshape(2, 2).t(),
        torch.tensor([1 + 2j]).conj(),
        1.5,
        7,
        True,
        1j,
        [1.0, 2.0],
        np.float32(0.5),
        np.zeros((0, 3)),
    ]
    for i, value in enumerate(values):
        writer.put_value(i, 3 * i, value)
    for nothing in (
        "text",
        None,
        object(),
        {"a": 1},
        2**70,
        torch.empty(2, device="meta"),
        np.array(["a"]),
        np.array([None]),
    ):
        writer.put_value(99, 0, nothing)
    writer.close()
    reader = ValueReader(tmp_path / "main.val")
    assert reader.keys() == [(i, 3 * i) for i in range(len(values))]
    got = [reader.get(i, 3 * i) for i in range(len(values))]
    assert [(v.dtype, v.shape, v.stride) for v in got] == [
        ("int16", (2, 3), 1), ("float64", (2, 3), 1), ("bfloat16", (2, 2), 1), ("complex64", (1,), 1), ("float64", (), 1),
        ("int64", (), 1), ("bool", (), 1), ("complex128", (), 1), ("float64", (2,), 1), ("float32", (), 1), ("float64", (0, 3), 1),
    ]  # fmt: skip
    assert bytes(got[0].raw) == values[0].tobytes()
    assert np.frombuffer(got[1].raw).tolist() == list(range(6))
    assert np.frombuffer(got[3].raw, np.complex64).tolist() == [1 - 2j]
    assert bytes(got[4].raw) == struct.pack("=d", 1.5)
    assert reader.get(0, 1) is None
    assert reader.get(99, 0) is None
    assert len(reader) == len(values)
    reader.close()


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4", "f8", "c16"])
def test_large_values_are_sampled_and_say_so(tmp_path, dtype):
    writer = ValueWriter(tmp_path / "main.val", most_of_one=1000)
    a = np.arange(10_000).astype(dtype)
    writer.put_value(0, 0, a)
    writer.put_value(0, 1, a[:50])
    writer.close()
    value = ValueReader(tmp_path / "main.val").get(0, 0)
    assert value.stride > 1
    assert value.shape == (10_000,)
    kept = np.frombuffer(value.raw, dtype)
    assert kept.tolist() == a[:: value.stride].tolist()
    assert kept.nbytes <= 1000
    assert ValueReader(tmp_path / "main.val").get(0, 1).stride == 1
    assert writer.sampled == 1


def test_the_file_has_a_cap(tmp_path):
    writer = ValueWriter(tmp_path / "main.val", most_of_one=100_000, most_of_all=300_000)
    for i in range(100):
        writer.put_value(i, 0, np.full(10_000, i, np.float64))
    writer.close()
    assert (tmp_path / "main.val").stat().st_size < 450_000
    assert writer.sampled > 0
    assert writer.dropped > 0
    reader = ValueReader(tmp_path / "main.val")
    assert len(reader) == 100 - writer.dropped
    assert reader.get(0, 0).stride == 1
    assert reader.get(len(reader) - 1, 0).stride > 1


def test_an_empty_or_torn_file_holds_nothing(tmp_path):
    (tmp_path / "a.val").write_bytes(b"")
    assert len(ValueReader(tmp_path / "a.val")) == 0
    ValueWriter(tmp_path / "b.val").close()
    assert len(ValueReader(tmp_path / "b.val")) == 0
