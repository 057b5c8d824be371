"""containers/compose.yaml: taken by docker compose, and what it promises."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FILE = ROOT / "containers" / "compose.yaml"
PROFILES = ("--profile", "train", "--profile", "gpu")


def config(folder: Path, *options: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """`docker compose config` with the environment's own compose plugin."""
    docker, plugin = shutil.which("docker"), Path(sys.executable).parent / "docker-compose"
    if docker is None or not plugin.is_file():
        pytest.skip("there is no docker client, or no compose plugin: `make venv` with the group export")
    plugins = folder / "cli-plugins"
    plugins.mkdir(exist_ok=True)
    (plugins / "docker-compose").unlink(missing_ok=True)
    (plugins / "docker-compose").symlink_to(plugin)
    copy = folder / "compose.yaml"
    shutil.copy(FILE, copy)
    return subprocess.run(
        [docker, "compose", "-f", copy, *options, "config", "--format", "json"],
        env={**os.environ, "DOCKER_CONFIG": str(folder), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    done = config(tmp_path_factory.mktemp("compose"), *PROFILES, JUPYTER_TOKEN="letmein")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["services"]
    return found


def test_the_services(services: dict[str, Any]) -> None:
    assert sorted(services) == ["jupyter", "mlflow", "trainer", "trainer-gpu"]
    for name, service in services.items():
        assert service["user"] == "65532:65532", name
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert all(port["host_ip"] == "127.0.0.1" for port in service.get("ports", [])), name
        assert not service.get("privileged"), name


def test_they_start_the_images_that_the_flake_builds(services: dict[str, Any]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["poetry"]
    name, version = project["name"], project["version"]
    images = {service["image"] for service in services.values()}
    assert images == {f"{name}{suffix}:{version}" for suffix in ("-trainer", "-cuda", "-mlflow", "-notebook")}
    assert {service["pull_policy"] for service in services.values()} == {"never"}
    nix = (ROOT / "nix" / "services.nix").read_text() + (ROOT / "nix" / "system.nix").read_text()
    assert set(re.findall(r'name\}(-\w+)"', nix)) == {"-trainer", "-cuda", "-mlflow", "-notebook"}


def test_what_must_last_lies_in_volumes(services: dict[str, Any]) -> None:
    kinds = {name: {v["target"]: v["type"] for v in service["volumes"]} for name, service in services.items()}
    assert kinds["mlflow"] == {"/mlflow": "volume"}
    assert kinds["jupyter"]["/notebooks"] == "volume"
    assert kinds["trainer"]["/records"] == "volume"
    [project] = [v for v in services["trainer"]["volumes"] if v["target"] == "/project"]
    assert project["read_only"]
    [device] = services["trainer-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])


def test_jupyter_does_not_start_without_a_token(services: dict[str, Any], tmp_path: Path) -> None:
    assert services["jupyter"]["environment"]["JUPYTER_TOKEN"] == "letmein"
    done = config(tmp_path, JUPYTER_TOKEN="")
    assert done.returncode != 0
    assert "put a token into containers/.env" in done.stderr


def test_the_example_names_every_variable() -> None:
    variables = set(re.findall(r"\$\{(\w+)", FILE.read_text()))
    example = (FILE.parent / ".env.example").read_text()
    assert variables == set(re.findall(r"^(\w+)=", example, re.MULTILINE))
