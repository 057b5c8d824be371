"""poetry.lock: complete, in step with pyproject.toml, and readable by poetry2nix (see docs/development.md)."""

from __future__ import annotations

import re
import runpy
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

ROOT = Path(__file__).resolve().parents[2]
LOCK = tomllib.loads((ROOT / "poetry.lock").read_text())
PACKAGES: list[dict[str, Any]] = LOCK["package"]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RELOCK = runpy.run_path(str(ROOT / "scripts" / "relock"))
VENV = runpy.run_path(str(ROOT / "scripts" / "venv"))


def test_lock_is_in_step_with_pyproject() -> None:
    expected = RELOCK["content_hash"]((ROOT / "pyproject.toml").read_text())
    assert LOCK["metadata"]["content-hash"] == expected, "pyproject.toml has changed: run `make relock`"


def test_every_file_has_a_sha256() -> None:
    for package in PACKAGES:
        assert package["files"], package["name"]
        for file in package["files"]:
            assert re.fullmatch(r"sha256:[0-9a-f]{64}", file["hash"]), file


def test_a_name_has_one_version_as_poetry2nix_keeps_only_the_last() -> None:
    assert [name for name, count in Counter(p["name"] for p in PACKAGES).items() if count > 1] == []


def test_no_wheel_has_a_platform_tag_unknown_to_poetry2nix() -> None:
    assert [f["file"] for p in PACKAGES for f in p["files"] if "riscv64" in f["file"]] == []


def test_only_torch_comes_from_an_index_of_its_own_and_no_mirror_is_named() -> None:
    (source,) = PYPROJECT["tool"]["poetry"]["source"]
    assert source["priority"] == "explicit"
    assert {p["name"]: p["source"]["url"] for p in PACKAGES if "source" in p} == {"torch": source["url"]}
    lines = (ROOT / "poetry.lock").read_text().splitlines()
    places = "\n".join(line for line in lines if not line.startswith("description = "))  # where nothing is fetched from
    addresses = set(re.findall(r"\w+://[^\s\"]+", places))
    assert addresses == {source["url"]}


def test_torch_is_the_cpu_build_with_the_wheels_written_down() -> None:
    (torch,) = (p for p in PACKAGES if p["name"] == "torch")
    assert torch["version"].endswith("+cpu")
    assert {f["file"]: f["hash"] for f in torch["files"]} == {
        name: f"sha256:{digest}" for name, digest in RELOCK["torch_wheels"]().items()
    }
    assert [p["name"] for p in PACKAGES if re.match(r"nvidia|cuda|triton", p["name"])] == []


def tags(minor: int, machine: str) -> set[Tag]:
    """What a CPython 3.`minor` on a current Linux accepts."""
    platforms = [f"manylinux_2_{glibc}_{machine}" for glibc in range(28, 4, -1)]
    platforms += [f"manylinux2014_{machine}", f"manylinux2010_{machine}", f"manylinux1_{machine}", f"linux_{machine}"]
    return {
        *cpython_tags((3, minor), [f"cp3{minor}"], platforms),
        *compatible_tags((3, minor), f"cp3{minor}", platforms),
    }


def applies(package: dict[str, Any], minor: int, machine: str) -> bool:
    """Does any group want the package on such a Linux? What only Windows needs (pywin32) has wheels for Windows alone."""
    markers = package.get("markers", "")
    platform = {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"3.{minor}.0",
        "python_version": f"3.{minor}",
        "sys_platform": "linux",
    }
    wanted = list(markers.values()) if isinstance(markers, dict) else [markers]
    return any(not marker or Marker(marker).evaluate(platform) for marker in wanted)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("minor", range(11, VENV["NEWEST_PYTHON"] + 1))
def test_nothing_needs_to_be_built(minor: int, machine: str) -> None:
    accepted = tags(minor, machine)
    needed = [p for p in PACKAGES if applies(p, minor, machine)]
    wheels = {p["name"]: [f["file"] for f in p["files"] if f["file"].endswith(".whl")] for p in needed}
    assert [n for n, files in wheels.items() if not any(parse_wheel_filename(f)[3] & accepted for f in files)] == []


def test_relock_drops_only_what_poetry2nix_cannot_read() -> None:
    keep = '    {file = "a-1-cp311-cp311-manylinux_2_28_x86_64.whl", hash = "sha256:00"},\n'
    drop = '    {file = "a-1-cp311-cp311-manylinux_2_31_riscv64.whl", hash = "sha256:11"},\n'
    assert RELOCK["drop_unreadable_wheels"](f"files = [\n{drop}{keep}{drop}]\n") == f"files = [\n{keep}]\n"
