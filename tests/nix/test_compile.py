"""Bytecode: the same bytes whatever the number of cores, none for packages' own tests, none for what is not Python."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT

MODULES = {
    "a/__init__.py": "import os\nNAMES = {'x': 1, 'y': os.sep, 'z': ('a', 'b')}\n",
    "a/one.py": "def f(a, b='z'):\n    return [a, b, 'x', 1.5, None]\n",
    "a/two.py": "def f(a, b='z'):\n    return [a, b, 'x', 1.5, None]\n",
    "a/deeper/three.py": "class C:\n    '''x'''\n    y = lambda self: self.y\n",
    "a/tests/test_one.py": "assert True\n",
    "template.py": "{{ name }} = 1 +\n",
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name, text in MODULES.items():
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "site"


def compiled(site: Path, **environment: str) -> dict[str, bytes]:
    for cache in list(site.rglob("__pycache__")):
        shutil.rmtree(cache)
    command = [sys.executable, "-s", "-S", str(ROOT / "nix/debian/compile.py"), str(site), str(site.parent)]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "0", **environment})
    return {str(path.relative_to(site)).replace("__pycache__/", ""): path.read_bytes() for path in site.rglob("*.pyc")}


def test_the_bytes_do_not_depend_on_the_number_of_cores(site: Path) -> None:
    first = compiled(site, NIX_BUILD_CORES="1")
    for cores in ("2", "8", ""):
        assert compiled(site, NIX_BUILD_CORES=cores) == first


def test_tests_and_templates_get_none_and_places_are_cut(site: Path) -> None:
    found = compiled(site)
    tag = sys.implementation.cache_tag
    assert set(found) == {f"a/{name}.{tag}.pyc" for name in ("__init__", "one", "two", "deeper/three")}
    assert all(str(site.parent).encode() not in data for data in found.values())
    assert b"/site/a/one.py" in found[f"a/one.{tag}.pyc"]
