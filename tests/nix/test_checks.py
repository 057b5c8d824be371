"""The programs behind the flake's checks find what they are made to find."""

from __future__ import annotations

import json
import re
import shutil
import tarfile
from pathlib import Path

import pytest

from .conftest import ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of a lock folder in which nothing is wrong."""
    for name in ("pyproject.toml", "poetry.lock"):
        shutil.copy(ROOT / "templates/default" / name, tmp_path / name)
    return tmp_path


def edit(path: Path, pattern: str, replacement: str) -> None:
    text, count = re.subn(pattern, replacement, path.read_text(), count=1, flags=re.MULTILINE)
    assert count == 1, pattern
    path.write_text(text)


def test_our_own_locks_are_clean(program) -> None:
    lint = program("checks/lock_lint.py")
    folders = [ROOT, ROOT / "nix/cuda", ROOT / "nix/tools", ROOT / "nix/notebook", ROOT / "templates/default"]
    assert [finding for folder in folders for finding in lint.findings(folder)] == []


NUMPY = r'(name = "numpy"\nversion = )"[^"]*"'


@pytest.mark.parametrize(
    ("file", "pattern", "replacement", "why"),
    [
        ("pyproject.toml", r"^authors = .*\n", "", "lacks authors"),
        ("pyproject.toml", r"\A", '[dependency-groups]\ndev = ["x"]\n', "stand outside [tool.poetry]"),
        ("pyproject.toml", r"poetry-core>=1.0.0", "poetry-core>=2", "poetry-core comes from nixpkgs"),
        ("pyproject.toml", r"numpy = .*", 'numpy = "*"', "out of step"),
        ("pyproject.toml", r'^priority = "explicit"\n', "", "is not explicit"),
        ("poetry.lock", r'lock-version = "2.1"', 'lock-version = "2.0"', "has version 2.0; expected 2.1"),
        ("poetry.lock", r'(name = "markupsafe"\nversion = )"3.0.2"', r'\1"3.0.3"', "lock 3.0.2"),
        ("poetry.lock", r"-cp311-cp311-manylinux[^\"]*x86_64", "-cp311-cp311-manylinux_2_31_riscv64", "riscv64"),
        ("poetry.lock", r"-cp311-cp311-manylinux", "-cp311-abi3.abi3t-manylinux", "stops poetry2nix (abi3.abi3t)"),
        ("poetry.lock", r"sha256:6746dbc", "sha256:0000000", "is not locked to PyTorch's own file"),
        ("poetry.lock", r'hash = "sha256:', 'hash = "md5:', "not by a sha256"),
        ("poetry.lock", r'^name = "sympy"', 'name = "numpy"', "numpy is locked 2 times"),
        ("poetry.lock", r'^name = "sympy"', 'name = "nvidia-cublas"', "CUDA needs a lock folder of its own"),
        ("poetry.lock", r'type = "legacy"', 'type = "git"', "nothing pins its bytes"),
    ],
)
def test_each_pitfall_is_found(program, folder: Path, file: str, pattern: str, replacement: str, why: str) -> None:
    lint = program("checks/lock_lint.py")
    assert lint.findings(folder) == []
    edit(folder / file, pattern, replacement)
    assert any(why in finding for finding in lint.findings(folder)), lint.findings(folder)


def test_versions_tell_missing_other_and_unlocked_packages(program, tmp_path: Path) -> None:
    versions = program("checks/versions.py")
    lock = tmp_path / "poetry.lock"
    entry = '[[package]]\nname = "{}"\nversion = "1"\ngroups = {}\n{}\n'
    lock.write_text(
        entry.format("same", '["main"]', "")
        + entry.format("other", '["main"]', "")
        + entry.format("missing", '["main"]', "")
        + entry.format("elsewhere", '["dev"]', "")
        + entry.format("windows", '["main"]', "markers = \"sys_platform == 'win32'\"")
        + entry.format("grouped", '["main"]', "markers = {main = \"sys_platform == 'linux'\"}")
    )
    for name, version in (("Same", "1"), ("other", "2"), ("un_locked", "1"), ("grouped", "1")):
        info = tmp_path / f"site/{name}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    found = versions.differences(versions.installed(str(tmp_path / "site")), versions.expected(lock, {"main"}))
    assert list(found) == [
        "missing: installed not at all, locked 1",
        "other: installed 2, locked 1",
        "un-locked: installed 1, locked not at all",
    ]


def test_purity_names_the_hosts_libraries(program, capsys: pytest.CaptureFixture[str]) -> None:
    """This very interpreter is the host's, so the check must fail here."""
    purity = program("checks/purity.py")
    purity.NATIVE = ("numpy",)
    assert purity.main() == 1
    assert "libc.so.6" in capsys.readouterr().out


def archive(path: Path, members: dict[str, tuple[str, int]], config: dict) -> Path:
    """A Docker archive with one layer of some files (name to text and mode)."""
    with tarfile.open(path.with_suffix(".layer"), "w") as layer:
        for name, (text, mode) in members.items():
            add(layer, name, text.encode(), mode)
    with tarfile.open(path, "w") as tar:
        add(tar, "layer.tar", path.with_suffix(".layer").read_bytes())
        add(tar, "config.json", json.dumps({"config": config}).encode())
        add(tar, "manifest.json", json.dumps([{"Config": "config.json", "Layers": ["layer.tar"]}]).encode())
    return path


def add(tar: tarfile.TarFile, name: str, data: bytes, mode: int = 0o644) -> None:
    import io

    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = len(data), mode, 1
    tar.addfile(info, io.BytesIO(data))


GOOD = {
    "etc/passwd": ("", 0o644),
    "tmp": ("", 0o644),
    "project": ("", 0o644),
    "sbom.json": ("", 0o644),
    "env/bin/python3.11": ("", 0o755),
    "env/site-packages/a-1.dist-info/METADATA": ("Name: A\nVersion: 1\n", 0o644),
    "var/lib/dpkg/status.d/libc6": ("Package: libc6\nVersion: 2\n", 0o644),
}
CONFIG = {
    "User": "65532:65532",
    "Entrypoint": ["/env/bin/python", "-m", "reprotest"],
    "Labels": {"org.opencontainers.image.revision": "r", "reprotest.sbom": "/sbom.json"},
}
SBOM = {
    "components": [
        {"purl": "pkg:pypi/a@1", "name": "a", "version": "1", "scope": "required"},
        {"purl": "pkg:deb/debian/libc6@2", "name": "libc6", "version": "2", "scope": "required"},
        {"purl": "pkg:github/nixos/nixpkgs@x", "name": "nixpkgs", "version": "x", "scope": "excluded"},
    ]
}


@pytest.mark.parametrize(
    ("members", "config", "why"),
    [
        ({}, {}, None),
        ({"usr/bin/su": ("", 0o4755)}, {}, "usr/bin/su is setuid"),
        ({"etc/open": ("", 0o666)}, {}, "etc/open may be written by anyone"),
        (
            {"x/site-packages/b-1.dist-info/METADATA": ("Name: b\nVersion: 1\n", 0o644)},
            {},
            "has, unlisted, pypi package b 1",
        ),
        ({"env/site-packages/a-1.dist-info/METADATA": ("Name: a\nVersion: 2\n", 0o644)}, {}, "lacks pypi package a 1"),
        ({"x/site-packages/torch/a.py": ("", 0o644)}, {}, "torch shares its layer"),
        ({}, {"User": ""}, "the image runs as root"),
        ({}, {"Entrypoint": ["/bin/sh"]}, "the entry point is"),
        ({}, {"Labels": {"reprotest.sbom": "/gone.json"}}, "gone.json is missing"),
    ],
)
def test_image_contents(program, tmp_path: Path, members: dict, config: dict, why: str | None) -> None:
    contents = program("checks/image_contents.py")
    image = contents.Image(archive(tmp_path / "image.tar", GOOD | members, CONFIG | config))
    found = list(contents.problems(image, SBOM, "/env"))
    assert (found == []) if why is None else any(why in problem for problem in found), found


def test_an_overlay_has_what_the_environment_lacks_and_nothing_else(program, tmp_path: Path) -> None:
    overlay = program("overlay.py")
    for site, names in (("from", ("shared", "new")), ("onto", ("Shared",))):
        for name in names:
            package = tmp_path / site / name.lower()
            info = tmp_path / site / f"{name}-1.dist-info"
            (package / "__pycache__").mkdir(parents=True)
            info.mkdir()
            (package / "__init__.py").write_text(site)
            (package / "__pycache__/__init__.cpython-311.pyc").write_text("")
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
            files = [f"{package.name}/__init__.py", f"{package.name}/__pycache__/__init__.cpython-311.pyc"]
            record = [*files, f"{info.name}/METADATA", f"{info.name}/RECORD", "../../../bin/new"]
            (info / "RECORD").write_text("".join(f"{file},,\n" for file in record))
    (tmp_path / "out").mkdir()
    overlay.main(str(tmp_path / "from"), str(tmp_path / "onto"), str(tmp_path / "out"))
    found = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert found == {"new/__init__.py", "new-1.dist-info/METADATA", "new-1.dist-info/RECORD"}
