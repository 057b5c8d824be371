"""The newest Nix of Debian builds what Debian 12's builds, bit for bit.

Asked for by REPROTEST_NEWEST_NIX=1, since it makes a Debian sid by debootstrap (as root, some 400 MB) and builds everything
anew in a store of its own. sid's nix is started through sid's loader, not in a chroot, where no sandbox can be made.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Nix
from .test_builds import REPRODUCIBLE, closure, is_pin, nar_hash

pytestmark = [pytest.mark.nix, pytest.mark.slow, pytest.mark.xdist_group("nix"), pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def newest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The words that start the newest Nix."""
    if os.environ.get("REPROTEST_NEWEST_NIX") != "1":
        pytest.skip("REPROTEST_NEWEST_NIX=1 asks for it: it makes a Debian sid and builds everything anew")
    if os.getuid() != 0 or shutil.which("debootstrap") is None:
        pytest.skip("it needs root and debootstrap; on Debian: apt-get install debootstrap")
    root = tmp_path_factory.mktemp("sid")
    command = ["debootstrap", "--variant=minbase", "--include=nix-bin", "sid", str(root)]
    done = subprocess.run(command, text=True, capture_output=True)
    if not (root / "usr/bin/nix").exists():
        pytest.skip(f"Debian sid could not be made: {done.stdout.strip().splitlines()[-1:]}")
    libraries = f"{root}/usr/lib/x86_64-linux-gnu"
    loader = f"{libraries}/ld-linux-x86-64.so.2"
    yield [loader, "--argv0", "nix", "--library-path", libraries, f"{root}/usr/bin/nix"]
    shutil.rmtree(root, ignore_errors=True)


def test_the_newest_nix_builds_the_same_bits(built: Nix, newest: list[str], tmp_path: Path) -> None:
    def run(*words: str) -> str:
        environment = built.environment | {"HOME": str(tmp_path)}
        done = subprocess.run([*newest, *words], cwd=built.checkout, env=environment, text=True, capture_output=True)
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout.strip()

    assert run("--version") != built.output("--version")
    derivations = {}
    for attribute in REPRODUCIBLE:
        derivations[attribute] = run("eval", "--raw", f"./nix/debian#{attribute}.drvPath")
        assert derivations[attribute] == built.output("eval", "--raw", f"./nix/debian#{attribute}.drvPath")

    store = str(tmp_path / "store")
    derivation = derivations["container-archive"]
    built.output("copy", "--derivation", "--to", store, derivation)
    pins = [path for path in closure(built, derivation) if is_pin(path)]
    built.output("copy", "--no-check-sigs", "--to", store, *pins)
    # Its helper programs would need sid's loader as well; there is nothing to build elsewhere.
    run("build", "--option", "build-hook", "", "--store", store, "--no-link", f"{derivation}^out")
    for attribute in REPRODUCIBLE:
        path = built.build(attribute)
        assert nar_hash(built, path, "--store", store) == nar_hash(built, path)
    subprocess.run(["chmod", "-R", "u+w", store], check=True)
    shutil.rmtree(store)
