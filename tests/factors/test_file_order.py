"""Listings come in a chosen order, and are otherwise what they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprotest.factors import Setting
from reprotest.factors.file_order import Entries, FileOrder, arrange

ID = "file.order"

LISTINGS = """
    import glob, os, pathlib, shutil
    os.chdir("data")
    print([
        os.listdir(), os.listdir("."), os.listdir(b"."),
        [e.name for e in os.scandir()], glob.glob("*.txt"), [p.name for p in pathlib.Path().iterdir()],
        [p.name for p in pathlib.Path().glob("*.txt")], [f for _, _, fs in os.walk(".") for f in fs],
        os.listdir(fd := os.open(".", os.O_RDONLY)), os.close(fd),
    ])
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    data = tmp_path / "project" / "data"
    data.mkdir(parents=True)
    for number in (5, 3, 8, 1, 9, 2, 7):
        (data / f"{number}.txt").touch()
    return tmp_path / "project"


NAMES = [f"{n}.txt" for n in (1, 2, 3, 5, 7, 8, 9)]


@pytest.mark.parametrize(("variant", "expected"), [(0, NAMES), (1, arrange(NAMES, str, 1))])
def test_every_way_to_list_a_folder_gives_the_chosen_order(
    play, project: Path, variant: int, expected: list[str]
) -> None:
    lists = eval(play(LISTINGS, {ID: variant}).out)
    assert lists.pop() is None
    assert lists.pop(2) == [name.encode() for name in expected]
    assert all(found == expected for found in lists)


def test_a_shuffle_is_the_same_in_every_run_and_everywhere(play, project: Path) -> None:
    first, second = (play(LISTINGS, {ID: 2}).out for _ in range(2))
    assert first == second
    lists = eval(first)
    assert sorted(lists[0]) == NAMES
    assert lists[0] not in (NAMES, NAMES[::-1])
    assert lists[0] == lists[3] == lists[5]


def test_the_lines_that_list_are_noted_and_a_single_one_can_be_varied(play, project: Path) -> None:
    source = """
        import os
        print(os.listdir("data"),
              [e.name for e in os.scandir("data")])
    """
    assert play(source).uses[ID] == {"main.py:3": 1, "main.py:4": 1}
    out = play(source, {ID: Setting(variant=1, only=("main.py:3",))}).out
    assert out == f"{arrange(NAMES, str, 1)} {NAMES}\n"


def test_scandir_keeps_its_manners(play, project: Path) -> None:
    out = play(
        """
        import os, shutil
        with os.scandir("data") as entries:
            first = next(entries)
            print(type(first) is os.DirEntry, first.path == "data/" + first.name, iter(entries) is entries)
        print(next(entries, "closed"))
        try: os.scandir("nowhere")
        except FileNotFoundError as error: print(error.filename)
        try: os.listdir("nowhere")
        except FileNotFoundError as error: print(error.filename)
        entries = os.scandir("data"); entries.close(); entries.close()
        os.makedirs("a/b/c"); os.makedirs("a/d")
        for root, dirs, files in os.walk("a"):
            dirs[:] = [d for d in dirs if d != "b"]
            print(root)
        print([root for root, _, _ in os.walk("a", topdown=False)])
        shutil.rmtree("a")
        print(os.path.exists("a"), os.listdir.__name__, os.listdir is os.listdir)
        """,
        {ID: 1},
    ).out.splitlines()
    first, second = arrange(["b", "d"], str, 1)
    bottom_up = [p for name in (first, second) for p in (["a/b/c", "a/b"] if name == "b" else ["a/d"])]
    assert out == [
        "True True True",
        "closed",
        "nowhere",
        "nowhere",
        "a",
        "a/d",
        str([*bottom_up, "a"]),
        "False listdir True",
    ]


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1), unique=True),
    st.integers(0, 50),
)
def test_arranging_keeps_the_names_and_depends_on_them_alone(names: list[str], variant: int) -> None:
    arranged = arrange(names, str, variant)
    assert sorted(arranged) == sorted(names)
    assert arrange(names[::-1], str, variant) == arranged
    assert (arranged == sorted(names)) == (variant == 0 or len(names) < 2)
    assert len(names) < 3 or arranged != sorted(names)[::-1]


def test_bytes_and_text_are_arranged_alike() -> None:
    names = [f"{n:02}" for n in range(40)]
    raw = arrange([os.fsencode(n) for n in names], bytes, 3)
    assert [os.fsdecode(n) for n in raw] == arrange(names, str, 3)


def test_a_folder_is_read_when_its_first_entry_is_asked_for(tmp_path: Path) -> None:
    read = []

    def listing(found: list[object]) -> list[object]:
        read.append(len(found))
        return found

    (tmp_path / "file").touch()
    entries = Entries(os.scandir(tmp_path), listing)
    assert read == []
    assert [e.name for e in entries] == ["file"]
    assert read == [1]


def test_its_state_is_the_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(FileOrder().read()["filesystem"], (str, type(None)))


def test_removing_a_tree_is_not_a_use_but_listing_it_is(play, project: Path) -> None:
    played = play(
        'import os, shutil\nos.listdir("data")\nshutil.rmtree("data")\nprint(os.path.exists("data"))\n', {ID: 1}
    )
    assert played.out == "False\n"
    assert list(played.uses[ID]) == ["main.py:2"]
