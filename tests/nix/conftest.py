"""What the tests of the flake share: Nix with the flake's own settings, and the pinned files."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SYSTEM = "x86_64-linux"


class Nix:
    """Nix with nix/conf's settings, on one checkout."""

    def __init__(self, checkout: Path, configuration: Path) -> None:
        self.checkout = checkout
        self.flake = f"{checkout}/nix/debian"
        self.environment = {**os.environ, "NIX_CONF_DIR": str(configuration)}

    def run(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Start nix; the caller looks at the exit status."""
        options = {"env": self.environment, "cwd": self.checkout, **options}
        return subprocess.run(["nix", *words], text=True, capture_output=True, **options)

    def output(self, *words: str, **options: Any) -> str:
        """Start nix, which must succeed; what it printed."""
        done = self.run(*words, **options)
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout.strip()

    def eval(self, expression: str, *arguments: str) -> Any:
        """The value of an expression that may read the checkout and nothing else."""
        return json.loads(self.output("eval", "--json", "--impure", *arguments, "--expr", expression))

    def fails(self, expression: str) -> str:
        """What nix says when it evaluates an expression that must not evaluate."""
        done = self.run("eval", "--json", "--impure", "--expr", expression)
        assert done.returncode != 0, f"evaluated to {done.stdout}"
        return done.stderr

    def build(self, attribute: str, *options: str) -> str:
        """Build an attribute of the flake; its store path."""
        return self.output("build", "--no-link", "--json", f"{self.flake}#{attribute}", *options, timeout=1500) and (
            self.output("eval", "--raw", f"{self.flake}#{attribute}")
        )


@pytest.fixture(scope="session")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The flake's own settings, and no registry."""
    folder = tmp_path_factory.mktemp("nix-conf")
    (folder / "registry.json").write_text('{"version": 2, "flakes": []}')
    settings = (ROOT / "nix/conf/nix.conf").read_text()
    (folder / "nix.conf").write_text(f"{settings}\nflake-registry = {folder}/registry.json\n")
    return folder


@pytest.fixture(scope="session")
def nix(configuration: Path) -> Nix:
    """Nix on this checkout, for evaluation; skips where Nix is missing."""
    if shutil.which("nix") is None:
        pytest.skip("Nix is not installed; on Debian: apt-get install nix-bin")
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("no git checkout: the flake's files are those that git knows")
    return Nix(ROOT, configuration)


@pytest.fixture(scope="session")
def built(nix: Nix, configuration: Path, tmp_path_factory: pytest.TempPathFactory) -> Nix:
    """Nix on a copy of this checkout (an edit during the tests must not change it) with the pinned files in the store.

    Where the mirror has moved on past the pinned Debian packages, the copy is pinned anew, and that is said.
    """
    if subprocess.run(["unshare", "--user", "true"], capture_output=True).returncode != 0:
        pytest.skip("this host gives no user namespaces, which Nix's sandbox needs")
    copy = Nix(clone(ROOT, tmp_path_factory.mktemp("built") / "reprotest"), configuration)
    done = prefetch(copy)
    if "is not on this host's Debian mirror" in done.stderr:
        print(f"\nthe Debian mirror has moved on; testing a copy pinned anew. {done.stderr}", file=sys.__stderr__)
        done = prefetch(copy, "--update")
    if done.returncode != 0:
        pytest.skip(f"the pinned files could not be had: {done.stderr.strip()}")
    return copy


def prefetch(nix: Nix, *words: str) -> subprocess.CompletedProcess[str]:
    """Start prefetch as the front door does."""
    command = [sys.executable, str(nix.checkout / "nix/debian/prefetch"), *words]
    return subprocess.run(command, text=True, capture_output=True, env=nix.environment, cwd=nix.checkout)


def clone(source: Path, target: Path) -> Path:
    """A checkout of its own with the files that git knows, as they are now."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=source, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (source / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=target, check=True)
    return target


@pytest.fixture(scope="session")
def program() -> Callable[[str], ModuleType]:
    """Load one of nix/'s Python programs by its path."""

    def load(path: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / "nix" / path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load
