"""Digests computed where a tensor lies. The operators are the same on every device, so that all but the last tests need no GPU."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprotest.digest import device
from reprotest.digest.device import MARK, comparable, words_of, words_of_bytes
from reprotest.digest.tensor import tensor_row

torch = pytest.importorskip("torch")
HAS_GPU = torch.cuda.is_available()


def unsigned(words: torch.Tensor) -> tuple[int, int]:
    first, second = words.tolist()
    return first % 2**64, second % 2**64


def bytes_of(t: torch.Tensor) -> bytes:
    return bytes(t.contiguous().reshape(-1).view(torch.uint8).tolist())


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU is a device like any other, and no tensor too small for it."""
    monkeypatch.setattr(device, "DEVICES", ("cpu",))
    monkeypatch.setattr(device, "LEAST_BYTES", 0)
    monkeypatch.setattr(device, "refused", {})
    monkeypatch.setattr(device, "_passed", set())


@given(st.binary(max_size=200), st.integers(0, 5))
def test_operators_compute_what_the_definition_says(data: bytes, offset: int) -> None:
    """Also from an address at which no word may begin."""
    t = torch.tensor(list(bytes(offset) + data), dtype=torch.uint8)[offset:]
    assert unsigned(words_of(t)) == words_of_bytes(data)


def test_words_beyond_one_chunk_have_indices_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    t = torch.arange(100, dtype=torch.float32)
    whole = words_of(t)
    monkeypatch.setattr(device, "_CHUNK", 16)
    assert torch.equal(words_of(t), whole)
    assert unsigned(whole) == words_of_bytes(bytes_of(t))


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=2, max_size=40), st.data())
def test_any_changed_bit_and_any_exchange_is_seen(numbers: list[int], data: st.DataObject) -> None:
    t = torch.tensor(numbers, dtype=torch.int32)
    place = data.draw(st.integers(0, len(numbers) - 1))
    flipped = t.clone()
    flipped[place] ^= 1 << data.draw(st.integers(0, 30))
    assert not torch.equal(words_of(flipped), words_of(t))
    other = data.draw(st.integers(0, len(numbers) - 1))
    exchanged = t.clone()
    exchanged[[place, other]] = t[[other, place]]
    assert torch.equal(words_of(exchanged), words_of(t)) == (numbers[place] == numbers[other])


def test_what_blinds_simpler_sums_is_seen() -> None:
    """Two signs, zeros of both signs, equal pairs: what exclusive or, norms and weighted sums of odd numbers do not tell apart."""
    base = torch.tensor([1.0, 2.0, 0.0, 3.0, 3.0])
    others = [[-1.0, -2.0, 0.0, 3.0, 3.0], [1.0, 2.0, -0.0, 3.0, 3.0], [1.0, 2.0, 0.0, 7.0, 7.0]]
    sums = {unsigned(words_of(torch.tensor(values))) for values in [base.tolist(), *others]}
    assert len(sums) == 4


@pytest.mark.parametrize(
    "dtype", ["float64", "float32", "float16", "bfloat16", "complex64", "int8", "bool", "float8_e5m2"]
)
def test_rows_have_the_sketches_of_the_host_and_digests_of_their_own(here: None, dtype: str) -> None:
    t = (torch.arange(60).reshape(3, 4, 5) % 7).to(getattr(torch, dtype))
    assert device.takes(t)
    views = [t, t.transpose(0, 2).contiguous().transpose(0, 2), t.clone()[::1]]
    rows = device.rows([*views, t.reshape(12, 5), t.view(-1)[1:]])
    assert len({row[0] for row in rows[:3]}) == 1, "strides do not matter"
    assert len({row[0] for row in rows}) == 3, "shapes do"
    assert rows[0][1:] == tensor_row(t)[1:]
    assert rows[0][0] != tensor_row(t)[0]


def test_a_conjugate_is_another_value(here: None) -> None:
    t = torch.tensor([1 + 2j, 3 - 1j])
    plain, conjugate, resolved = device.rows([t, t.conj(), t.conj().resolve_conj()])
    assert plain[0] != conjugate[0] == resolved[0]


def test_what_cannot_be_taken_is_left_to_the_host(here: None) -> None:
    class Wrapped(torch.Tensor):
        pass

    kinds = [torch.eye(3).to_sparse(), torch.zeros(3, device="meta"), torch.zeros(3).as_subclass(Wrapped)]
    assert [device.takes(t) for t in kinds] == [False] * 3
    assert device.takes(torch.nn.Parameter(torch.zeros(3)))
    assert device.rows([]) == []


def test_a_device_that_computes_otherwise_is_refused(here: None, monkeypatch: pytest.MonkeyPatch) -> None:
    mixed = device._mixed
    monkeypatch.setattr(device, "_mixed", lambda x: mixed(x) + 1)
    assert not device.takes(torch.zeros(3))
    assert device.dtype_of("float32", torch.zeros(3)) == "float32"
    assert device.refused == {"cpu": "its integer arithmetic gives other digests than the CPU's"}


def test_a_device_that_fails_is_refused(here: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no such kernel")

    monkeypatch.setattr(device, "_mixed", broken)
    assert not device.takes(torch.zeros(3))
    assert device.refused == {"cpu": "RuntimeError: no such kernel"}


def test_digests_of_two_kinds_are_not_compared() -> None:
    assert comparable("float32", "float32")
    assert comparable("float32" + MARK, "float32" + MARK)
    assert comparable("float32", "float64")
    assert comparable("float32" + MARK, "float64"), "another dtype is a difference whatever the kind"
    assert not comparable("float32" + MARK, "float32")


def test_events_say_of_which_kind_their_digests_are(here: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from reprotest.probe.torch import events
    from reprotest.record.event import Phase

    monkeypatch.setattr(events, "_is_cpu", lambda tensor: False)
    monkeypatch.setattr(device, "LEAST_BYTES", 64)
    large, small = torch.arange(32.0), torch.arange(4.0)
    described, digests, sketches = events.Table(Phase.UPDATE, ["large", "none", "small"]).digest_some(
        [large, None, small]
    )
    assert [(name, dtype) for name, _, _, dtype, _, _ in described] == [
        ("large", "float32@device"),
        ("small", "float32"),
    ]
    assert digests == [device.rows([large])[0][0], tensor_row(small)[0]]
    assert sketches is not None
    assert list(sketches) == [*tensor_row(large)[1:], *tensor_row(small)[1:]]


@pytest.mark.gpu
@pytest.mark.skipif(not HAS_GPU, reason="no GPU")
@given(st.binary(min_size=1, max_size=300))
def test_a_gpu_computes_the_same(data: bytes) -> None:
    assert unsigned(words_of(torch.tensor(list(data), dtype=torch.uint8, device="cuda"))) == words_of_bytes(data)


@pytest.mark.gpu
@pytest.mark.skipif(not HAS_GPU, reason="no GPU")
def test_a_training_on_a_gpu_is_recorded_and_repeats(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        "import torch\n"
        "torch.manual_seed(0)\n"
        "model = torch.nn.Linear(300, 300).cuda()\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "for _ in range(4):\n"
        "    optimizer.zero_grad()\n"
        "    model(torch.ones(8, 300, device='cuda')).pow(2).mean().backward()\n"
        "    optimizer.step()\n"
    )
    command = [sys.executable, "-m", "reprotest", "run", "--quiet", "--json", "report.json", "train.py"]
    subprocess.run(command, cwd=tmp_path, check=True)
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["verdict"], report["steps"]) == ("identical", 4)
    assert not [note for note in report["unobserved"] if "digests" in note]
