"""Every exported file, judged by the tool that it is for."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import yaml

from reprotest.cli import main

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent

SMALL = ["idna", "click", "markupsafe"]
"""Packages of this project's own lock, small ones, which its environment was installed from as well."""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose lock has a few real packages with their real hashes."""
    lock = tomllib.loads((ROOT / "poetry.lock").read_text())
    parts = []
    for package in lock["package"]:
        if package["name"] in SMALL:
            files = ", ".join(f'{{file = "{file["file"]}", hash = "{file["hash"]}"}}' for file in package["files"])
            parts.append(
                f'[[package]]\nname = "{package["name"]}"\nversion = "{package["version"]}"\ngroups = ["main"]\nfiles = [{files}]\n'
            )
    assert len(parts) == len(SMALL)
    (tmp_path / "poetry.lock").write_text(
        "\n".join(parts) + '[metadata]\npython-versions = ">=3.11"\ncontent-hash = "0123456789abcdef"\n'
    )
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "small"\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This project's own locks."""
    for name in ("poetry.lock", "pyproject.toml", "flake.lock"):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*command: str | Path, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **environ}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_pip_installs_the_requirements_with_their_hashes(small: Path) -> None:
    assert main(["export", "requirements", "--quiet"]) == 0
    assert run(sys.executable, "-m", "venv", "venv", cwd=small).returncode == 0
    install = (
        "venv/bin/python",
        "-m",
        "pip",
        "install",
        "-q",
        "--require-hashes",
        "--no-deps",
        "-r",
        "requirements.txt",
    )
    done = run(*install, cwd=small)
    assert done.returncode == 0, done.stderr
    listed = json.loads(run("venv/bin/python", "-m", "pip", "list", "--format=json", cwd=small).stdout)
    installed = {package["name"].lower(): package["version"] for package in listed}
    locked = {p["name"]: p["version"] for p in tomllib.loads((small / "poetry.lock").read_text())["package"]}
    assert {name: installed[name] for name in SMALL} == locked

    file = small / "requirements.txt"
    hashes = [line.strip(" \\") for line in file.read_text().splitlines() if "--hash" in line]
    text = file.read_text()
    for digest in hashes:
        text = text.replace(digest, "--hash=sha256:" + "0" * 64)
    file.write_text(text)
    again = run(*install, "--force-reinstall", cwd=small)
    assert again.returncode != 0
    assert "DO NOT MATCH THE HASHES" in again.stderr


def test_pip_understands_the_requirements_of_a_large_lock(own: Path) -> None:
    groups = [argument for group in ("main", "test", "integration") for argument in ("--group", group)]
    assert main(["export", "requirements", "--quiet", *groups]) == 0
    code = (
        "from pip._internal.req import parse_requirements\n"
        "from pip._internal.req.constructors import install_req_from_parsed_requirement as make\n"
        "from pip._internal.network.session import PipSession\n"
        "found = [make(r) for r in parse_requirements('requirements.txt', PipSession())]\n"
        "assert all(r.is_pinned and r.hash_options for r in found)\n"
        "print(*sorted(r.name for r in found))"
    )
    done = run(sys.executable, "-W", "ignore", "-c", code, cwd=own)
    assert done.returncode == 0, done.stderr
    lock = tomllib.loads((own / "poetry.lock").read_text())["package"]
    wanted = {"main", "test", "integration"}
    assert done.stdout.split() == sorted(package["name"] for package in lock if wanted & set(package["groups"]))


CONDA = {
    "type": "object",
    "required": ["name", "channels", "dependencies"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9_.-]+$"},
        "channels": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "dependencies": {
            "type": "array",
            "items": {
                "anyOf": [
                    {"type": "string"},
                    {
                        "type": "object",
                        "properties": {"pip": {"type": "array", "items": {"type": "string"}}},
                        "required": ["pip"],
                        "additionalProperties": False,
                    },
                ]
            },
        },
        "variables": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
"""What `conda env create` reads (conda.env.env.Environment)."""


def test_environment_yml(own: Path) -> None:
    assert main(["export", "conda", "--quiet"]) == 0
    environment = yaml.safe_load((own / "environment.yml").read_text())
    jsonschema.validate(environment, CONDA)
    assert environment["name"] == "reprotest-ml"
    assert environment["dependencies"] == ["python=3.11", "pip", {"pip": ["-r requirements.txt"]}]
    assert environment["variables"]["PYTHONHASHSEED"] == "0"


def test_a_linter_finds_nothing_in_the_dockerfile(own: Path) -> None:
    hadolint = _tool("hadolint")
    assert main(["export", "docker", "--quiet"]) == 0
    done = run(hadolint, "Dockerfile", cwd=own)
    assert (done.returncode, done.stdout) == (0, "")
    text = (own / "Dockerfile").read_text()
    (own / "Dockerfile").write_text(text.replace("USER 65532:65532", "USER root"))
    assert "DL3002" in run(hadolint, "Dockerfile", cwd=own).stdout, "the linter does look"


@pytest.fixture
def compose(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`docker compose`, with the compose plugin that the environment has where the client has none itself."""
    docker = shutil.which("docker")
    if docker is None:
        pytest.skip("there is no docker client")
    folder = tmp_path_factory.mktemp("docker")
    plugin = BIN / "docker-compose"
    if plugin.is_file():
        (folder / "cli-plugins").mkdir()
        (folder / "cli-plugins" / "docker-compose").symlink_to(plugin)
    settings = {"DOCKER_CONFIG": str(folder)} if plugin.is_file() else {}
    if run(docker, "compose", "version", cwd=folder, **settings).returncode != 0:
        pytest.skip(f"the docker client has no compose plugin, nor has the environment one for {platform.machine()}")

    def call(*arguments: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
        return run(docker, "compose", *arguments, cwd=cwd, **settings, **environ)

    return call


def test_docker_compose_takes_the_compose_file(
    own: Path, compose: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    assert main(["export", "docker", "compose", "--quiet"]) == 0
    done = compose("--profile", "gpu", "config", "--format", "json", cwd=own, JUPYTER_TOKEN="letmein")
    assert done.returncode == 0, done.stderr
    services = json.loads(done.stdout)["services"]
    assert sorted(services) == ["jupyter", "mlflow", "trainer", "trainer-gpu"]
    [device] = services["trainer-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["count"], device["capabilities"]) == ("nvidia", 1, ["gpu"])
    assert services["trainer"]["environment"]["PYTHONHASHSEED"] == "0"
    assert services["trainer"]["depends_on"]["mlflow"]["condition"] == "service_healthy"
    assert services["jupyter"]["environment"]["JUPYTER_TOKEN"] == "letmein"
    for service in services.values():
        assert all(port["host_ip"] == "127.0.0.1" for port in service.get("ports", []))
        assert "build" in service or "@sha256:" in service["image"]
    assert [volume["type"] for volume in services["mlflow"]["volumes"]] == ["volume"]


def test_services_run_the_projects_own_image_when_the_lock_has_them(
    small: Path, compose: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    lock = small / "poetry.lock"
    lock.write_text(lock.read_text().replace('"idna"', '"jupyterlab"').replace('"click"', '"mlflow"'))
    assert main(["export", "compose", "--quiet"]) == 0
    done = compose("config", "--format", "json", cwd=small)
    assert done.returncode == 0, done.stderr
    services = json.loads(done.stdout)["services"]
    assert (
        services["jupyter"]["image"]
        == services["mlflow"]["image"]
        == services["trainer"]["image"]
        == "small:0123456789ab"
    )
    assert services["jupyter"]["environment"]["PYTHONHASHSEED"] == "0"


def _tool(name: str) -> str:
    found = BIN / name
    if not found.is_file():
        pytest.skip(f"{name} is not installed: `make venv` with the group export")
    return str(found)
