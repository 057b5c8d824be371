"""poetry2nix's own functions on our locks. Its source is not ours and not downloaded: where it lies is said by

REPROTEST_POETRY2NIX=PATH     a checkout of nix-community/poetry2nix at the revision of flake.lock
REPROTEST_NIXPKGS_LIB=PATH    nixpkgs' lib folder, which its functions are written with
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from .conftest import ROOT, Nix

pytestmark = [pytest.mark.nix, pytest.mark.xdist_group("nix")]


def path_of(variable: str, what: str) -> str:
    path = os.environ.get(variable)
    if not path:
        pytest.skip(f"{variable} does not say where {what} lies")
    return path


@pytest.fixture
def poetry2nix() -> str:
    return path_of("REPROTEST_POETRY2NIX", "poetry2nix's source")


@pytest.fixture
def lib() -> str:
    return path_of("REPROTEST_NIXPKGS_LIB", "nixpkgs' lib folder")


def test_the_locked_hash_is_that_of_the_source(nix: Nix, poetry2nix: str) -> None:
    locked = json.loads((ROOT / "flake.lock").read_text())["nodes"]["poetry2nix"]["locked"]
    assert nix.output("hash", "path", poetry2nix) == locked["narHash"]


@pytest.mark.parametrize(
    ("folder", "groups"), [(".", ["main", "test"]), ("nix/cuda", ["main", "test"]), ("nix/tools", ["main"])]
)
def test_it_chooses_the_wheels_that_the_debian_base_chooses(
    nix: Nix, poetry2nix: str, lib: str, folder: str, groups: list[str]
) -> None:
    """Every wheel name of the lock is parsed, so that one which stops its evaluation is found here."""
    names = " ".join(f'"{group}"' for group in groups)
    theirs, ours = nix.eval(f"""
      let
        lib = import {lib};
        inherit ((import {poetry2nix}/vendor/pyproject.nix {{ inherit lib; }}).lib) pypa;
        platform = lib.systems.elaborate "x86_64-linux";
        python.passthru = {{ sourceVersion = {{ major = "3"; minor = "11"; }}; implementation = "cpython"; }};
        python.stdenv = {{ targetPlatform = platform; cc.libc = {{ pname = "glibc"; version = "2.40"; }}; }};
        lock = builtins.fromTOML (builtins.readFile {ROOT}/{folder}/poetry.lock);
        ours = import {ROOT}/nix/debian/poetry-lock.nix {{
          lockFile = {ROOT}/{folder}/poetry.lock; groups = [ {names} ]; extras = [ "*" ];
        }};
        wheels = package: builtins.filter pypa.isWheelFileName (map (f: f.file) package.files);
        chosen = package: builtins.head (pypa.selectWheels platform python (map pypa.parseWheelFileName (wheels package)));
        all = builtins.listToAttrs (map (p: {{ inherit (p) name; value = p; }}) lock.package);
      in
      [ (map (w: (chosen all.${{w.name}}).filename) ours) (map (w: w.file) ours) ]
    """)
    # Of two wheels for one interpreter it takes either; the Debian base takes the narrower ABI, as pip does.
    theirs = [name.replace("-cp311-abi3-", "-cp311-cp311-") for name in theirs]
    assert theirs == ours
    assert len(ours) > 20


def test_every_wheel_name_of_the_locks_can_be_parsed(nix: Nix, poetry2nix: str, lib: str) -> None:
    for folder in (".", "nix/cuda", "nix/notebook", "nix/tools", "templates/default"):
        count = nix.eval(f"""
          let
            lib = import {lib};
            inherit ((import {poetry2nix}/vendor/pyproject.nix {{ inherit lib; }}).lib) pypa;
            lock = builtins.fromTOML (builtins.readFile {ROOT}/{folder}/poetry.lock);
            files = builtins.concatMap (p: map (f: f.file) p.files) lock.package;
            wheels = builtins.filter pypa.isWheelFileName files;
          in
          builtins.length (builtins.filter (f: builtins.deepSeq (pypa.parseWheelFileName f) true) wheels)
        """)
        assert count > 20, folder


def test_its_signature_has_every_argument_that_we_pass(nix: Nix, poetry2nix: str) -> None:
    """The stand-in of tests/nix/standin must not promise what poetry2nix does not have."""
    standin = f"builtins.functionArgs (import {ROOT}/tests/nix/standin {{ pkgs = null; }}).mkPoetryEnv"
    passed = set(nix.eval(standin))
    signature = Path(poetry2nix, "default.nix").read_text().split("mkPoetryEnv =", 1)[1].split("}:", 1)[0]
    assert {name for name in passed if f"{{ {name} ?" in signature or f", {name} ?" in signature} == passed
