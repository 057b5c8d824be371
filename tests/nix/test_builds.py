"""Builds for real, offline and in the sandbox: every check, and the same bits again and again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Nix, clone

pytestmark = [pytest.mark.nix, pytest.mark.slow, pytest.mark.xdist_group("nix"), pytest.mark.timeout(1800)]

REPRODUCIBLE = ["env", "container-archive", "sbom", "default"]


def test_every_check_of_the_flake_passes(built: Nix) -> None:
    done = built.run("flake", "check", "--keep-going", "-L", built.flake)
    assert done.returncode == 0, done.stderr[-6000:]


@pytest.mark.parametrize(
    ("cores", "mask", "zone", "locale"), [("1", 0o077, "Asia/Tokyo", "C"), ("8", 0o002, "", "de_DE.UTF-8")]
)
def test_every_step_of_the_image_rebuilds_bit_identically(
    built: Nix, cores: str, mask: int, zone: str, locale: str
) -> None:
    """From the root file system to the archive; Nix compares each with what was built first.

    One clean rebuild proves little, since races do not show every time: with the one below there are three.
    """
    steps = [path for path in closure(built, archive_of(built)) if path.endswith(".drv") and not is_pin(path[:-4])]
    assert len(steps) > 15
    built.output("build", "--no-link", *steps, timeout=1200)
    old = os.umask(mask)
    try:
        command = ["build", "--no-link", "--rebuild", "--cores", cores, *steps]
        done = built.run(*command, env=built.environment | {"TZ": zone, "LC_ALL": locale}, timeout=1200)
    finally:
        os.umask(old)
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user may enter, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="reprotest-"))
    folder.chmod(0o777)
    yield folder
    subprocess.run(["chmod", "-R", "u+w", folder], check=True)
    shutil.rmtree(folder)


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become another user")
def test_another_user_in_another_store_gets_the_same_bits(built: Nix, open_folder: Path) -> None:
    """All from the pinned files anew, by a user without rights, with another umask, locale, time zone and core count."""
    derivation = archive_of(built)
    store, configuration, home = (open_folder / name for name in ("store", "configuration", "home"))
    pinned = [path for path in closure(built, derivation) if is_pin(path)]
    built.output("copy", "--derivation", "--to", str(store), derivation)
    built.output("copy", "--no-check-sigs", "--to", str(store), *pinned)
    shutil.copytree(built.environment["NIX_CONF_DIR"], configuration)
    configuration.chmod(0o755)
    home.mkdir()
    subprocess.run(["chown", "-R", "65534:65534", store, home], check=True)
    become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", 'umask 077; exec "$@"', "sh"]
    settings = {
        "HOME": str(home),
        "NIX_CONF_DIR": str(configuration),
        "USER": "nobody",
        "TZ": "Asia/Tokyo",
        "LC_ALL": "C",
    }
    words = ["nix", "build", "--store", str(store), "--no-link", "--cores", "1", derivation]
    environment = built.environment | settings
    done = subprocess.run([*become, *words], cwd="/", env=environment, text=True, capture_output=True, timeout=1200)
    assert done.returncode == 0, done.stderr[-4000:]
    for attribute in REPRODUCIBLE:
        path = built.build(attribute)
        assert nar_hash(built, path, "--store", str(store)) == nar_hash(built, path)


def archive_of(nix: Nix) -> str:
    """The archive's derivation: what all of the image's steps lead to."""
    return nix.output("eval", "--raw", f"{nix.flake}#container-archive.drvPath")


def closure(nix: Nix, derivation: str) -> list[str]:
    command = ["nix-store", "--query", "--requisites", "--include-outputs", derivation]
    return subprocess.run(command, check=True, text=True, capture_output=True, env=nix.environment).stdout.split()


def is_pin(path: str) -> bool:
    return path.endswith((".deb", ".whl", "-debian-seed"))


def nar_hash(nix: Nix, path: str, *options: str) -> str:
    (info,) = json.loads(nix.output("path-info", "--json", *options, path))
    return info["narHash"]


def test_the_shell_starts_and_has_what_a_developer_needs(built: Nix) -> None:
    script = "python -c 'import torch, reprotest' && command -v python pytest reprotest && python -m reprotest --help"
    done = built.run("develop", built.flake, "--command", "sh", "-c", script)
    assert done.returncode == 0, done.stderr[-4000:]
    python, pytest_, reprotest, *help_text = done.stdout.splitlines()
    environment = built.output("eval", "--raw", f"{built.flake}#env")
    assert (python, pytest_) == (f"{environment}/bin/python", f"{environment}/bin/pytest")
    assert reprotest.startswith("/nix/store/")
    assert any("run" in line for line in help_text)
    assert "NVIDIA driver" in done.stderr, "whether there is a GPU is said"


def test_the_shell_sets_what_holds_factors_still(built: Nix) -> None:
    wanted = json.loads((built.checkout / "nix/variables.json").read_text())
    script = "python -c 'import json, os; print(json.dumps(dict(os.environ)))'"
    found = json.loads(built.output("develop", built.flake, "--command", "sh", "-c", script))
    assert {name: found.get(name) for name in wanted} == wanted
    assert found["TZ"] == "UTC"
    assert found["SSL_CERT_FILE"].startswith("/nix/store/")


def test_hostile_settings_of_the_host_do_not_reach_the_interpreter(built: Nix, tmp_path: Path) -> None:
    """Another libc, another prefix, a locale that does not exist, and a sh that is not ours."""
    (tmp_path / "libc.so.6").write_text("not a library")
    (tmp_path / "sh").write_text("#!/bin/false\n")
    environment = {
        "PATH": str(tmp_path),
        "LD_LIBRARY_PATH": str(tmp_path),
        "PYTHONHOME": "",
        "LC_ALL": "xx_YY.UTF-8",
        "BASH_ENV": str(tmp_path / "nothing"),
    }
    python = built.output("eval", "--raw", f"{built.flake}#env") + "/bin/python"
    code = (
        "import multiprocessing as m, subprocess, sys; print(sys.prefix); m.set_start_method('spawn'); "
        "print(subprocess.run([sys.executable, '-c', 'import numpy, sys; print(sys.prefix)']).returncode)"
    )
    done = subprocess.run([python, "-c", code], env=environment, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.splitlines() == [str(Path(python).parents[1])] * 2 + ["0"]


def test_the_launcher_changes_nothing_but_the_library_path(built: Nix) -> None:
    """Of environment, arguments and name; a shell script in its place would add PWD and SHLVL."""
    python = built.build("env") + "/bin/python"
    code = "import json, os, sys; print(json.dumps([dict(os.environ), sys.argv, sys.executable]))"
    for environment in ({}, {"A": "ü =\n", "EMPTY": "", "PYTHONHASHSEED": "0"}):
        words = ["-c", code, "a b", "", "*"]
        done = subprocess.run([python, *words], env=environment, check=True, text=True, capture_output=True)
        found, argv, executable = json.loads(done.stdout)
        found.pop("LC_CTYPE", None)  # Python's own, where no locale is set
        assert (found, argv, executable) == (environment, ["-c", "a b", "", "*"], python)
    for libraries, expected in (("/driver", ":/driver"), ("", "")):
        done = subprocess.run(
            [python, "-c", "print(open('/proc/self/cmdline').read().split(chr(0))[5])"],
            env={"NIX_DRIVER_LIBS": libraries, "NIX_DRIVER_LIBX": "/wrong"},
            check=True,
            text=True,
            capture_output=True,
        )
        assert done.stdout.strip().endswith("/usr/lib/x86_64-linux-gnu" + expected)


def test_a_lock_out_of_step_ends_in_one_sentence(built: Nix, tmp_path: Path) -> None:
    copy = Nix(clone(built.checkout, tmp_path / "copy"), Path(built.environment["NIX_CONF_DIR"]))
    pyproject = copy.checkout / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('click = ">=8.1"', 'click = ">=8.0"'))
    done = copy.run("build", "--no-link", "./nix/debian#env")
    assert done.returncode != 0
    assert "poetry.lock is out of step with pyproject.toml" in done.stderr


def test_a_missing_file_says_what_to_run(built: Nix, tmp_path: Path) -> None:
    """A store that has the seed but not the packages."""
    derivation = built.output("eval", "--raw", f"{built.flake}#env.drvPath")
    store = tmp_path / "store"
    seed = [path for path in closure(built, derivation) if path.endswith("-debian-seed")]
    built.output("copy", "--derivation", "--to", str(store), derivation)
    built.output("copy", "--no-check-sigs", "--to", str(store), *seed)
    done = built.run("build", "--store", str(store), "--no-link", derivation)
    assert done.returncode != 0
    assert "not in the Nix store: " in done.stderr
    assert "make prefetch" in done.stderr
