"""A live run is followed frame by frame, and left at its first difference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_runs import Event, Run, Streams, training, write_run

from reprotest.compare import Lockstep, first_difference
from reprotest.errors import RecordError
from reprotest.record.event import Phase


def follow(lockstep, folder, frames, key="main", keep=False):
    """Write a live run frame by frame, polling after each; the first difference and the frame that it came after."""
    live = Streams(folder, keep)
    assert lockstep.poll(folder) is None
    for i, (step, events) in enumerate(frames):
        live.frame(key, step, events)
        found = lockstep.poll(folder)
        if found is not None:
            live.close()
            return found, i
    live.close()
    return lockstep.poll(folder), None


def test_equal_runs_go_to_their_end(make, tmp_path):
    lockstep = Lockstep(make(Run({"main": training(20)})))
    assert follow(lockstep, tmp_path / "live", training(20)) == (None, None)
    assert lockstep.step == 20


def test_a_difference_is_told_as_soon_as_it_is_written(make, tmp_path):
    a = np.zeros((2, 2), np.float32)
    reference = make(Run({"main": training(20, **{"7:w1": a})}, keep=True))
    lockstep = Lockstep(reference)
    found, after = follow(lockstep, tmp_path / "live", training(20, **{"7:w1": a + 1}), keep=True)
    assert after == 7
    assert (found.step, found.name, found.kind, found.max_abs) == (7, "w1", "value", 1.0)
    assert lockstep.step == 8


def test_random_states_names_and_lines_do_not_stop_a_run(make, tmp_path):
    frames = training(5, **{"2:torch.random": "x"})
    frames[3][1][3].name = "renamed"
    frames[1][1][3].location = "other.py:1"
    assert follow(Lockstep(make(Run({"main": training()}))), tmp_path / "live", frames) == (None, None)


@pytest.mark.parametrize(
    ("ended", "code", "kind"), [("finished", 0, "length"), ("finished", 1, "died"), ("stopped", None, None)]
)
def test_a_live_run_that_goes_on_where_the_reference_ended(make, tmp_path, ended, code, kind):
    reference = make(Run({"main": training(3)}, ended=ended, exit_code=code))
    found, after = follow(Lockstep(reference), tmp_path / "live", training(5))
    assert (found and found.kind, after) == (kind, 3 if kind else None)


def test_a_stream_that_the_reference_lacks(make, tmp_path):
    found, after = follow(Lockstep(make(Run({"main": training()}))), tmp_path / "live", training(), key="rank1")
    assert (found.kind, found.stream, after) == ("extra", "rank1", 0)
    states = [(0, [Event("rng", "x", Phase.STATE)])]
    assert follow(Lockstep(make(Run({"main": training()}))), tmp_path / "b", states, key="rank1") == (None, None)
    stopped = make(Run({"main": training()}, ended="stopped"))
    assert follow(Lockstep(stopped), tmp_path / "c", training(), key="rank1") == (None, None)


def test_numbered_processes_are_left_to_the_end(make, tmp_path):
    reference = make(Run({"fork": training(2), "fork-2": training(3, 1), "fork-3": training(2, 2)}))
    other = Run({"fork": training(2), "fork-2": training(2, 2), "fork-3": training(3, 1)})
    live = write_run(tmp_path / "live", other)
    assert Lockstep(reference).poll(live.path) is None
    assert first_difference(reference, live) is None


def test_the_earliest_of_several_streams(make, tmp_path):
    reference = make(Run({"main": training(), "rank1": training()}))
    live = write_run(tmp_path / "live", Run({"main": training(**{"3:w0": "x"}), "rank1": training(**{"1:w0": "x"})}))
    found = Lockstep(reference).poll(live.path)
    assert (found.stream, found.step) == ("rank1", 1)


def test_without_a_reference_it_counts_steps(tmp_path):
    lockstep = Lockstep(None)
    assert lockstep.poll(tmp_path / "nothing yet") is None
    assert lockstep.step == 0
    frames = [(0, [Event("init", 0, Phase.INIT)]), *training(4), (0, [Event("accuracy", 1, Phase.METRIC)])]
    assert follow(lockstep, tmp_path / "live", frames) == (None, None)
    assert lockstep.step == 4


def test_a_live_stream_that_is_damaged(make, tmp_path):
    lockstep = Lockstep(make(Run({"main": training()})))
    (tmp_path / "live" / "streams").mkdir(parents=True)
    (tmp_path / "live" / "streams" / "main.rec").write_bytes(b"no record")
    with pytest.raises(RecordError, match="not a reprotest record"):
        lockstep.poll(tmp_path / "live")


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 8),
    st.sets(st.tuples(st.integers(0, 7), st.sampled_from(("batch[0]", "loss", "w0", "w2")))),
    st.integers(0, 8),
)
def test_lockstep_and_comparison_afterwards_agree(tmp_path_factory, steps, changed, length):
    folder = tmp_path_factory.mktemp("pair")
    changes = {f"{step}:{name}": 77.0 for step, name in changed}
    reference = write_run(folder / "a", Run({"main": training(steps)}))
    found, _ = follow(Lockstep(reference), folder / "b", training(length, **changes))
    live = write_run(folder / "again", Run({"main": training(length, **changes)}))
    afterwards = first_difference(reference, live)
    assert found == afterwards or ((found is None and afterwards.kind == "length") or length == 0)


def test_one_process_alone_is_compared_on_request(make, tmp_path):
    reference = make(Run({"main": training(), "main/prepare.py": training()}))
    other = training(5, **{"0:w1": np.ones((2, 2), np.float32)})
    assert follow(Lockstep(reference), tmp_path / "a", other, key="main/prepare.py")[1] == 0
    assert follow(Lockstep(reference, "main"), tmp_path / "b", other, key="main/prepare.py") == (None, None)
    assert follow(Lockstep(reference, "main"), tmp_path / "c", other)[1] == 0
