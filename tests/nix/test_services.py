"""containers/compose.yaml for real: Docker's compose starts the flake's images through the API of podman."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import Nix, prefetch
from .podman import Podman, podman_of_its_own, pour

pytestmark = [pytest.mark.nix, pytest.mark.slow, pytest.mark.xdist_group("nix"), pytest.mark.timeout(1800)]

COMPOSE = Path(sys.executable).parent / "docker-compose"
SETTINGS = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
runtime = "runc"
[network]
network_backend = "netavark"
network_config_dir = "{storage}/networks"
"""
# A port that is free, and a name under which nothing else runs.
OVERRIDE = """
name: {name}
services:
  mlflow:
    ports: !override ["127.0.0.1::5000"]
"""
ASK = """
import json, mlflow
client = mlflow.MlflowClient("http://localhost:5000")
[experiment] = [e for e in client.search_experiments() if e.name == "reprotest"]
runs = client.search_runs([experiment.experiment_id])
print(json.dumps([[run.data.tags, [f.path for f in client.list_artifacts(run.info.run_id, "reprotest")]] for run in runs]))
"""


class Services:
    """The services of containers/compose.yaml, with one project mounted."""

    def __init__(self, podman: Podman, project: Path) -> None:
        self.podman = podman
        self.name = podman.storage.name.lower()
        self._project = project
        self._override = podman.storage / "override.yaml"
        self._override.write_text(OVERRIDE.format(name=self.name))
        self._socket = podman.storage / "api.sock"
        settings = podman.storage / "containers.conf"
        settings.write_text(SETTINGS.format(storage=podman.storage))
        self._api = subprocess.Popen(
            [*podman.words, "system", "service", "--time", "0", f"unix://{self._socket}"],
            env={**os.environ, "CONTAINERS_CONF": str(settings)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(100):
            if self._socket.exists():
                return
            time.sleep(0.1)
        self._api.kill()
        pytest.fail("podman's API did not start within 10 seconds")

    def compose(self, *words: str) -> subprocess.CompletedProcess[str]:
        root = Path(__file__).resolve().parents[2]
        files = ["-f", root / "containers" / "compose.yaml", "-f", self._override]
        environment = {
            **os.environ,
            "DOCKER_HOST": f"unix://{self._socket}",
            "JUPYTER_TOKEN": "letmein",
            "PROJECT": str(self._project),
        }
        return subprocess.run(
            [COMPOSE, *files, *words], env=environment, text=True, capture_output=True, timeout=900, check=False
        )

    def healthy(self, service: str, done: threading.Event) -> None:
        """Do what timers of systemd do on other hosts: look after the service's health."""
        while not done.wait(2):
            self.podman("healthcheck", "run", f"{self.name}-{service}-1")

    def close(self) -> None:
        self.compose("--profile", "*", "down", "--volumes", "--timeout", "2")
        self._api.terminate()
        self._api.wait(30)


@pytest.fixture(scope="module")
def services(built: Nix, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    if not COMPOSE.is_file():
        pytest.skip("there is no compose plugin: `make venv` with the group export")
    names = ("container-trainer", "container-mlflow")
    with podman_of_its_own("netavark", "aardvark-dns", "catatonit") as podman:
        done = prefetch(built, *(f"{built.flake}#{name}" for name in names))
        assert done.returncode == 0, done.stderr
        for name in names:
            pour([built.build(name)], [*podman.words, "load"])
        project = tmp_path_factory.mktemp("project")
        for script in (built.checkout / "examples/digits_cnn").glob("*.py"):
            shutil.copy(script, project)
        project.chmod(0o755)
        services = Services(podman, project)
        try:
            yield services
        finally:
            services.close()


def test_a_training_in_its_service_logs_to_the_service_of_mlflow(services: Services) -> None:
    done = threading.Event()
    nurse = threading.Thread(target=services.healthy, args=("mlflow", done))
    nurse.start()
    try:
        words = ("run", "--quiet", "--mlflow", "http://mlflow:5000", "train_fixed.py", "--epochs", "1")
        ran = services.compose("run", "--rm", "trainer", *words)
        assert ran.returncode == 0, ran.stderr[-3000:] + ran.stdout[-2000:]
        assert "identical" in ran.stdout
        asked = services.compose("exec", "mlflow", "python", "-W", "ignore", "-c", ASK)
        assert asked.returncode == 0, asked.stderr[-3000:]
    finally:
        done.set()
        nurse.join()
    found: list[Any] = json.loads(asked.stdout.splitlines()[-1])
    [(tags, artifacts)] = found
    assert tags["reprotest.verdict"] == "identical"
    assert {"reprotest/result.json", "reprotest/report.html", "reprotest/manifest.json"} <= set(artifacts)
