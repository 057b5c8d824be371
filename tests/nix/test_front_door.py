"""nix/run: which base it takes, and the sentences with which it ends when something is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import ROOT

HOST = [
    "bash",
    "sh",
    "env",
    "cat",
    "cp",
    "mkdir",
    "sed",
    "sort",
    "head",
    "dirname",
    "sha256sum",
    "mktemp",
    "tee",
    "rm",
    "grep",
]


class Door:
    """nix/run with a PATH of the test's own, on which stand-ins record what they were asked."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin = folder, folder / "bin"
        self.bin.mkdir()
        for name in HOST:
            (self.bin / name).symlink_to(str(shutil.which(name)))
        self.has("nix", 'case "$1" in --version) echo "nix (Nix) 2.8.0" ;; esac')
        self.has("unshare")
        self.has("id", "echo 0")
        self.has("python3")

    def has(self, name: str, script: str = "exit 0") -> None:
        (self.bin / name).write_text(f'#!/bin/sh\necho "{name} $*" >>{self.folder}/asked\n{script}\n')
        (self.bin / name).chmod(0o755)

    def lacks(self, name: str) -> None:
        (self.bin / name).unlink()

    def run(self, *words: str, base: str = "debian") -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.bin), "HOME": str(self.folder), "BASE": base}
        command = [str(ROOT / "nix/run"), *words]
        return subprocess.run(command, text=True, capture_output=True, env=environment)

    def fails(self, *words: str, base: str = "debian") -> str:
        """The last line of what it says when it must fail."""
        done = self.run(*words, base=base)
        assert done.returncode == 1, done
        return done.stderr.strip().splitlines()[-1]

    def asked(self) -> str:
        return (self.folder / "asked").read_text()


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)


def test_without_nix_and_root_it_says_what_to_install(door: Door) -> None:
    door.lacks("nix")
    door.has("id", "echo 1000")
    door.has("apt-get")
    assert "Nix is not installed. On Debian: sudo apt-get install nix-bin" in door.fails("check")
    assert "apt-get" not in door.asked()


def test_as_root_on_debian_it_installs_nix(door: Door) -> None:
    door.lacks("nix")
    door.has("dpkg-query", "echo unknown")
    nix = door.bin / "nix"
    door.has("chmod", f'exec {shutil.which("chmod")} "$@"')
    door.has("apt-get", f"[ $2 != install ] || {{ printf '#!/bin/sh\\necho nix 2.8.0\\n' >{nix}; chmod +x {nix}; }}")
    assert door.run("check").returncode == 0
    assert "install -y --no-install-recommends nix-bin" in door.asked()


def test_a_nix_that_is_too_old_is_named_with_what_is_expected(door: Door) -> None:
    door.has("nix", 'echo "nix (Nix) 2.3.16"')
    assert "Nix 2.3.16 is too old for this flake; expected 2.8 or newer" in door.fails("check")


def test_a_host_without_user_namespaces_is_told_the_setting(door: Door) -> None:
    door.has("unshare", "exit 1")
    assert "sudo sysctl user.max_user_namespaces" in door.fails("check")


def test_an_unknown_base_and_an_unknown_command_are_refused(door: Door) -> None:
    assert "BASE=fedora is not known: nixpkgs, debian or auto" in door.fails("check", base="fedora")
    assert "frobnicate is no command of nix/run" in door.fails("frobnicate")


@pytest.mark.parametrize(
    ("reachable", "flake", "said"),
    [
        (True, ".", "base nixpkgs: github.com and cache.nixos.org can be reached"),
        (False, "./nix/debian", "base Debian: github.com cannot be reached"),
    ],
)
def test_auto_takes_nixpkgs_where_it_can_be_had_and_says_why(
    door: Door, reachable: bool, flake: str, said: str
) -> None:
    door.has("python3", "exit 0" if reachable else '[ "$1" != - ] || { echo github.com; exit 1; }')
    done = door.run("check", base="auto")
    assert done.returncode == 0, done.stderr
    assert said in done.stderr
    assert f"nix flake check --keep-going {flake}\n" in door.asked()
    assert ("python3 nix/debian/prefetch" in door.asked()) == (not reachable)


@pytest.mark.parametrize(
    ("log", "remedy"),
    [
        ("error: writing to file: No space left on device", "the disk is full"),
        ("> not in the Nix store: libc6.deb. To bring it", "make prefetch"),
        ("unable to download 'file:///the-seed-is-missing--run--make-prefetch'", "make prefetch"),
        ("error: poetry.lock is out of step with pyproject.toml in /x", "make relock"),
        ("error: hash mismatch in fixed-output derivation", "make prefetch UPDATE=1"),
        ("this system does not support the kernel namespaces that are required", "user.max_user_namespaces"),
        ("error: builder for check-tests.drv failed", "nix flake failed, see above"),
    ],
)
def test_a_failure_ends_with_what_helps(door: Door, log: str, remedy: str) -> None:
    door.has("nix", f'case "$1" in --version) echo "nix 2.8.0" ;; *) echo "{log}" >&2; exit 1 ;; esac')
    assert remedy in door.fails("check")


def test_settings_are_our_own_and_the_machines_stay_as_they_are(door: Door) -> None:
    door.has("nix", f'case "$1" in --version) echo "nix 2.8.0" ;; *) echo "$NIX_CONF_DIR" >{door.folder}/used ;; esac')
    assert door.run("check").returncode == 0
    used = Path((door.folder / "used").read_text().strip())
    assert used.is_relative_to(door.folder)
    assert "sandbox = true" in (used / "nix.conf").read_text()


@pytest.mark.skipif(not os.access("/nix/store", os.W_OK), reason="/nix/store cannot be written, which is said first")
def test_packages_that_cannot_be_installed_are_named(door: Door) -> None:
    door.has("id", "echo 1000")
    door.has("dpkg-query", "exit 1")
    door.has("apt-get")
    done = door.run("ready")
    assert done.returncode == 1
    assert "sudo apt-get install --no-install-recommends podman runc skopeo shellcheck" in done.stderr
