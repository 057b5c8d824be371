"""`run --mlflow` against a real MLflow server on loopback, with its SQLite store."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reprotest import tracking
from reprotest.errors import UsageError

pytest.importorskip("mlflow")
pytestmark = [pytest.mark.xdist_group("mlflow"), pytest.mark.slow, pytest.mark.timeout(900)]

TRAIN = """\
import sys
import numpy as np
import reprotest

rng = np.random.default_rng(None if "free" in sys.argv else 1)
reprotest.observe("loss", rng.random())
"""


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("mlflow")
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += [
        "--backend-store-uri",
        f"sqlite:///{folder}/mlflow.db",
        "--artifacts-destination",
        str(folder / "artifacts"),
    ]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    environment.pop("PYTHONPATH", None)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        uri = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 600  # seconds where the machine is quiet
        while time.monotonic() < deadline:
            if process.poll() is not None:
                pytest.fail((folder / "log").read_text())
            try:
                with urllib.request.urlopen(f"{uri}/health", timeout=5):
                    break
            except OSError:
                time.sleep(0.1)
        else:
            pytest.fail("the server did not start\n" + (folder / "log").read_text())
        yield uri
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / ".git").mkdir()
    return tmp_path


def reprotest(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != tracking.VARIABLE}
    return subprocess.run(
        [sys.executable, "-m", "reprotest", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def logged(uri: str, said: str) -> tuple[Any, dict[str, Any]]:
    """The run that was logged, and its JSON artifacts."""
    import mlflow

    [run_id] = [line.rpartition(" ")[2] for line in said.splitlines() if line.startswith("Logged to MLflow as run ")]
    client = mlflow.MlflowClient(tracking_uri=uri)
    found = {}
    for item in client.list_artifacts(run_id, "reprotest"):
        path = f"{uri}/get-artifact?run_id={run_id}&path={item.path}"
        with urllib.request.urlopen(path, timeout=30) as opened:
            text = opened.read().decode()
        found[Path(item.path).name] = json.loads(text) if item.path.endswith(".json") else text
    return client.get_run(run_id), found


def test_a_result_is_logged(server: str, project: Path) -> None:
    done = reprotest(
        "run", "--quiet", "--mlflow", server, "train.py", "free", "--api-key", "hunter2hunter2", cwd=project
    )
    assert done.returncode == 1, done.stderr
    run, artifacts = logged(server, done.stderr)
    assert run.info.status == "FINISHED"
    assert run.data.tags["reprotest.verdict"] == "different"
    assert run.data.tags["reprotest.causes"] == "numpy.random"
    assert run.data.tags["reprotest.command"] == "train.py free --api-key ***"
    assert run.data.metrics["reproducible"] == 0
    assert run.data.params["runs"] == "2"
    assert artifacts["result.json"]["schema"] == "reprotest.run/1"
    assert artifacts["result.json"]["first_difference"]["name"] == "loss"
    assert "python.hash" in json.dumps(artifacts["manifest.json"])
    assert artifacts["report.html"].lstrip().lower().startswith("<!doctype html")
    assert "hunter2" not in repr(artifacts) + repr(run.to_dictionary())


def test_by_configuration_and_with_the_digest_of_what_was_loaded(server: str, project: Path) -> None:
    (project / "base.yaml").write_text("seed: 3\n")
    (project / "train.py").write_text(
        "import reprotest\nreprotest.observe('seed', reprotest.load_config('base.yaml').seed)\n"
    )
    (project / "reprotest.yaml").write_text(
        "MLFLOW_TRACKING_URI: ${MLFLOW_TRACKING_URI}\nexperiments:\n  constant:\n    command: train.py\n"
    )
    (project / ".env").write_text(f"MLFLOW_TRACKING_URI={server}\n")
    done = reprotest("--quiet", cwd=project)
    assert done.returncode == 0, done.stderr
    run, artifacts = logged(server, done.stderr)
    assert run.info.run_name == "constant"
    assert run.data.tags["reprotest.verdict"] == "identical"
    [configuration] = artifacts["configurations.json"]
    assert configuration["file"] == "base.yaml"
    assert run.data.tags["reprotest.config.digest"] == configuration["digest"]


def test_a_server_that_is_down_takes_no_result_away(project: Path) -> None:
    uri = f"http://me:hunter2hunter2@127.0.0.1:{free_port()}"
    done = reprotest("run", "--quiet", "--json", "result.json", "--mlflow", uri, "train.py", cwd=project)
    assert done.returncode == 0, "the verdict decides"
    assert "the result could not be logged to MLflow at http://me:***@127.0.0.1" in done.stderr
    assert "It is not lost" in done.stderr
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads((project / "result.json").read_text())["verdict"] == "identical"


def test_a_missing_package_is_said_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="needs the package mlflow, which is not installed: pip install mlflow"):
        tracking.address("http://localhost:5000", None)


@pytest.mark.parametrize(
    ("given", "configured", "said"),
    [
        ("localhost:5000", None, "expected the address of an MLflow server"),
        ("", None, "expected the address"),
        (None, "${SURELY_NOT_SET_ANYWHERE}", "SURELY_NOT_SET_ANYWHERE is set neither in the environment nor in .env"),
    ],
)
def test_bad_addresses(given: str | None, configured: str | None, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        tracking.address(given, configured)


def test_nothing_is_logged_unasked() -> None:
    assert tracking.address(None, None) is None
    assert tracking.address(None, "${SURELY_NOT_SET_ANYWHERE:-http://localhost:1}") == "http://localhost:1"


def test_mlflow_is_not_imported_without_need() -> None:
    code = (
        "import sys, reprotest.tracking as t; t.address('http://localhost:1', None); assert 'mlflow' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
