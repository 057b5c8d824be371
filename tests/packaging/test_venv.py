"""scripts/venv: exactly what the lock names, hashes checked, and a word of advice when it cannot be had.

The end-to-end tests give a copy of the script a project and a lock of their own, with wheels made here and served from a
directory or a loopback index: nothing leaves the machine.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import http.server
import os
import re
import runpy
import stat
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "venv"
VENV = runpy.run_path(str(SCRIPT))

BACKEND = """
import zipfile
def build_editable(folder, settings=None, metadata=None):
    name = "reprotest_ml-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        wheel.writestr("reprotest_ml.pth", "")
        info = "reprotest_ml-0.1.0.dist-info/"
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: reprotest-ml\\nVersion: 0.1.0\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "RECORD", "")
    return name
"""
PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


class TestSelection:
    PACKAGES = (
        {"name": "everywhere", "groups": ["main", "test"]},
        {"name": "windows", "groups": ["main"], "markers": 'sys_platform == "win32"'},
        {"name": "mixed", "groups": ["main", "test", "dev"], "markers": {"test": "A", "dev": "B"}},
        {"name": "other", "groups": ["zoo"]},
    )

    def select(self, *groups: str) -> dict[str, str]:
        return {package["name"]: marker for package, marker in VENV["select"](self.PACKAGES, set(groups))}

    def test_takes_the_packages_of_the_groups_and_no_others(self) -> None:
        assert set(self.select("zoo")) == {"other"}
        assert set(self.select("test")) == {"everywhere", "mixed"}

    def test_a_marker_of_the_package_holds_in_every_group(self) -> None:
        assert self.select("main")["windows"] == 'sys_platform == "win32"'

    def test_markers_by_group_are_joined_for_the_groups_asked_for(self) -> None:
        assert self.select("test")["mixed"] == "(A)"
        assert self.select("test", "dev")["mixed"] == "(A) or (B)"

    def test_a_group_without_a_marker_needs_the_package_always(self) -> None:
        assert self.select("main", "test")["mixed"] == ""

    def test_requirement_names_version_marker_and_every_hash(self) -> None:
        package = {"name": "a", "version": "1", "files": [{"hash": "sha256:00"}, {"hash": "sha256:11"}]}
        assert VENV["requirement"](package, "M").split() == [
            *("a==1", ";", "M"),
            *("\\", "--hash=sha256:00"),
            *("\\", "--hash=sha256:11"),
        ]


class Project:
    """A checkout with scripts/venv, and a directory of wheels that pip is told to look into."""

    def __init__(self, root: Path) -> None:
        self.root, self.wheels = root / "project", root / "wheels"
        (self.root / "scripts").mkdir(parents=True)
        self.wheels.mkdir()
        (self.root / "scripts" / "venv").write_bytes(SCRIPT.read_bytes())
        (self.root / "pyproject.toml").write_text(PYPROJECT)
        (self.root / "backend.py").write_text(BACKEND)
        self.packages: list[str] = []

    def wheel(self, name: str, version: str = "1.0", folder: Path | None = None) -> str:
        """Make a wheel of one empty module; return its sha256."""
        path = (folder or self.wheels) / f"{name}-{version}-py3-none-any.whl"
        path.parent.mkdir(parents=True, exist_ok=True)
        info = f"{name}-{version}.dist-info/"
        with zipfile.ZipFile(path, "w") as wheel:
            wheel.writestr(f"{name}.py", "")
            wheel.writestr(info + "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(info + "RECORD", "")
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def lock(self, name: str, digest: str, group: str = "main", version: str = "1.0", source: str = "") -> None:
        """Add a package to the lock."""
        self.packages = [entry for entry in self.packages if f'name = "{name}"' not in entry]
        file = f'{{file = "{name}-{version}-py3-none-any.whl", hash = "sha256:{digest}"}}'
        entry = f'[[package]]\nname = "{name}"\nversion = "{version}"\ngroups = ["{group}"]\nfiles = [{file}]\n'
        if source:
            entry += f'[package.source]\ntype = "legacy"\nurl = "{source}"\n'
        self.packages.append(entry)
        self.write_lock()

    def unlock(self, name: str) -> None:
        self.packages = [entry for entry in self.packages if f'name = "{name}"' not in entry]
        self.write_lock()

    def write_lock(self) -> None:
        (self.root / "poetry.lock").write_text("\n".join(self.packages))

    def make(self, *groups: str, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
        own = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)}
        command = [sys.executable, str(self.root / "scripts" / "venv"), *groups]
        return subprocess.run(
            command, env={**kept, **own, **environment}, capture_output=True, text=True, cwd=self.root.parent
        )

    def installed(self) -> set[str]:
        (site,) = (self.root / ".venv" / "lib").glob("python3*/site-packages")
        names = {re.sub(r"-.*", "", path.name) for path in site.glob("*.dist-info")}
        return names - {"pip", "reprotest_ml"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.lock("first", project.wheel("first"))
    project.lock("second", project.wheel("second"), group="extra")
    return project


def test_groups_are_added_and_kept_and_an_unchanged_lock_costs_nothing(project: Project) -> None:
    done = project.make("main")
    assert (done.returncode, project.installed()) == (0, {"first"}), done.stdout + done.stderr
    stamp = project.root / ".venv" / "locked.json"
    before = stamp.stat().st_mtime_ns
    done = project.make("main")
    assert (done.returncode, done.stdout, stamp.stat().st_mtime_ns) == (0, "", before)
    assert project.make("extra").returncode == 0
    assert project.installed() == {"first", "second"}
    assert project.make("main").stdout == ""


def test_no_argument_means_every_group(project: Project) -> None:
    assert project.make().returncode == 0
    assert project.installed() == {"first", "second"}
    assert project.make().stdout == ""


def test_what_the_lock_no_longer_names_goes_and_what_it_changed_is_replaced(project: Project) -> None:
    assert project.make().returncode == 0
    project.unlock("second")
    project.lock("first", project.wheel("first", "2.0"), version="2.0")
    assert project.make("main").returncode == 0
    assert project.installed() == {"first"}
    assert list((project.root / ".venv" / "lib").glob("python3*/site-packages/first-2.0.dist-info"))


def test_a_file_with_another_hash_is_refused_and_the_next_run_goes_on(project: Project) -> None:
    digest = project.wheel("third")
    project.lock("third", "0" * 64)
    done = project.make()
    assert done.returncode == 1
    assert "third" in done.stderr
    assert "third" not in project.installed()
    project.lock("third", digest)
    done = project.make()
    assert (done.returncode, project.installed()) == (0, {"first", "second", "third"}), done.stderr


def test_an_unknown_group_is_named_with_those_that_exist(project: Project) -> None:
    done = project.make("mian")
    assert done.returncode == 1
    assert "no group mian in poetry.lock; there are extra, main" in done.stderr


def test_pip_settings_that_lead_elsewhere_and_pythonpath_are_ignored(project: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    done = project.make("main", PIP_TARGET=str(elsewhere), PIP_USER="1", PYTHONPATH=str(elsewhere))
    assert (done.returncode, project.installed(), elsewhere.exists()) == (0, {"first"}, False), done.stderr


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """A loopback package index over tmp_path/index."""
    (tmp_path / "index").mkdir()
    handler = functools.partial(QuietHandler, directory=str(tmp_path / "index"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_a_package_with_its_own_index_comes_from_there_when_pip_has_it_nowhere(
    project: Project, tmp_path: Path, index: str
) -> None:
    project.lock("special", project.wheel("special", folder=tmp_path / "index" / "special"), source=index)
    # pip looks into the directory of wheels alone until it is told of the index.
    done = project.make("main", PIP_NO_INDEX="0", PIP_INDEX_URL=(tmp_path / "empty").as_uri())
    assert (done.returncode, project.installed()) == (0, {"first", "special"}), done.stderr


def test_a_package_with_its_own_index_is_first_looked_for_where_pip_looks(project: Project, tmp_path: Path) -> None:
    project.lock("special", project.wheel("special"), source="http://127.0.0.1:9/unreachable")
    done = project.make("main")
    assert (done.returncode, project.installed()) == (0, {"first", "special"}), done.stderr


def test_a_package_found_nowhere_is_named_with_what_to_do(project: Project) -> None:
    name = f"special-1.0-cp3{sys.version_info.minor}-none-{os.uname().machine}"
    project.lock("special", "0" * 64, source="http://127.0.0.1:9")
    lock = (project.root / "poetry.lock").read_text().replace("special-1.0-py3-none-any", name)
    (project.root / "poetry.lock").write_text(lock)
    done = project.make("main")
    assert done.returncode == 1
    assert "special 1.0 was found neither" in done.stderr
    assert f"{name}.whl" in done.stderr
    assert "PIP_FIND_LINKS=FOLDER" in done.stderr


def pretend(statements: str, path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run scripts/venv after these statements, with `path` as the whole PATH."""
    program = f"import os, runpy, sys\n{statements}\nsys.argv = [{str(SCRIPT)!r}, *sys.argv[1:]]\n"
    program += f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], env={"PATH": str(path)}, capture_output=True, text=True
    )


def fake(path: Path, name: str, script: str) -> None:
    """An executable shell script `name` in the folder `path`."""
    path.mkdir(exist_ok=True)
    (path / name).write_text(f"#!/bin/sh\n{script}\n")
    (path / name).chmod(stat.S_IRWXU)


class TestOldPython:
    OLD = "sys.version_info = (3, 9, 2, 'final', 0); sys.version = '3.9.2 (old)'"

    def test_without_another_it_says_what_is_needed(self, tmp_path: Path) -> None:
        done = pretend(self.OLD, tmp_path)
        assert done.returncode == 1
        assert "Python 3.11 to 3.13 is needed" in done.stderr
        assert "3.9.2" in done.stderr
        assert "make PYTHON=" in done.stderr

    def test_it_goes_on_under_a_newer_one_that_works(self, tmp_path: Path) -> None:
        fake(tmp_path, "python3.11", "exit 127")
        fake(tmp_path, "python3.12", '[ "$1" = -c ] || echo "3.12 runs $2"')
        done = pretend(self.OLD, tmp_path, "main")
        assert (done.returncode, done.stdout) == (0, "3.12 runs main\n")

    def test_the_script_compiles_under_python_3_6_syntax(self) -> None:
        ast.parse(SCRIPT.read_text(), feature_version=(3, 6))


class TestMissingEnsurepip:
    MISSING = "sys.modules['ensurepip'] = None; os.geteuid = lambda: {user}\nimport subprocess"

    def copy(self, project: Project, statements: str, path: Path) -> subprocess.CompletedProcess[str]:
        script = project.root / "scripts" / "venv"
        text = script.read_text().replace("\nimport fcntl\n", f"\nimport fcntl, os, sys\n{statements}\n", 1)
        script.write_text(text)
        return subprocess.run([sys.executable, str(script)], env={"PATH": str(path)}, capture_output=True, text=True)

    def test_a_user_is_told_the_command(self, project: Project, tmp_path: Path) -> None:
        done = self.copy(project, self.MISSING.format(user=1000), tmp_path)
        assert done.returncode == 1
        assert f"sudo apt-get install -y --no-install-recommends python3.{sys.version_info.minor}-venv" in done.stderr

    def test_root_has_it_installed_and_a_failure_is_said(self, project: Project, tmp_path: Path) -> None:
        log = tmp_path / "log"
        fake(tmp_path / "bin", "apt-get", f'echo "$@" >> {log}; [ "$1" = update ]')
        done = self.copy(project, self.MISSING.format(user=0), tmp_path / "bin")
        package = f"python3.{sys.version_info.minor}-venv"
        assert log.read_text().splitlines() == ["update -q", f"install -y --no-install-recommends {package}"]
        assert done.returncode == 1
        assert f"{package}' failed" in done.stderr
