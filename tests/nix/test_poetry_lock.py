"""Reading poetry.lock in pure Nix: which wheels, which groups, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import ROOT, Nix

pytestmark = [pytest.mark.nix, pytest.mark.xdist_group("nix")]

HASH = "sha256:" + "a" * 64


def package(
    name: str, *, version: str = "1.0", groups: str = '["main"]', file: str | None = None, more: str = ""
) -> str:
    file = file or f"{name}-{version}-py3-none-any.whl"
    return f"""
[[package]]
name = "{name}"
version = "{version}"
groups = {groups}
{more}
files = [{{file = "{file}", hash = "{HASH}"}}, {{file = "{name}-{version}.tar.gz", hash = "{HASH}"}}]
"""


def lock(folder: Path, *packages: str, version: str = "2.1") -> Path:
    path = folder / "poetry.lock"
    path.write_text("".join(packages) + f'\n[metadata]\nlock-version = "{version}"\ncontent-hash = "0"\n')
    return path


def chosen(nix: Nix, path: Path, groups: str = '"main"', extras: str = "") -> list[str]:
    return nix.eval(f"map (w: w.name) ({reading(path, groups, extras)})")


def reading(path: Path, groups: str = '"main"', extras: str = "") -> str:
    arguments = f"{{ lockFile = {path}; groups = [ {groups} ]; extras = [ {extras} ]; }}"
    return f"import {ROOT}/nix/debian/poetry-lock.nix {arguments}"


def test_groups_and_markers_select(nix: Nix, tmp_path: Path) -> None:
    path = lock(
        tmp_path,
        package("always"),
        package("tested", groups='["test"]'),
        package("both", groups='["main", "test"]', more='markers = {main = "sys_platform == \\"win32\\""}'),
        package("windows", more='markers = "sys_platform == \\"win32\\""'),
        package("extra", more='markers = "extra == \\"gpu\\""'),
    )
    assert chosen(nix, path) == ["always"]
    assert chosen(nix, path, '"main" "test"') == ["always", "tested", "both"]
    assert chosen(nix, path, extras='"gpu"') == ["always", "extra"]
    assert chosen(nix, path, extras='"*"') == ["always", "extra"]


def test_the_index_of_a_source_is_kept_and_a_hash_is_that_of_the_wheel(nix: Nix, tmp_path: Path) -> None:
    source = '[package.source]\ntype = "legacy"\nurl = "https://index.example/simple"\nreference = "x"\n'
    path = lock(tmp_path, package("a") + source)
    (found,) = nix.eval(reading(path))
    assert found == {
        "name": "a",
        "version": "1.0",
        "file": "a-1.0-py3-none-any.whl",
        "sha256": "a" * 64,
        "index": "https://index.example/simple",
    }


@pytest.mark.parametrize(
    ("packages", "version", "why"),
    [
        ([package("a", file="a-1.0-cp312-cp312-win_amd64.whl")], "2.1", "a 1.0 has no wheel for CPython 3.11"),
        ([package("a") + '[package.source]\ntype = "git"\nurl = "x"\n'], "2.1", "a 1.0 comes from a git"),
        ([package("a"), package("a", version="2.0")], "2.1", "a is wanted in more than one version"),
        ([package("a")], "2.0", "poetry.lock has version 2.0; expected 2.1"),
        ([package("a").replace("sha256:", "md5:")], "2.1", "not by a sha256"),
    ],
)
def test_what_the_base_cannot_install_is_refused_by_name(
    nix: Nix, tmp_path: Path, packages: list[str], version: str, why: str
) -> None:
    assert why in nix.fails(reading(lock(tmp_path, *packages, version=version)))


PYPROJECT = """
[tool.poetry]
name = "p"
version = "1.0"
[tool.poetry.dependencies]
python = ">=3.11"
a = {{ version = "1.0", optional = true, markers = "sys_platform == 'linux'" }}
b = "{b}"
[tool.poetry.group.test.dependencies]
c = "*"
[[tool.poetry.source]]
name = "s"
url = "https://index.example"
"""


def project(folder: Path, b: str, content_hash: str) -> str:
    (folder / "pyproject.toml").write_text(PYPROJECT.format(b=b))
    text = f'[metadata]\nlock-version = "2.1"\ncontent-hash = "{content_hash}"\n'
    (folder / "poetry.lock").write_text("#" * 300 + "\n" + text)
    return f"(import {ROOT}/nix/lock.nix {{ src = {folder}; }}).name"


def test_a_lock_out_of_step_is_refused_at_evaluation(nix: Nix, tmp_path: Path, program) -> None:
    import tomllib

    in_step = program("checks/lock_lint.py").content_hash(tomllib.loads(PYPROJECT.format(b="2.0")))
    assert nix.eval(project(tmp_path, "2.0", in_step)) == "p"
    said = nix.fails(project(tmp_path, "2.1", in_step))
    assert "poetry.lock is out of step with pyproject.toml" in said
    assert "run `poetry lock`" in said


def test_the_content_hash_is_poetrys_own(program) -> None:
    """Every lock of the repository was written by Poetry itself."""
    import tomllib

    for folder in (ROOT, ROOT / "nix/cuda", ROOT / "nix/tools", ROOT / "nix/notebook", ROOT / "templates/default"):
        locked = tomllib.loads((folder / "poetry.lock").read_text())["metadata"]["content-hash"]
        pyproject = tomllib.loads((folder / "pyproject.toml").read_text())
        assert program("checks/lock_lint.py").content_hash(pyproject) == locked, folder


def test_a_project_table_alone_is_refused(nix: Nix, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "p"\ndependencies = ["numpy"]\n')
    (tmp_path / "poetry.lock").write_text("")
    said = nix.fails(f"(import {ROOT}/nix/lock.nix {{ src = {tmp_path}; }}).name")
    assert "has no [tool.poetry] table" in said
