"""What lies below the packages: Python, CUDA, the system, images, the flake."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from reprotest.audit.checks import check
from reprotest.audit.checks.determinism import uses_cuda
from reprotest.audit.finding import Found, Severity
from reprotest.audit.repository import Repository
from reprotest.factors import factor

_STAGE = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(?P<image>\S+)(?:\s+AS\s+(?P<stage>\S+))?", re.IGNORECASE)
_ARGUMENT = re.compile(r"^\s*ARG\s+(\w+)=(\S+)")
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")


@check(
    "python.version",
    Severity.ERROR,
    title="The Python version is stated",
    why="hashes, sets, random and the packages that there are change with the version of Python",
    source="https://packaging.python.org/en/latest/guides/writing-pyproject-toml/#python-requires",
    fix="state it: requires-python in pyproject.toml and one exact version in .python-version; "
    + factor("interpreter").fix,
)
def python(repository: Repository) -> Iterator[Found]:
    project = repository.pyproject
    stated = project.get("project", {}).get("requires-python") or project.get("tool", {}).get("poetry", {}).get(
        "dependencies", {}
    ).get("python")
    files = [*repository.matching("environment*.y*ml", "*Dockerfile*", "requirements*.txt", "runtime.txt", "*.nix")]
    told = any(
        re.search(r"python(_version)?[:= \-]*3?\.?\d+|python3\d\d", repository.text(path), re.I) for path in files
    )
    if not stated and not told and not repository.has(".python-version"):
        yield Found("no file says which version of Python to use", ".python-version")


@check(
    "cuda.version",
    Severity.WARNING,
    title="The CUDA version is stated where a GPU is used",
    why="each CUDA version brings other kernels, and other roundings; NVIDIA promises equal results for one version on one GPU only",
    source="https://docs.nvidia.com/deeplearning/cudnn/latest/developer/misc.html#reproducibility-determinism",
    fix="state it in the README and pin it by the lock or the image; " + factor("gpu.hardware").fix,
)
def cuda(repository: Repository) -> Iterator[Found]:
    file = uses_cuda(repository)
    if file is None:
        return
    places = repository.matching(
        "*Dockerfile*", "environment*.y*ml", "requirements*.txt", "poetry.lock", "uv.lock", "pyproject.toml", "*.nix"
    )
    pattern = re.compile(
        r"cuda[-_: ]?(toolkit|version|runtime)?[-_:=/ \"]*v?\d+|\+cu\d+|\bcu1\d\d\b|pytorch-cuda|nvidia-cu|\+cpu\b",
        re.I,
    )
    readme = repository.text(repository.readme) if repository.readme else ""
    if not any(pattern.search(repository.text(path)) for path in places) and not pattern.search(readme):
        yield Found("CUDA is used and no file says which version", file)


@check(
    "system.dependencies",
    Severity.WARNING,
    title="System dependencies are listed",
    why="libc, compilers and libraries such as libgomp are part of the computation, and pip installs none of them",
    source="https://repo2docker.readthedocs.io/en/latest/configuration/system/",
    fix="list them in a Dockerfile, flake.nix, environment.yml or apt.txt; " + factor("system").fix,
)
def system(repository: Repository) -> Iterator[Found]:
    files = repository.matching(
        "*Dockerfile*", "Containerfile*", "flake.nix", "shell.nix", "environment*.y*ml", "apt.txt", "packages.txt"
    )
    readme = repository.text(repository.readme) if repository.readme else ""
    if not files and not re.search(
        r"apt(-get)? install|brew install|dnf install|system (packages|dependencies|libraries)", readme, re.I
    ):
        yield Found("no file lists what the system must have", repository.readme or "README.md")


def _digest_found(image: str, path: str, number: int) -> Iterator[Found]:
    if _DIGEST.search(image) or image == "scratch" or image.startswith(("${", "$")):
        return
    tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
    if not tag or tag == "latest":
        yield Found(f"the image {image} is whatever its newest one is", path, number, severity=Severity.ERROR)
    else:
        yield Found(f"the image {image} is named by tag, not by digest", path, number)


@check(
    "image.digest",
    Severity.WARNING,
    title="Container images are pinned by digest",
    why="a tag can be moved to another image at any time, and latest is moved all the time",
    source="https://docs.docker.com/build/building/best-practices/#pin-base-image-versions",
    fix="name it by digest: docker buildx imagetools inspect IMAGE:TAG says which; or python -m reprotest export docker",
)
def images(repository: Repository) -> Iterator[Found]:
    for path in repository.matching("Dockerfile", "Dockerfile.*", "*.Dockerfile", "Containerfile*"):
        if path.endswith((".j2", ".dockerignore")):  # a template, a list of files
            continue
        arguments: dict[str, str] = {}
        stages: set[str] = set()
        for number, line in enumerate(repository.text(path).splitlines(), 1):
            if found := _ARGUMENT.match(line):
                arguments[found[1]] = found[2]
            if found := _STAGE.match(line):
                image = _filled_in(found["image"], arguments)
                if image.lower() not in stages:
                    yield from _digest_found(image, path, number)
                if found["stage"]:
                    stages.add(found["stage"].lower())
    for path in repository.matching("*compose*.yml", "*compose*.yaml"):
        for image in _pulled(repository.text(path)):
            yield from _digest_found(image, path, repository.line(path, r"image:.*" + re.escape(image)))


def _pulled(compose: str) -> list[str]:
    """The images that the services of a compose file pull: neither built by it nor loaded by hand."""
    import yaml

    try:
        content = yaml.safe_load(compose)
        services = [service for service in content["services"].values() if isinstance(service, dict)]
    except (yaml.YAMLError, RecursionError, KeyError, TypeError, AttributeError):
        return []
    own = [service for service in services if "build" in service or service.get("pull_policy") in ("never", "build")]
    return [str(service["image"]) for service in services if "image" in service and service not in own]


def _filled_in(image: str, arguments: Mapping[str, str]) -> str:
    return re.sub(r"\$\{?(\w+)(?::-[^}]*)?\}?", lambda found: arguments.get(found[1], found[0]), image)


@check(
    "flake.present",
    Severity.NOTE,
    title="A flake pins everything below Python",
    why="a package lock ends where libc, compilers and drivers begin",
    source="https://nix.dev/concepts/flakes",
    fix="nix flake init -t REPROTEST writes one of ten lines",
)
def flake(repository: Repository) -> Iterator[Found]:
    if not repository.has("flake.nix"):
        yield Found("there is no flake.nix", "flake.nix")


@check(
    "flake.locked",
    Severity.ERROR,
    title="The flake is locked",
    why="an input without a lock is the newest commit of its branch, another one every day",
    source="https://nix.dev/manual/nix/latest/command-ref/new-cli/nix3-flake#lock-files",
    fix="nix flake lock, and commit flake.lock",
)
def flake_locked(repository: Repository) -> Iterator[Found]:
    if not repository.has("flake.nix"):
        return
    text = re.sub(r"#.*", "", repository.text("flake.nix"))
    inputs = set(re.findall(r"\binputs\.([\w-]+)", text))
    if block := re.search(r"\binputs\s*=\s*\{(.*?)\n\s{0,2}\};", text, re.DOTALL):
        inputs |= set(re.findall(r"^\s*([\w-]+)(?:\.url|\.flake)?\s*=", block[1], re.M)) - {"url", "flake", "inputs"}
    if not inputs:
        return
    try:
        lock = json.loads(repository.text("flake.lock") or "null")
        nodes = lock["nodes"]
        known = set(nodes[lock.get("root", "root")].get("inputs", {}))
    except (ValueError, KeyError, TypeError, AttributeError):
        yield Found("flake.nix has inputs and there is no flake.lock that can be read", "flake.lock")
        return
    for name in sorted(inputs - known):
        yield Found(f"the input {name} is not in flake.lock", "flake.nix", repository.line("flake.nix", rf"\b{name}\b"))
    for name, node in sorted(nodes.items()):
        locked = node.get("locked", {})
        if "locked" in node and locked.get("type") != "path" and not locked.get("narHash"):
            yield Found(f"{name} has no hash", "flake.lock")
