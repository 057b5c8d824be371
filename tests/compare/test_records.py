"""The first difference of two records, whatever happened to them."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_runs import Event, Run, training, write_run

np = pytest.importorskip("numpy")

from reprotest.compare import first_difference  # noqa: E402
from reprotest.errors import RecordError  # noqa: E402
from reprotest.record import open_record  # noqa: E402
from reprotest.record.event import Phase  # noqa: E402

MIRRORED = {"missing": "extra", "extra": "missing"}


def compare(make, a, b):
    """The first difference; checked to be the same seen from the other side."""
    x, y = make(a), make(b)
    assert first_difference(x, x) is None
    assert first_difference(y, y) is None
    forth, back = first_difference(x, y), first_difference(y, x)
    assert (forth is None) == (back is None)
    if forth is not None:
        assert (back.step, back.phase, back.stream) == (forth.step, forth.phase, forth.stream)
        renamed = "run 2 calls it" in (forth.note or "") or "in its place" in (forth.note or "")
        assert back.kind == forth.kind if renamed else MIRRORED.get(forth.kind, forth.kind)
        assert (back.max_abs, back.max_rel, back.ulp) == (forth.max_abs, forth.max_rel, forth.ulp)
    return forth


def one(frames, **more):
    return Run({"main": frames}, **more)


def test_equal_runs_have_no_difference(make):
    assert compare(make, one(training()), one(training())) is None
    assert compare(make, Run(), Run()) is None


def test_random_states_and_source_lines_are_not_compared(make):
    frames = training(**{"3:torch.random": "another"})
    for _, events in frames:
        events[1].location = "moved.py:7"
    assert compare(make, one(training()), one(frames)) is None


def test_the_first_in_program_order(make):
    found = compare(make, one(training()), one(training(**{"3:w2": "x", "3:w1": "x", "4:batch[0]": "x"})))
    assert (found.step, found.phase, found.name, found.kind, found.stream) == (3, "update", "w1", "value", "main")


def test_scalars_have_sizes_without_kept_values(make):
    found = compare(make, one(training()), one(training(**{"2:loss": np.nextafter(2 / 7, 1).item()})))
    assert (found.name, found.ulp) == ("loss", 1)
    assert found.max_abs == np.nextafter(2 / 7, 1) - 2 / 7
    assert found.max_rel == pytest.approx(1.9e-16, rel=0.1)
    assert "in run 1" in found.note


def test_kept_values_give_sizes(make):
    a = np.ones((3, 4), np.float32)
    b = a.copy()
    b[1, 2] = np.nextafter(np.float32(1), np.float32(2))
    found = compare(make, one(training(**{"1:w1": a}), keep=True), one(training(**{"1:w1": b}), keep=True))
    assert (found.max_abs, found.ulp) == (2.0**-23, 1)
    assert found.note == "1 of 12 elements differ, the first at [1, 2]"


def test_digests_of_another_kind_are_passed_over_and_all_else_is_compared(make):
    """A large tensor on a GPU in one run, in host memory in the other: its digests say nothing of its values."""

    def run(weight, kind, loss):
        return Run({"main": [(0, [Event("weight", weight, dtype=f"float32{kind}", shape=(4,)), Event("loss", loss)])]})

    assert compare(make, run("as on a GPU", "@device", 0.5), run("as in memory", "", 0.5)) is None
    found = compare(make, run("as on a GPU", "@device", 0.5), run("as in memory", "", 0.25))
    assert (found.name, found.kind) == ("loss", "value")
    found = compare(make, run("as on a GPU", "@device", 0.5), run("otherwise on a GPU", "@device", 0.5))
    assert (found.name, found.kind) == ("weight", "value")


def test_dtype_and_shape(make):
    a, b, c = np.ones(4, np.float32), np.ones(4, np.float64), np.ones((2, 2), np.float32)
    found = compare(make, one(training(**{"1:w1": a})), one(training(**{"1:w1": b})))
    assert (found.kind, found.note) == ("dtype", "float32[4] in run 1, float64[4] in run 2")
    found = compare(make, one(training(**{"1:w1": a})), one(training(**{"1:w1": c})))
    assert (found.kind, found.note) == ("shape", "float32[4] in run 1, float32[2, 2] in run 2")


def test_an_event_that_one_run_lacks(make):
    b = training()
    del b[2][1][3]
    found = compare(make, one(training()), one(b))
    assert (found.step, found.name, found.kind) == (2, "w1", "missing")
    b = training()
    b[2][1].insert(0, Event("extra one", 5, Phase.DATA))
    found = compare(make, one(training()), one(b))
    assert (found.step, found.name, found.kind, found.note) == (2, "extra one", "extra", "only run 2 has it")


def test_a_value_before_a_missing_event_comes_first(make):
    b = training(**{"2:loss": 9.0})
    del b[2][1][3]
    found = compare(make, one(training()), one(b))
    assert (found.name, found.kind) == ("loss", "value")


def test_a_renamed_tensor_is_only_that(make):
    b = training()
    for _, events in b:
        events[3].name = "renamed"
    found = compare(make, one(training()), one(b))
    assert (found.step, found.name, found.kind) == (0, "w1", "missing")
    assert found.note == "run 2 calls it 'renamed'; its values are equal"
    b[3][1][4].value = "other"
    found = compare(make, one(training()), one(b))
    assert (found.step, found.name, found.kind) == (3, "w2", "value")


def test_renamed_and_different(make):
    b = training(**{"2:w1": "other"})
    b[2][1][3].name = "renamed"
    found = compare(make, one(training()), one(b))
    assert (found.step, found.name, found.kind, found.note) == (2, "w1", "missing", "run 2 has 'renamed' in its place")


def test_events_that_come_in_another_order_with_equal_values(make):
    b = training()
    b[2][1][2], b[2][1][4] = b[2][1][4], b[2][1][2]
    assert compare(make, one(training()), one(b)) is None


def test_values_of_one_name_in_another_order(make):
    def frames(first, second):
        return [(0, [Event("grad", first, Phase.BACKWARD), Event("grad", second, Phase.BACKWARD)])]

    found = compare(make, one(frames("x", "y")), one(frames("y", "x")))
    assert (found.kind, found.note) == ("order", "the same values in another order")
    assert compare(make, one(frames("x", "y")), one(frames("x", "z"))).kind == "value"


def test_the_same_rows_in_another_order(make):
    rows = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)

    def run(order, keep=True):
        return one(training(**{"1:batch[0]": rows[order]}), keep=keep)

    a, b = list(range(8)), [3, 1, 2, 0, 4, 5, 7, 6]
    found = compare(make, run(a), run(b))
    assert (found.kind, found.phase, found.note) == ("order", "data", "the same rows in another order")
    assert found.max_abs > 0
    assert compare(make, run(a, keep=False), run(b, keep=False)).kind == "value"
    assert compare(make, run(a), run([0, 1, 2, 3, 4, 5, 6, 6])).kind == "value"


def test_the_same_rows_over_the_batches_in_another_order(make):
    rows = np.random.default_rng(0).normal(size=(12, 2))

    def run(seed):
        order = np.random.default_rng(seed).permutation(12).reshape(3, 4)
        return one([(i, [Event("batch[0]", rows[order[i]], Phase.DATA)]) for i in range(3)], keep=True)

    found = compare(make, run(0), run(1))
    assert (found.kind, found.note) == ("order", "the same rows, spread over the batches in another order")


def test_the_same_batches_in_another_order(make):
    found = compare(make, one(training()), one(training(**{"1:batch[0]": "batch 3", "3:batch[0]": "batch 1"})))
    assert (found.step, found.kind) == (1, "order")
    assert found.note == "the same batches in another order: run 2 has the other's batch at step 3"


def test_runs_of_different_length(make):
    found = compare(make, one(training(5)), one(training(3)))
    assert (found.step, found.phase, found.name, found.kind) == (3, "data", "batch[0]", "length")
    assert found.note == "run 2 ended with exit code 0 here; the other run went on"


def test_a_difference_before_the_end_comes_first(make):
    found = compare(make, one(training(5)), one(training(3, **{"1:w0": "x"}), exit_code=1))
    assert (found.step, found.kind) == (1, "value")


@pytest.mark.parametrize(("code", "words"), [(1, "ended with exit code 1"), (-9, "was killed by SIGKILL")])
def test_a_run_that_died_in_the_middle(make, code, words):
    found = compare(make, one(training(5)), one(training(3), exit_code=code))
    assert (found.step, found.kind, found.note) == (3, "died", f"run 2 {words} here")


def test_a_run_that_was_ended_by_us_is_not_shorter(make):
    for ended in ("stopped", "mismatch", "timeout"):
        assert compare(make, one(training(5)), one(training(3), ended=ended, exit_code=None)) is None
    assert compare(make, one(training(5)), one(training(3, **{"2:w0": "x"}), ended="stopped", exit_code=None)).step == 2


def test_a_run_without_an_end(make):
    assert compare(make, one(training(5)), one(training(3), ended=None)).kind == "length"


def test_only_the_exit_code_differs(make):
    found = compare(make, one(training()), one(training(), exit_code=1))
    assert (found.kind, found.phase, found.name, found.step) == ("exit", "output", "exit code", 5)
    assert found.note == "run 1 ended with exit code 0, run 2 ended with exit code 1"
    assert compare(make, one(training(), exit_code=2), one(training(), exit_code=2)) is None


def test_a_frame_that_one_run_alone_has(make):
    b = training()
    b.insert(2, (0, [Event("accuracy", 0.5, Phase.METRIC)]))
    found = compare(make, one(training()), one(b))
    assert (found.name, found.kind, found.phase) == ("accuracy", "extra", "metric")


def test_observed_values_count_from_zero(make):
    def run(*values):
        return one([(i, [Event("score", v, Phase.METRIC)]) for i, v in enumerate(values)])

    found = compare(make, run(0.5, 0.25, 0.125), run(0.5, 0.25, 0.0))
    assert (found.step, found.name, found.max_abs, found.max_rel) == (2, "score", 0.125, 1.0)


def test_the_earliest_over_all_streams(make):
    a = Run({"main": training(), "rank1": training()})
    found = compare(make, a, Run({"main": training(**{"3:w0": "x"}), "rank1": training(**{"2:w0": "x"})}))
    assert (found.stream, found.step) == ("rank1", 2)
    found = compare(make, a, Run({"main": training(**{"2:w0": "x"}), "rank1": training(**{"2:loss": 9.0})}))
    assert (found.stream, found.name) == ("rank1", "loss")
    found = compare(make, a, Run({"main": training(**{"2:w0": "x"}), "rank1": training(**{"2:w0": "x"})}))
    assert found.stream == "main"


def test_a_stream_that_one_run_lacks(make):
    found = compare(make, Run({"main": training(), "rank1": training()}), Run({"main": training()}))
    assert (found.kind, found.stream, found.step, found.note) == (
        "missing",
        "rank1",
        0,
        "run 2 has no process or thread 'rank1'",
    )
    states = [(0, [Event("torch.random", "x", Phase.STATE)])]
    assert compare(make, Run({"main": training(), "aside": states}), Run({"main": training()})) is None
    found = compare(make, Run({"main": training(), "rank1": training()}), Run({"main": training()}, exit_code=-11))
    assert (found.kind, found.note) == ("died", "run 2 was killed by SIGSEGV without rank1")
    found = compare(make, Run({"main": training(), "rank1": training()}), Run({"main": training()}, ended="stopped"))
    assert found is None


def test_numbered_processes_go_by_what_they_did(make):
    a = Run({"main/fork": training(), "main/fork-2": training(2), "main/fork-3": training(3, 1)})
    b = Run({"main/fork": training(), "main/fork-2": training(3, 1), "main/fork-3": training(2)})
    assert compare(make, a, b) is None
    ranks = {"rank0": training(2), "rank1": training(3, 1)}
    assert compare(make, Run(ranks), Run({"rank0": ranks["rank1"], "rank1": ranks["rank0"]})) is not None


WITHOUT = """
import sys
sys.modules["xxhash"] = None
from reprotest.record.writer import StreamWriter
from reprotest.record.event import Phase
writer = StreamWriter(sys.argv[1])
writer.event("x", Phase.LOSS, bytes(16))
writer.commit(0)
writer.close()
"""


def test_other_algorithms_cannot_be_compared(make, tmp_path):
    a = make(one(training()))
    (tmp_path / "b" / "streams").mkdir(parents=True)
    subprocess.run([sys.executable, "-c", WITHOUT, str(tmp_path / "b" / "streams" / "main.rec")], check=True)
    with pytest.raises(
        RecordError, match=r"xxh3_128 and .* with blake2b_128: their digests cannot be compared; install xxhash"
    ):
        first_difference(a, open_record(tmp_path / "b"))


def test_a_damaged_record_is_an_error_not_a_verdict(make):
    a, b = make(one(training())), make(one(training(**{"4:w0": "x"})))
    path = b.path / "streams" / "main.rec"
    raw = bytearray(path.read_bytes())
    raw[-40] ^= 1
    path.write_bytes(raw)
    with pytest.raises(RecordError, match="checksum"):
        first_difference(a, open_record(b.path))


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 6), st.integers(1, 5))
def test_any_flipped_bit_is_found_and_named(tmp_path_factory, rng: random.Random, steps, layers):
    folder = tmp_path_factory.mktemp("flip")

    def run(flip=None):
        frames = []
        values = np.random.default_rng(1)
        for step in range(steps):
            arrays = [values.normal(size=(3, 2)).astype(np.float32) for _ in range(layers)]
            for i, array in enumerate(arrays):
                if flip is not None and flip[:2] == (step, i):
                    array.reshape(-1).view(np.uint8)[flip[2] // 8] ^= 1 << flip[2] % 8
            frames.append((step, [Event(f"w{i}", array) for i, array in enumerate(arrays)]))
        return one(frames, keep=True)

    flip = (rng.randrange(steps), rng.randrange(layers), rng.randrange(24 * 8))
    a, b = write_run(folder / "a", run()), write_run(folder / "b", run(flip))
    found = first_difference(a, b)
    assert (found.step, found.name, found.kind) == (flip[0], f"w{flip[1]}", "value")
    element = flip[2] // 32
    assert found.note.startswith(f"1 of 6 elements differ, the first at [{element // 2}, {element % 2}]")
    mirrored = first_difference(b, a)
    assert replace(mirrored, note=None) == replace(found, note=None)
    assert first_difference(a, write_run(folder / "c", run())) is None


event_lists = st.lists(
    st.builds(
        Event, st.sampled_from("abc"), st.integers(0, 2), st.sampled_from((Phase.DATA, Phase.UPDATE, Phase.STATE)),
        st.sampled_from((None, "op")), shape=st.sampled_from((None, (1,), (2,))),
    ),
    min_size=1, max_size=4,
)  # fmt: skip
runs = st.lists(event_lists, max_size=4).map(lambda frames: one(list(enumerate(frames))))


@settings(max_examples=150, deadline=None)
@given(runs, runs)
def test_comparison_is_reflexive_symmetric_and_never_fails(tmp_path_factory, a, b):
    folder = tmp_path_factory.mktemp("pair")
    x, y = write_run(folder / "a", a), write_run(folder / "b", b)
    assert first_difference(x, write_run(folder / "again", a)) is None
    forth, back = first_difference(x, y), first_difference(y, x)
    assert (forth is None) == (back is None)

    def compared(run):
        """What must agree for two runs to be equal: per frame, the values by name, in the order of each name."""
        frames = []
        for _, events in run.streams.get("main", []):
            frame = {}
            for event in events:
                if event.phase is not Phase.STATE:
                    frame.setdefault((event.phase, event.name, event.op), []).append((event.value, event.shape))
            frames.append(frame)
        while frames and not frames[-1]:
            frames.pop()
        return frames

    if compared(a) == compared(b):
        assert forth is None
    elif any(frame for frame in compared(a)) or any(frame for frame in compared(b)):
        assert forth is not None


def ranks(**changed: Any) -> Run:
    """Two ranks that reduce one gradient: what each brings, and what both are given."""

    def frames(rank: int) -> list[tuple[int, list[Event]]]:
        brought = Event("w", f"{rank}", Phase.BACKWARD, op="all_reduce.input")
        given = Event("w", "sum", Phase.BACKWARD)
        for event, key in ((brought, f"brought{rank}"), (given, "given")):
            event.value = changed.get(key, event.value)
        return [(0, [brought, given, Event("w", "new")])]

    return Run({f"rank{rank}": frames(rank) for rank in range(2)})


def test_the_rank_that_brings_other_numbers_comes_before_the_sum_that_all_have(make) -> None:  # type: ignore[no-untyped-def]
    found = first_difference(make(ranks()), make(ranks(brought1="other", given="other sum")))
    assert found is not None
    assert (found.stream, found.op) == ("rank1", "all_reduce.input")
    assert found.note == "rank1 brings other numbers to the reduction"


def test_a_reduction_whose_inputs_agree_is_itself_to_blame(make) -> None:  # type: ignore[no-untyped-def]
    found = first_difference(make(ranks()), make(ranks(given="other sum")))
    assert found is not None
    assert found.stream == "rank0"
    assert found.note is not None
    assert "it is added up otherwise" in found.note
