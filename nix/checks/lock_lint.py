"""Find what is wrong with a lock before it costs an evaluation: lock_lint.py FOLDER…

Each rule is one of the pitfalls of poetry2nix or of hermetic building that a program can see in pyproject.toml and
poetry.lock. Every finding names the package and what to do. Exit status 1 when there is any.
"""

import hashlib
import json
import re
import sys
import tomllib
from pathlib import Path

from packaging.version import Version

RULES = []
TORCH_CPU = {"2.13.0+cpu": "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"}
"""The official wheels for CPython 3.11 on x86_64."""


def rule(function):
    RULES.append(function)
    return function


class Lock:
    """A lock folder, parsed."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.pyproject = tomllib.loads((self.folder / "pyproject.toml").read_text())
        self.lock = tomllib.loads((self.folder / "poetry.lock").read_text())
        self.poetry = self.pyproject.get("tool", {}).get("poetry", {})
        self.packages = self.lock.get("package", [])

    def named(self, name):
        return [package for package in self.packages if package["name"] == name]


@rule
def poetry_table(lock):
    """poetry2nix reads [tool.poetry] alone; from a [project] table it makes an environment with nothing in it."""
    for key in ("name", "version", "description", "authors", "dependencies"):
        if key not in lock.poetry:
            yield f"[tool.poetry] lacks {key}: poetry2nix reads it there and nowhere else"
    if lock.pyproject.get("project", {}).get("dependencies") or lock.pyproject.get("dependency-groups"):
        yield "dependencies stand outside [tool.poetry], where poetry2nix does not see them"


@rule
def build_backend(lock):
    """poetry-core comes from the base; a lower bound above its version cannot be met."""
    if lock.poetry.get("package-mode", True):
        requires = lock.pyproject.get("build-system", {}).get("requires")
        if requires != ["poetry-core>=1.0.0"]:
            yield f'build-system.requires is {requires}; expected ["poetry-core>=1.0.0"], as poetry-core comes from nixpkgs'


@rule
def in_step(lock):
    """Poetry's own content hash."""
    if lock.lock["metadata"]["lock-version"] != "2.1":
        yield f"the lock has version {lock.lock['metadata']['lock-version']}; expected 2.1: run `poetry lock` of Poetry 2"
    if content_hash(lock.pyproject) != lock.lock["metadata"]["content-hash"]:
        yield "poetry.lock is out of step with pyproject.toml: run `poetry lock`"


def content_hash(pyproject):
    """Poetry's Locker._get_content_hash."""
    poetry = pyproject.get("tool", {}).get("poetry", {})
    legacy = ("dependencies", "source", "extras", "dev-dependencies")
    project = pyproject.get("project", {})
    project = {k: project[k] for k in ("requires-python", "dependencies", "optional-dependencies") if k in project}
    groups = pyproject.get("dependency-groups", {})
    outer = ({"project": project} if project else {}) | ({"dependency-groups": groups} if groups else {})
    tables = {k: poetry[k] for k in (*legacy, "group") if k in poetry}
    content = {**outer, "tool": {"poetry": tables}} if outer else {**dict.fromkeys(legacy), **tables}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@rule
def wheel_names(lock):
    """poetry2nix fails to evaluate a package when one of its wheel names has a tag that it cannot read."""
    for package in lock.packages:
        for file in package["files"]:
            tags = file["file"].removesuffix(".whl").split("-")[-3:]
            if file["file"].endswith(".whl") and not re.fullmatch(r"[a-z]+[0-9]*_?[a-z0-9]*", tags[1]):
                yield f"{package['name']}: {file['file']} stops poetry2nix ({tags[1]}): remove that line from poetry.lock"
            if re.search(r"-(cp311|py3|py2\.py3|cp3\d-abi3)-.*riscv64", file["file"]):
                yield f"{package['name']}: {file['file']} stops poetry2nix (riscv64): remove that line from poetry.lock"
        if package["name"] == "markupsafe" and Version(package["version"]) >= Version("3.0.3"):
            yield "markupsafe is 3.0.3 or later, whose wheel names stop poetry2nix: lock 3.0.2"


@rule
def one_version_each(lock):
    """poetry2nix ignores markers: of two entries with one name the last one wins, whatever the platform."""
    for name in sorted({package["name"] for package in lock.packages}):
        versions = [package["version"] for package in lock.named(name)]
        if len(versions) > 1:
            yield f"{name} is locked {len(versions)} times ({', '.join(versions)}): constrain it to one in pyproject.toml"


@rule
def hashes(lock):
    """Every file by a sha256, so that it can be fetched as a fixed output."""
    for package in lock.packages:
        if package.get("source", {}).get("type", "pypi") not in ("pypi", "legacy"):
            yield f"{package['name']} comes from a {package['source']['type']}, not from an index: nothing pins its bytes"
        for file in package["files"]:
            if not re.fullmatch(r"sha256:[0-9a-f]{64}", file["hash"]):
                yield f"{package['name']}: {file['file']} is locked by {file['hash']}, not by a sha256"


@rule
def sources(lock):
    """Only what names a source may come from it, so that PyPI's packages are never taken from elsewhere."""
    for source in lock.poetry.get("source", []):
        if source.get("priority") != "explicit":
            yield f'the source {source["name"]} is not explicit: set priority = "explicit"'


@rule
def torch(lock):
    """The CPU build is the official file, and the CUDA build has a lock folder of its own."""
    for package in lock.named("torch"):
        expected = TORCH_CPU.get(package["version"])
        files = [f for f in package["files"] if re.search(r"-cp311-cp311-.*x86_64", f["file"])]
        if expected and [f["hash"] for f in files] != [f"sha256:{expected}"]:
            yield f"torch {package['version']} is not locked to PyTorch's own file (sha256:{expected})"
        if package["version"].endswith("+cpu") and any(p["name"].startswith("nvidia-") for p in lock.packages):
            yield "a CPU torch and nvidia packages share one lock: CUDA needs a lock folder of its own"


def findings(folder):
    """Every finding in one lock folder, each with the folder's name."""
    lock = Lock(folder)
    return [f"{lock.folder.name}: {finding}" for check in RULES for finding in check(lock)]


def main(*folders):
    found = [finding for folder in folders for finding in findings(folder)]
    print("\n".join(found) or f"{len(folders)} locks, {len(RULES)} rules: nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
