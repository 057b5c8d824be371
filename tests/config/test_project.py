from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprotest.config.project import NamedExperiment, find
from reprotest.errors import ConfigError
from reprotest.options import RunOptions


def refused(folder: Path, name: str, text: str) -> list[str]:
    """The lines of the message, without the folder."""
    (folder / name).write_text(text)
    with pytest.raises(ConfigError) as caught:
        find(folder)
    return str(caught.value).replace(f"{folder}/", "").split("\n")


def test_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[tool.reprotest]\nruns = 3\n[tool.reprotest.experiments.digits]\ncommand = \"train.py --name 'a b'\"\nsteps = 5\n"
        '[tool.reprotest.experiments.ranks]\ncommand = ["--", "torchrun", "train.py"]\nruns = 2\ntimeout = 60\n'
    )
    project = find(tmp_path)
    assert project is not None
    assert project.root == tmp_path
    assert project.experiments == (
        NamedExperiment("digits", ("train.py", "--name", "a b"), RunOptions(runs=3, steps=5)),
        NamedExperiment("ranks", ("--", "torchrun", "train.py"), RunOptions(runs=2, timeout=60.0)),
    )


def test_yaml_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "reprotest.yaml").write_text(
        "runs: 3\nexperiments:\n  digits:\n    command: train.py --name 'a b'\n    steps: 5\n"
    )
    project = find(tmp_path)
    assert project is not None
    assert project.experiments == (
        NamedExperiment("digits", ("train.py", "--name", "a b"), RunOptions(runs=3, steps=5)),
    )


def test_the_nearest_file_above_counts_up_to_the_repository(tmp_path: Path) -> None:
    inner = tmp_path / "repository" / "package"
    inner.mkdir(parents=True)
    (tmp_path / "reprotest.yaml").write_text("runs: 4")
    found = find(inner)
    assert found is not None
    assert found.root == tmp_path
    (tmp_path / "repository" / ".git").mkdir()
    assert find(inner) is None
    (tmp_path / "repository" / "pyproject.toml").write_text("[tool.reprotest]\nruns = 2")
    found = find(inner)
    assert found is not None
    assert found.root == tmp_path / "repository"


def test_another_tools_pyproject_is_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\ndependencies = ["reprotest-ml"]\n')
    assert find(tmp_path) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("runs: two", ["reprotest.yaml:", "  runs is 'two': expected a whole number"]),
        ("runs: 1", ["reprotest.yaml:", "  runs is 1: expected greater than or equal to 2"]),
        ("run: 2", ["reprotest.yaml:", "  run is not a key of ours; did you mean runs?"]),
        (
            "experiments: {a: {comand: x, colour: red}}",
            [
                "reprotest.yaml:",
                '  experiments.a.command is missing: expected what comes after `run`, such as "train.py --epochs 2"',
                "  experiments.a.comand is not a key of ours; did you mean command?",
                "  experiments.a.colour is not a key of ours; "
                "known keys are command, diagnose, keep, runs, seed, steps, timeout",
            ],
        ),
        (
            "experiments: {a: {command: 3}}",
            ["reprotest.yaml:", "  experiments.a.command is 3: expected a string, or a list of strings"],
        ),
        (
            "experiments: {a: {command: ''}}",
            ["reprotest.yaml:", "  experiments.a.command is empty: expected what comes after `run`"],
        ),
        (
            'experiments: {a: {command: "x \'y"}}',
            [
                "reprotest.yaml:",
                "  experiments.a.command: No closing quotation; quote it as in a shell, or give a list",
            ],
        ),
        ("- a", ["reprotest.yaml:", "  the whole is ['a']: expected keys and values"]),
        ("runs: 2\nruns: 3", ["reprotest.yaml, line 2, column 1: not valid YAML: the key 'runs' is given twice"]),
        (
            "a:\n\t- b",
            ["reprotest.yaml, line 2, column 1: not valid YAML: found character '\\t' that cannot start any token"],
        ),
    ],
)
def test_yaml_that_cannot_be_understood(text: str, said: list[str], tmp_path: Path) -> None:
    assert refused(tmp_path, "reprotest.yaml", text) == said


def test_toml_that_cannot_be_understood(tmp_path: Path) -> None:
    assert refused(tmp_path, "pyproject.toml", "[tool.reprotest]\nruns = ") == [
        "pyproject.toml is not valid TOML: Invalid value (at end of document)"
    ]
    assert refused(tmp_path, "pyproject.toml", "[tool.reprotest]\nsteps = 0") == [
        "pyproject.toml, [tool.reprotest]:",
        "  steps is 0: expected greater than or equal to 1",
    ]


def test_two_files_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.reprotest]\nruns = 2")
    assert "keep one of them" in refused(tmp_path, "reprotest.yaml", "runs: 2")[0]


def test_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "reprotest.yaml").write_bytes(b"a: \xff")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        find(tmp_path)


def test_a_huge_file_is_refused_at_once(tmp_path: Path) -> None:
    assert "larger than" in refused(tmp_path, "reprotest.yaml", "a: " + "x" * 1_000_001)[0]


def test_an_alias_bomb_is_an_ordinary_error(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert "not a key of ours" in refused(tmp_path, "reprotest.yaml", "\n".join(lines))[1]
    said = refused(tmp_path, "reprotest.yaml", "\n".join([*lines[:-1], "runs: *a10"]))
    assert said[1].startswith("  runs is [[")
    assert len(said[1]) < 200


@given(st.text(max_size=60))
def test_any_text_is_understood_or_refused(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "reprotest.yaml").write_text(text, encoding="utf-8", errors="replace")
        try:
            project = find(Path(folder))
        except ConfigError:
            return
        assert project is not None
        assert project.experiments == ()
