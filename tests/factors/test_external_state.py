"""What a run reads and writes is noticed, and what one run leaves to the next is found."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from reprotest.factors.external_state import changed_inputs

ID = "external.state"


def changes(a, b) -> list[tuple[str, str | None, str]]:
    """changed_inputs of two played runs, with bare file names."""
    records = [SimpleNamespace(extras=lambda key, p=p: p.extras.get(key, [])) for p in (a, b)]
    return [(Path(path).name, site, reason) for path, site, reason in changed_inputs(*records)]


COUNTER = """
    import os
    count = int(open("count.txt").read()) if os.path.exists("count.txt") else 0
    with open("count.txt", "w") as file:
        file.write(str(count + 1))
"""


def test_a_file_that_one_run_leaves_to_the_next(play) -> None:
    first, second, third = (play(COUNTER) for _ in range(3))
    assert changes(first, second) == [("count.txt", "main.py:3", "was made by the run before")]
    assert changes(second, third) == [("count.txt", "main.py:3", "was changed by the run before")]
    assert ID not in first.uses
    assert second.uses[ID] == {"main.py:3": 1}


def test_what_is_read_after_the_runs_have_parted_did_not_part_them() -> None:
    def record(size: int) -> SimpleNamespace:
        read = {"site": "train.py:9", "size": size, "mtime": size, "inode": 1, "digest": str(size), "step": 12}
        return SimpleNamespace(extras=lambda key: [{"/p/results.json": {"read": read}}])

    assert changed_inputs(record(1), record(2), until=11) == []
    assert len(changed_inputs(record(1), record(2), until=12)) == len(changed_inputs(record(1), record(2))) == 1


def test_a_cache_that_holds_what_would_be_computed_is_no_change(play) -> None:
    source = """
        import os
        if not os.path.exists("cache"):
            with open("cache", "wb") as file: file.write(bytes(100))
        print(len(open("cache", "rb").read()))
    """
    first, second = play(source), play(source)
    assert changes(first, second) == []


def test_a_file_rewritten_with_the_same_content_is_no_change_and_another_one_is(play, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    data = tmp_path / "project" / "data.csv"
    data.write_text("1,2")
    source = "print(open('data.csv').read())"
    first = play(source)
    data.write_text("1,2")
    second = play(source)
    assert changes(first, second) == []
    data.write_text("1,3")
    assert changes(second, play(source)) == [("data.csv", "main.py:1", "has changed between the runs")]


def test_old_files_are_told_of_only_when_the_run_changes_them(play, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    for name in ("old", "state"):
        (tmp_path / "project" / name).write_text("0")
        os.utime(tmp_path / "project" / name, (10**9, 10**9))
    source = """
        open("old").read()
        n = int(open("state").read())
        open("state", "w").write(str(n + 1))
    """
    first, second = play(source), play(source)
    (facts,) = first.extras["files"]
    assert [Path(p).name for p in facts] == ["state"]
    assert changes(first, second) == [("state", "main.py:3", "was changed by the run before")]


@pytest.mark.parametrize(
    ("save", "load"),
    [
        ("torch.save(x, 'f')", "torch.load('f')"),
        ("np.save('f.npy', a)", "np.load('f.npy')"),
        ("np.savez('f.npz', a=a)", "np.load('f.npz')['a']"),
        ("a.tofile('f')", "np.fromfile('f')"),
        ("pathlib.Path('f').write_bytes(b'x')", "pathlib.Path('f').read_bytes()"),
        ("pickle.dump(1, gzip.open('f', 'wb'))", "gzip.open('f').read()"),
        ("os.write(os.open('f', os.O_WRONLY | os.O_CREAT), b'1')", "os.read(os.open('f', os.O_RDONLY), 1)"),
        ("(open('g', 'w').write('x'), os.replace('g', 'f'))", "open('f').read()"),
        ("h5py.File('f', 'w').create_dataset('a', data=a)", "h5py.File('f')['a'][()]"),
        ("sqlite3.connect('f').execute('create table if not exists t (x)')", "open('f', 'rb').read()"),
        ("dbapi2.connect('f').execute('create table if not exists t (x)')", "dbapi2.connect('f')"),
    ],
)
def test_the_ways_to_save_and_load(play, save: str, load: str) -> None:
    pytest.importorskip("h5py" if "h5py" in save else "torch")
    source = f"""
        import gzip, os, pathlib, pickle, sqlite3; from sqlite3 import dbapi2
        import numpy as np
        if "torch" in {save!r}: import torch; x = torch.zeros(3)
        if "h5py" in {save!r}: import h5py
        a = np.zeros(3)
        if any(os.path.exists(name) for name in ("f", "f.npy", "f.npz")):
            {load}
        {save}
    """
    first, second = play(source), play(source)
    assert [(name[0], site) for name, site, _ in changes(first, second)] == [("f", "main.py:8")]


def test_temporary_files_code_and_system_files_are_no_inputs(play) -> None:
    source = """
        import json.tool, tempfile, os
        with tempfile.NamedTemporaryFile("w+") as file:
            file.write("x"); file.flush(); open(file.name).read()
        with tempfile.TemporaryDirectory() as folder:
            open(os.path.join(folder, "a"), "w").close()
        open("/proc/self/status").read(); open(__file__).read(); open("/etc/passwd").read()
        open(os.pipe()[0], "rb", closefd=True).close()
    """
    first, second = play(source), play(source)
    assert changes(first, second) == []
    assert ID not in first.uses


def test_open_is_what_it_was(play) -> None:
    out = play(
        """
        import builtins, io, os, pickle
        print(open is io.open, pickle.loads(pickle.dumps(open)) is open, open.__name__)
        for bad in ((), ("nowhere",), ("x", "q"), (b"nowhere", "rb"), (3.5,)):
            try: open(*bad)
            except (TypeError, ValueError, OSError) as error: print(type(error).__name__)
        class Path(os.PathLike):
            def __fspath__(self): return "made"
        with open(Path(), mode="x", encoding="utf-8") as file: print(file.name is not None, file.write("1"))
        with open("made", "rb", buffering=0) as file: print(type(file).__name__)
        os.rename("made", "moved"); os.remove(b"moved"); print(os.path.exists("moved"))
        os.mkdir("d"); fd = os.open("d", os.O_RDONLY)
        os.close(os.open("inner", os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=fd)); print(os.listdir("d")); os.unlink("inner", dir_fd=fd)
        class Reader:
            opener = open
        print(Reader().opener(__file__).readline() == chr(10))
        """
    ).out.splitlines()
    assert out == [
        "True True open",
        "TypeError",
        "FileNotFoundError",
        "ValueError",
        "FileNotFoundError",
        "TypeError",
        "True 1",
        "FileIO",
        "False",
        "['inner']",
        "True",
    ]


def test_a_connection_to_another_machine_is_noted_one_to_this_is_not(play) -> None:
    source = """
        import socket
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0)); server.listen()
            socket.create_connection(server.getsockname()).close()
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try: s.connect(("{host}", 9))
        except OSError: pass
    """
    assert ID not in play(source.format(host="127.0.0.1")).uses
    # A documentation address (RFC 5737); a datagram socket sends nothing when it connects.
    assert play(source.format(host="192.0.2.1")).uses[ID] == {"main.py:7": 1}
