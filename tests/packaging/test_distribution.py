"""The wheel and the source distribution hold the package, the whole package and nothing but the package."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import BytesParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {
    path.relative_to(ROOT / "src").as_posix()
    for path in (ROOT / "src" / "reprotest").rglob("*")
    if path.is_file() and path.suffix != ".pyc"
}


def build(kind: str, folder: Path) -> Path:
    """Call the build backend as a front end would, in a process of its own, and return the file it made."""
    program = (
        "import sys; from poetry.core.masonry import api; print(getattr(api, 'build_' + sys.argv[1])(sys.argv[2]))"
    )
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "315532800"}
    command = [sys.executable, "-c", program, kind, str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return folder / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


def test_wheel_holds_every_source_file_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == SOURCES
    assert "reprotest/py.typed" in names


def test_wheel_names_itself_and_only_light_dependencies(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (path,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = BytesParser().parsebytes(archive.read(path))
        assert any(name.endswith("LICENSE") for name in archive.namelist())
    assert metadata["Name"] == "reprotest-ml"
    assert metadata["License"] == "Apache-2.0" or metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"].startswith(">=3.11")
    names = {line.split()[0].lower() for line in metadata.get_all("Requires-Dist")}
    assert names.isdisjoint({"torch", "scikit-learn", "scipy", "tensorflow", "jax", "transformers", "pytest"})
    assert "click" in names


def test_readme_is_the_long_description() -> None:
    poetry = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["poetry"]
    assert ("readme" in poetry) == (ROOT / "README.md").exists(), 'say `readme = "README.md"` in pyproject.toml'


def test_wheel_can_be_imported_from_where_it_is_unpacked(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    program = "import reprotest; print(reprotest.__file__)"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == str(tmp_path / "reprotest" / "__init__.py")


def test_wheel_is_bit_identical_when_built_again(wheel: Path, tmp_path: Path) -> None:
    assert build("wheel", tmp_path).read_bytes() == wheel.read_bytes()


def test_source_distribution_can_be_built_from_and_has_no_tests(tmp_path: Path) -> None:
    with tarfile.open(build("sdist", tmp_path)) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    assert {f"src/{name}" for name in SOURCES} <= names
    assert {"pyproject.toml", "LICENSE", "PKG-INFO"} <= names
    assert not [name for name in names if name.startswith(("tests", "benchmarks", "poetry.lock"))]
