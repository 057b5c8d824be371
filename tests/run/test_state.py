"""The same files for every experiment, and the user's own files in the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from reprotest.factors import Setting
from reprotest.factors._kept import Keeper, roots
from reprotest.run.state import State, repair

BEFORE, AFTER = Setting(variant=0), Setting(variant=1)


@pytest.fixture
def cwd(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    (path / ".reprotest").mkdir(parents=True)
    return path


@pytest.fixture
def state(cwd: Path) -> Iterator[State]:
    with State(cwd / ".reprotest") as state:
        yield state


def run(state: State, cwd: Path, source: str) -> None:
    """A run of a program: keeps each path before it changes it, as the probe does."""
    keeper = Keeper(state.env["REPROTEST_STATE"], roots(str(cwd)))

    def write(name: str, text: str) -> None:
        keeper.keep(str(cwd / name))
        (cwd / name).write_text(text)

    def remove(name: str) -> None:
        keeper.keep(str(cwd / name))
        (cwd / name).unlink()

    def mkdir(name: str) -> None:
        keeper.keep(str(cwd / name))
        (cwd / name).mkdir(exist_ok=True)

    exec(textwrap.dedent(source), {"write": write, "remove": remove, "mkdir": mkdir, "cwd": cwd})


COUNT = """
n = int((cwd / "count").read_text()) if (cwd / "count").exists() else 0
write("count", str(n + 1))
"""


def count(cwd: Path) -> int:
    return int((cwd / "count").read_text())


def test_every_pinned_run_starts_from_before_the_first_run(cwd: Path, state: State) -> None:
    run(state, cwd, COUNT)
    run(state, cwd, COUNT)
    assert state.freeze() is None
    for _ in range(3):
        state.hold(BEFORE)
        assert not (cwd / "count").exists()
        run(state, cwd, COUNT)
        assert count(cwd) == 1
    for _ in range(2):
        state.hold(AFTER)
        run(state, cwd, COUNT)
        assert count(cwd) == 3
    state.hold(None)
    run(state, cwd, COUNT)
    state.hold(None)
    run(state, cwd, COUNT)
    assert count(cwd) == 4


def test_a_file_that_was_there_before_gets_its_content_mode_and_time_back(cwd: Path, state: State) -> None:
    file = cwd / "count"
    file.write_text("10")
    file.chmod(0o640)
    os.utime(file, ns=(10**18, 10**18))
    run(state, cwd, COUNT)
    state.freeze()
    state.hold(BEFORE)
    assert count(cwd) == 10
    assert (file.stat().st_mode & 0o777, file.stat().st_mtime_ns) == (0o640, 10**18)


def test_the_user_gets_the_last_run_s_files_in_the_end_and_nothing_of_the_experiments(cwd: Path) -> None:
    (cwd / "other").write_text("mine")
    with State(cwd / ".reprotest") as state:
        run(state, cwd, COUNT + "mkdir('logs'); write('logs/a', 'base')")
        run(state, cwd, COUNT)
        state.freeze()
        state.hold(BEFORE)
        assert not (cwd / "logs").exists()
        run(
            state,
            cwd,
            COUNT + "mkdir('logs'); write('logs/b', 'experiment'); write('fresh', 'experiment'); remove('other')",
        )
    assert count(cwd) == 2
    assert {p.name: p.read_text() for p in (cwd / "logs").iterdir()} == {"a": "base"}
    assert (cwd / "other").read_text() == "mine"
    assert not (cwd / "fresh").exists()
    assert list((cwd / ".reprotest").iterdir()) == []


def test_a_folder_with_something_else_in_it_stays(cwd: Path, state: State) -> None:
    run(state, cwd, "mkdir('cache'); write('cache/a', '1')")
    state.freeze()
    (cwd / "cache" / "the users").write_text("kept by nobody")
    state.hold(BEFORE)
    assert [p.name for p in (cwd / "cache").iterdir()] == ["the users"]


def test_without_freeze_nothing_is_touched(cwd: Path) -> None:
    with State(cwd / ".reprotest") as state:
        run(state, cwd, COUNT)
        state.hold(BEFORE)
        assert count(cwd) == 1
    assert count(cwd) == 1


def test_a_session_that_is_killed_is_repaired_by_the_next(cwd: Path) -> None:
    source = f"""
        import os, signal, sys
        sys.path[:0] = {[str(Path(p)) for p in sys.path if p]!r}
        from pathlib import Path
        from reprotest.factors import Setting
        from reprotest.factors._kept import Keeper
        from reprotest.run.state import State
        cwd = Path({str(cwd)!r})
        with State(cwd / ".reprotest") as state:
            keeper = Keeper(state.env["REPROTEST_STATE"], (str(cwd),))
            keeper.keep(str(cwd / "count"))
            (cwd / "count").write_text("2")
            state.freeze()
            state.hold(Setting(variant=0))
            keeper.keep(str(cwd / "scratch"))
            (cwd / "scratch").write_text("experiment")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(source)], capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    assert not (cwd / "count").exists()
    repaired = repair(cwd / ".reprotest")
    assert count(cwd) == 2
    assert not (cwd / "scratch").exists()
    assert str(cwd / "count") in repaired
    assert repair(cwd / ".reprotest") == []


def test_a_session_at_work_is_left_alone(cwd: Path, state: State) -> None:
    run(state, cwd, COUNT)
    state.freeze()
    state.hold(BEFORE)
    assert repair(cwd / ".reprotest") == []
    assert not (cwd / "count").exists()


def test_what_cannot_be_kept_is_said_and_left_alone(cwd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reprotest.factors._kept.MOST_BYTES", 100)
    with State(cwd / ".reprotest") as state:
        (cwd / "checkpoint").write_bytes(bytes(200))
        run(state, cwd, "write('checkpoint', 'new')")
        why = state.freeze()
        assert why is not None
        assert "checkpoint" in why
        state.hold(BEFORE)
        assert (cwd / "checkpoint").read_text() == "new"
    assert (cwd / "checkpoint").read_text() == "new"


def test_links_are_put_back_and_what_is_written_through_them(cwd: Path, state: State) -> None:
    """As checkpoints are kept: a folder for each run, and a link to the last one."""
    (cwd / "old").mkdir()
    (cwd / "old" / "weights").write_text("old")
    (cwd / "latest").symlink_to("old")
    (cwd / "best").symlink_to("old/weights")
    source = """
        write("latest/weights", "changed")
        write("best", "changed again")
        mkdir("new")
        remove("latest")
        (cwd / "latest").symlink_to("new")
        write("latest/weights", "new")
    """
    run(state, cwd, source)
    assert state.freeze() is None
    state.hold(BEFORE)
    assert os.readlink(cwd / "latest") == "old"
    assert (cwd / "best").read_text() == (cwd / "latest" / "weights").read_text() == "old"
    assert not (cwd / "new").exists()
    state.hold(AFTER)
    assert os.readlink(cwd / "latest") == "new"
    assert [(cwd / name / "weights").read_text() for name in ("old", "new")] == ["changed again", "new"]


def test_sockets_and_pipes_are_no_obstacle(cwd: Path, state: State) -> None:
    """Workers of data loaders hand each other descriptors through a socket in the folder for temporary files."""
    os.mkfifo(cwd / "pipe")
    run(state, cwd, "remove('pipe')" + COUNT)
    assert state.freeze() is None
    state.hold(BEFORE)
    assert not (cwd / "count").exists()


def test_paths_elsewhere_are_not_kept(cwd: Path, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = Keeper(state.env["REPROTEST_STATE"], (str(cwd),))
    keeper.keep(str(tmp_path / "outside"))
    keeper.keep(state.env["REPROTEST_STATE"] + "/mine.json")
    folder = Path(state.env["REPROTEST_STATE"])
    assert [p.name for p in folder.glob("*.json")] == ["owner.json"]
    assert json.loads((folder / "owner.json").read_text())["pid"] == os.getpid()


def test_the_users_files_can_be_put_back_to_before_everything(cwd: Path) -> None:
    (cwd / "checkpoint").write_text("the user's own")
    with State(cwd / ".reprotest") as state:
        run(state, cwd, """write("checkpoint", "of the full run"); write("more", "1")""")
        assert state.freeze(leave="before") is None
        state.hold(BEFORE)
        run(state, cwd, """write("checkpoint", "of the first run"); write("only_first", "1")""")
        assert state.mark() is None
        for _ in range(2):
            state.hold(AFTER)
            assert (cwd / "checkpoint").read_text() == "of the first run"
            assert (cwd / "only_first").exists()
            assert not (cwd / "more").exists()
            run(state, cwd, """write("checkpoint", "of the second run")""")
    assert (cwd / "checkpoint").read_text() == "the user's own"
    assert sorted(path.name for path in cwd.iterdir()) == [".reprotest", "checkpoint"]
