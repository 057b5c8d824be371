"""Prefetch: where files come from, what it says when they cannot be had, bundles. With a store of the test's own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT, SYSTEM, Nix

pytestmark = [pytest.mark.nix, pytest.mark.xdist_group("nix")]

FLAKE = """
{ outputs = { self }: { x = derivation {
  name = "uses-pins"; system = "SYSTEM"; builder = "/bin/sh";
  files =
    let
      lock.seed = { sha256 = "SEED"; debs = [ ]; members = { }; };
      pin = import ./pin.nix { system = "SYSTEM"; inherit lock; };
    in
    map (f: pin.${f.kind} f) (builtins.fromJSON (builtins.readFile ./pins.json));
}; }; }
"""


def empty_seed(folder: Path) -> str:
    """The hash of a seed without programs."""
    (folder / "seed/bin").mkdir(parents=True)
    (folder / "seed/bin/sh").symlink_to("bash")
    return subprocess.run(
        ["nix-hash", "--type", "sha256", folder / "seed"], check=True, text=True, capture_output=True
    ).stdout.strip()


class Prefetch:
    """prefetch on a flake of some pins, with a Nix store, a home and a PATH of its own."""

    def __init__(self, folder: Path, nix: Nix) -> None:
        self.folder = folder
        self.bin, self.files = folder / "bin", folder / "files"
        for directory in (self.bin, self.files, folder / "flake"):
            directory.mkdir()
        self.environment = nix.environment | {
            "HOME": str(folder),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "XDG_STATE_HOME": str(folder / "state"),
            "NIX_STATE_DIR": str(folder / "var"),
            "NIX_STORE_DIR": str(folder / "store"),
            "NIX_LOG_DIR": str(folder / "log"),
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(folder / "nothing"),
        }
        flake = folder / "flake"
        shutil.copy(ROOT / "nix/debian/pin.nix", flake)
        (flake / "flake.nix").write_text(FLAKE.replace("SYSTEM", SYSTEM).replace("SEED", empty_seed(folder)))
        self.command("apt-get", "echo 'E: Version not found' >&2; exit 100")
        self.command("debsnap", "echo 'debsnap: no such version' >&2; exit 2")

    def command(self, name: str, script: str) -> None:
        """Put a program before the host's."""
        (self.bin / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.bin / name).chmod(0o755)

    def pin(self, kind: str, file: str, text: str, **facts: str) -> dict[str, str]:
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        return {"kind": kind, "file": file, "sha256": sha256, "version": "1.0", **facts}

    def run(self, pins: list[dict[str, str]], *words: str) -> subprocess.CompletedProcess[str]:
        flake = self.folder / "flake"
        (flake / "pins.json").write_text(json.dumps(pins))
        command = [sys.executable, str(ROOT / "nix/debian/prefetch"), f"path:{flake}#x", *words]
        return subprocess.run(command, text=True, capture_output=True, env=self.environment, cwd=self.folder)

    def stored(self) -> set[str]:
        store = self.folder / "store"
        return {p.name.split("-", 1)[1] for p in store.glob("*-*") if not p.name.endswith((".drv", "-source"))}


@pytest.fixture
def prefetch(tmp_path: Path, nix: Nix) -> Prefetch:
    return Prefetch(tmp_path, nix)


def test_files_of_a_directory_are_taken_and_once_is_enough(prefetch: Prefetch) -> None:
    pins = [
        prefetch.pin("deb", "a_1%3a1.0~rc1_amd64.deb", "A", package="a"),
        prefetch.pin("wheel", "b-1.0+cpu-py3-none-any.whl", "B", name="b"),
    ]
    for pin, text in zip(pins, "AB", strict=True):
        (prefetch.files / pin["file"]).write_text(text)
    done = prefetch.run(pins, "--from", str(prefetch.files))
    assert done.returncode == 0, done.stderr
    assert "3 files are in the Nix store, 3 of them new" in done.stderr
    assert {"a_1-1.0-rc1_amd64.deb", "b-1.0+cpu-py3-none-any.whl", "debian-seed"} <= prefetch.stored()
    assert len(list((prefetch.folder / "state/reprotest/pins").iterdir())) == 3
    assert "3 files are in the Nix store, 0 of them new" in prefetch.run(pins).stderr


def test_what_cannot_be_had_is_named_all_at_once_with_what_to_do(prefetch: Prefetch) -> None:
    pins = [
        prefetch.pin("deb", "a_1.0_amd64.deb", "A", package="a"),
        prefetch.pin("deb", "c_1.0_amd64.deb", "C", package="c"),
        prefetch.pin("wheel", "b-1.0-py3-none-any.whl", "B", name="b"),
    ]
    (prefetch.files / "c_1.0_amd64.deb").write_text("C")
    done = prefetch.run(pins, "--from", str(prefetch.files))
    assert done.returncode == 1
    (sentence,) = done.stderr.strip().splitlines()
    assert "a 1.0 is not on this host's Debian mirror, nor in the snapshot archive" in sentence
    assert "make prefetch UPDATE=1" in sentence
    assert "the wheel b-1.0-py3-none-any.whl could not be had" in sentence
    assert sentence.endswith("Put the files into a directory and run: make prefetch FROM=DIR")
    assert "c_1.0_amd64.deb" in prefetch.stored(), "a half-finished prefetch goes on where it stopped"


def test_apt_is_asked_for_the_exact_version(prefetch: Prefetch) -> None:
    pin = prefetch.pin("deb", "a_1%3a1.0_amd64.deb", "A", package="a") | {"version": "1:1.0"}
    prefetch.command(
        "apt-get", """case "$*" in *"download a=1:1.0"*) printf A >a_1%3a1.0_amd64.deb ;; *) exit 100 ;; esac"""
    )
    done = prefetch.run([pin])
    assert done.returncode == 0, done.stderr


def test_the_snapshot_archive_is_asked_last(prefetch: Prefetch) -> None:
    """debsnap knows where it is; it is asked only for what the mirror has dropped."""
    pins = [
        prefetch.pin("deb", "a_1.0_amd64.deb", "A", package="a"),
        prefetch.pin("deb", "c_1.0_all.deb", "C", package="c"),
    ]
    prefetch.command("apt-get", """case "$*" in *"download c=1.0") printf C >c_1.0_all.deb ;; *) exit 100 ;; esac""")
    prefetch.command("debsnap", f'echo "$*" >>{prefetch.folder}/asked; printf A >"$3/a_1.0_amd64.deb"')
    done = prefetch.run(pins)
    assert done.returncode == 0, done.stderr
    asked = (prefetch.folder / "asked").read_text()
    assert asked.endswith("--architecture amd64 a 1.0\n")
    assert asked.count("\n") == 1


def test_another_file_than_the_pinned_one_is_refused(prefetch: Prefetch) -> None:
    pin = prefetch.pin("wheel", "b-1.0-py3-none-any.whl", "B", name="b")
    (prefetch.files / pin["file"]).write_text("something else")
    done = prefetch.run([pin], "--from", str(prefetch.files))
    assert done.returncode == 1
    assert f"the lock says {pin['sha256']}" in done.stderr
    assert pin["file"] not in prefetch.stored()


def test_a_file_that_was_cut_short_is_fetched_again(prefetch: Prefetch) -> None:
    pin = prefetch.pin("wheel", "b-1.0-py3-none-any.whl", "whole", name="b")
    cache = prefetch.folder / "cache/reprotest/prefetch"
    cache.mkdir(parents=True)
    (cache / pin["file"]).write_text("who")
    (prefetch.files / pin["file"]).write_text("whole")
    done = prefetch.run([pin], "--from", str(prefetch.files))
    assert done.returncode == 0, done.stderr


def test_a_bundle_carries_the_files_to_a_machine_without_a_mirror(
    prefetch: Prefetch, nix: Nix, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pin = prefetch.pin("wheel", "b-1.0-py3-none-any.whl", "B", name="b")
    (prefetch.files / pin["file"]).write_text("B")
    bundle = prefetch.folder / "bundle"
    assert prefetch.run([pin], "--from", str(prefetch.files), "--bundle", str(bundle)).returncode == 0
    # A store path names its store directory, so the other machine has the same one.
    shutil.rmtree(prefetch.folder / "state")
    subprocess.run(["chmod", "-R", "u+w", prefetch.folder / "store"], check=True)
    shutil.rmtree(prefetch.folder / "store")
    shutil.rmtree(prefetch.folder / "var")
    assert prefetch.run([pin], "--unbundle", str(bundle)).returncode == 0
    assert "2 files are in the Nix store, 0 of them new" in prefetch.run([pin]).stderr
    bundle.write_bytes(bundle.read_bytes()[:50])
    done = prefetch.run([pin], "--unbundle", str(bundle))
    assert done.returncode == 1
    assert "is not a whole bundle" in done.stderr


def test_a_full_disk_is_one_sentence(prefetch: Prefetch) -> None:
    pin = prefetch.pin("wheel", "b-1.0-py3-none-any.whl", "B", name="b")
    (prefetch.files / pin["file"]).write_text("B")
    prefetch.command(
        "nix-store",
        """case "$*" in *--add-fixed*)
        echo "error: writing to file: No space left on device" >&2; exit 1 ;; esac
    exec """
        + str(shutil.which("nix-store"))
        + ' "$@"',
    )
    done = prefetch.run([pin], "--from", str(prefetch.files))
    assert done.returncode == 1
    assert "the disk is full" in done.stderr
    assert "nix-collect-garbage" in done.stderr


def test_no_mirror_is_named() -> None:
    """Files come through the clients that the host has; where these look is the host's affair."""
    hosts = [".".join(words) for words in (("debian", "org"), ("pypi", "org"), ("pythonhosted", "org"))]
    for path in (ROOT / "nix").rglob("*"):
        if path.suffix in (".py", ".nix", ".sh", ".json", ".conf") or path.name == "run":
            assert not [host for host in hosts if host in path.read_text()], path
