"""nix/debian/marker.nix and wheel-tag.nix against the packaging library."""

from __future__ import annotations

import json

import pytest
from packaging.markers import Marker
from packaging.tags import compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

from .conftest import ROOT, Nix

pytestmark = [pytest.mark.nix, pytest.mark.xdist_group("nix")]

ENVIRONMENT = {
    "os_name": "posix",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "implementation_name": "cpython",
    "implementation_version": "3.11.2",
    "python_version": "3.11",
    "python_full_version": "3.11.2",
    "extra": "gpu",
}
ATOMS = [
    'sys_platform == "linux"',
    "sys_platform != 'win32'",
    '"linux" in sys_platform',
    'sys_platform in "linux darwin"',
    'platform_machine not in "x86_64 amd64"',
    'python_version < "3.11"',
    'python_version >= "3.9"',
    'python_version == "3.11"',
    'python_version != "3.11.*"',
    'python_version == "3.*"',
    'python_version ~= "3.10"',
    'python_full_version < "3.11.0"',
    'python_full_version <= "3.11.2"',
    '"3.12" > python_version',
    'python_full_version >= "3.11.0" and python_full_version < "3.11.3"',
    'extra == "gpu"',
    'extra == "docs"',
    'implementation_name == "pypy"',
    'platform_system == "Linux" and platform_machine == "x86_64"',
]
COMPOUND = [f"{a} {word} {b}" for a, b in zip(ATOMS, ATOMS[3:] + ATOMS[:3], strict=True) for word in ("and", "or")] + [
    f"({a}) and ({b} or {c})" for a, b, c in zip(ATOMS, ATOMS[1:], ATOMS[2:], strict=False)
]


def marker(texts: list[str]) -> str:
    return f"""map (import {ROOT}/nix/debian/marker.nix {{ extras = [ "gpu" ]; }}) (builtins.fromJSON ''{json.dumps(texts)}'')"""


def test_markers_agree_with_packaging(nix: Nix) -> None:
    texts = ATOMS + COMPOUND
    found = dict(zip(texts, nix.eval(marker(texts)), strict=True))
    assert found == {text: Marker(text).evaluate(ENVIRONMENT) for text in texts}
    assert set(found.values()) == {True, False}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('platform_release == "6.1"', "names `platform_release`, which has no value here"),
        ('sys_platform < "linux"', "uses `<` with a string"),
        ('python_version == "3.11" and', "ends too early"),
        ('(python_version == "3.11"', "lacks a closing parenthesis"),
        ('python_version == "3.11" "x"', "goes on after its end"),
        ('python_version < "3.12rc1"', "is no plain release"),
    ],
)
def test_what_cannot_be_evaluated_is_an_error_that_names_the_marker(nix: Nix, text: str, why: str) -> None:
    said = nix.fails(marker([text]))
    assert why in said
    assert text in said


WHEELS = [
    "numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
    "numpy-2.4.6-cp312-cp312-manylinux_2_27_x86_64.whl",
    "numpy-2.4.6-cp311-cp311-musllinux_1_2_x86_64.whl",
    "numpy-2.4.6-cp311-cp311-manylinux_2_39_x86_64.whl",
    "numpy-2.4.6-cp311-cp311-macosx_14_0_arm64.whl",
    "numpy-2.4.6-cp311-cp311-manylinux_2_28_aarch64.whl",
    "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl",
    "tokenizers-0.23.3-cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "tokenizers-0.23.3-cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "tokenizers-0.23.3-cp313-abi3-manylinux_2_17_x86_64.whl",
    "six-1.17.0-py2.py3-none-any.whl",
    "click-8.5.1-py3-none-any.whl",
    "click-8.5.1-py311-none-any.whl",
    "click-8.5.1-py313-none-any.whl",
    "ninja-1.13-py3-none-manylinux_2_12_x86_64.manylinux2010_x86_64.whl",
    "ninja-1.13-py3-none-manylinux1_x86_64.whl",
    "ninja-1.13-2-py3-none-manylinux2014_x86_64.whl",
    "x-1-cp311-none-linux_x86_64.whl",
    "x-1-cp311-cp311t-manylinux_2_28_x86_64.whl",
    "x-1-cp27-cp27mu-manylinux_2_28_x86_64.whl",
]


def supported() -> list[str]:
    """The tags of CPython 3.11 on x86_64 with glibc 2.36, best first, as packaging orders them."""
    older = {17: "manylinux2014_x86_64", 12: "manylinux2010_x86_64", 5: "manylinux1_x86_64"}
    platforms = []
    for minor in range(36, 4, -1):
        platforms += [f"manylinux_2_{minor}_x86_64"] + ([older[minor]] if minor in older else [])
    platforms.append("linux_x86_64")
    tags = [*cpython_tags((3, 11), ["cp311"], platforms), *compatible_tags((3, 11), "cp311", platforms)]
    return [str(tag) for tag in tags]


def test_wheels_are_chosen_as_pip_would_choose_them(nix: Nix) -> None:
    order = supported()
    best = {}
    for name in WHEELS:
        ranks = [order.index(str(tag)) for tag in parse_wheel_filename(name)[3] if str(tag) in order]
        best[name] = min(ranks) if ranks else None
    files = json.dumps(WHEELS)
    scores = nix.eval(f"map (import {ROOT}/nix/debian/wheel-tag.nix) (builtins.fromJSON ''{files}'')")
    score = dict(zip(WHEELS, scores, strict=True))
    assert {name for name in WHEELS if score[name] == 0} == {name for name in WHEELS if best[name] is None}
    runs = [name for name in WHEELS if score[name]]
    assert len(runs) > 5
    for a in runs:
        for b in runs:
            if best[a] < best[b]:
                assert score[a] >= score[b], (a, b)
