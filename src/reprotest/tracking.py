"""Logs what `run` found to an MLflow server: verdict, manifest, configuration digests and report. MLflow is imported only then."""

from __future__ import annotations

import importlib.util
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reprotest.errors import UsageError
from reprotest.secrets import mask_text

VARIABLE = "MLFLOW_TRACKING_URI"
_EXPERIMENT = "MLFLOW_EXPERIMENT_NAME"
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
"""MLflow's own defaults keep a person waiting for minutes when the server is down."""
_LONGEST = 5_000
"""Characters of a tag's value that a server takes."""


class NotLogged(UsageError):
    """The result could not be logged. It is not lost: it was written and shown before."""


def address(given: str | None, configured: str | None) -> str | None:
    """Where to log: what the command line says, else the project's configuration; None: nowhere.

    Raises:
        UsageError: no address, one that names an unset variable, or MLflow is not installed.
    """
    uri = given if given is not None else _filled_in(configured) if configured is not None else None
    if uri is None:
        return None
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https", "file", "sqlite", "postgresql", "mysql", "mssql", "databricks"):
        raise UsageError(
            f"--mlflow {mask_text(uri)}: expected the address of an MLflow server, such as http://localhost:5000"
        )
    if importlib.util.find_spec("mlflow") is None:
        raise UsageError("logging to MLflow needs the package mlflow, which is not installed: pip install mlflow")
    return uri


def _filled_in(text: str) -> str:
    """`${NAME}` and `${NAME:-default}` from the environment, or from .env."""
    from reprotest.config.environment import Environment

    environment = Environment()

    def value(found: re.Match[str]) -> str:
        known = environment.get(found[1]) or found[2]
        if known is None:
            raise UsageError(
                f"mlflow: {text} in the configuration, but {found[1]} is set neither in the environment nor in .env"
            )
        return known

    return re.sub(r"\$\{(?:env:)?(\w+)(?::-([^}]*))?\}", value, text)


def log(uri: str, document: Mapping[str, Any], root: str | Path = ".", name: str | None = None) -> str:
    """Log one result as one run of MLflow; returns the run's id.

    Args:
        uri: the server.
        document: as of `--json` of `run` (secrets are masked there already).
        root: the folder to which its records are relative.
        name: how the project calls the experiment.

    Raises:
        NotLogged: the server cannot be reached, or refuses.
    """
    with _patience():
        import mlflow
        from mlflow.exceptions import MlflowException

        client = mlflow.MlflowClient(tracking_uri=uri)
        try:
            return _log(client, document, Path(root), name)
        except (MlflowException, OSError) as error:
            lines = mask_text(str(error)).strip().splitlines() or [type(error).__name__]
            raise NotLogged(
                f"the result could not be logged to MLflow at {mask_text(uri)}: {lines[0][:300]}. It is not lost: "
                "it is shown here and kept in .reprotest/; start the server, and run again to log it"
            ) from error


def _log(client: Any, document: Mapping[str, Any], root: Path, name: str | None) -> str:
    experiment = os.environ.get(_EXPERIMENT) or "reprotest"
    found = client.get_experiment_by_name(experiment)
    experiment_id = found.experiment_id if found is not None else client.create_experiment(experiment)
    manifest, configurations = _of_record(document, root)
    command = " ".join(document["command"])
    run = client.create_run(
        experiment_id, run_name=name or command[:200], tags=_tags(document, command, configurations)
    )
    run_id: str = run.info.run_id
    for key in ("runs", "steps"):
        client.log_param(run_id, key, document[key])
    for key, value in _metrics(document):
        client.log_metric(run_id, key, value)
    client.log_text(run_id, json.dumps(document, indent=2), "reprotest/result.json")
    client.log_text(run_id, _page(document, root), "reprotest/report.html")
    if manifest is not None:
        client.log_text(run_id, json.dumps(manifest, indent=2), "reprotest/manifest.json")
    if configurations:
        client.log_text(run_id, json.dumps(configurations, indent=2), "reprotest/configurations.json")
    failed = document["verdict"] == "error" or document.get("interrupted")
    client.set_terminated(run_id, "FAILED" if failed else "FINISHED")
    return run_id


def _tags(document: Mapping[str, Any], command: str, configurations: list[Any]) -> dict[str, str]:
    from reprotest.version import version

    tags = {"verdict": document["verdict"], "command": command, "version": version()}
    difference = document.get("first_difference")
    if difference:
        tags["first_difference"] = f"step {difference['step']}, {difference['phase']}, {difference['name']}"
    causes = [cause["factor"] for cause in document.get("causes", ()) if cause.get("proven")]
    if causes:
        tags["causes"] = ", ".join(causes)
    if configurations:
        tags["config.digest"] = ", ".join(str(entry.get("digest")) for entry in configurations)
    return {f"reprotest.{key}": str(value)[:_LONGEST] for key, value in tags.items()}


def _metrics(document: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    yield "reproducible", float(document["verdict"] == "identical")
    yield "seconds", float(document["seconds"])
    for key in ("max_abs", "max_rel", "ulp"):
        value = (document.get("first_difference") or {}).get(key)
        if value is not None:
            yield key, float(value)


def _of_record(document: Mapping[str, Any], root: Path) -> tuple[Any, list[Any]]:
    """The manifest of the first run, and the configurations that its processes loaded."""
    from reprotest.errors import RecordError
    from reprotest.record import open_record

    for path in document.get("records", ()):
        try:
            record = open_record(root / path)
        except (OSError, RecordError):
            continue
        try:
            loaded = [entry for of_process in record.extras("config") for entry in of_process]
            return record.manifest, loaded
        finally:
            record.close()
    return None, []


def _page(document: Mapping[str, Any], root: Path) -> str:
    from reprotest.report.output import rendered
    from reprotest.report.trees import tree_of

    return rendered("html", tree_of(dict(document), root), root)


@contextmanager
def _patience() -> Iterator[None]:
    """Give up on a server within seconds, unless the user has said how long to wait."""
    lacking = {name: value for name, value in _PATIENCE.items() if name not in os.environ}
    os.environ.update(lacking)
    try:
        yield
    finally:
        for name in lacking:
            os.environ.pop(name, None)
