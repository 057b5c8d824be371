"""No verb at all: the experiments that the project names, or the built-in reference experiment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reprotest.report.output import Output
from reprotest.verbs._shared import exit_code, greet, logged, parsed, session

if TYPE_CHECKING:
    from reprotest.result import RunReport


def run_configured(output: Output) -> int:
    """The project's experiments one after the other, or the reference; the highest of their exit codes."""
    from reprotest import tracking
    from reprotest.config.project import NamedExperiment, find
    from reprotest.options import RunOptions
    from reprotest.report.json import document

    output.check()
    greet(output)
    project = find()
    if project is not None and project.experiments:
        experiments, root = project.experiments, project.root
    else:
        root = Path.cwd()
        experiments = (NamedExperiment("reference", ("-m", "reprotest.reference.train"), RunOptions()),)
        click.echo(
            "No experiments are configured here (pyproject.toml, [tool.reprotest.experiments.NAME], or reprotest.yaml): "
            "running the built-in reference experiment.\n"
            "To test a training of your own: python -m reprotest run train.py",
            err=True,
        )
    uri = tracking.address(None, project.mlflow if project is not None else None)
    commands = [(experiment, parsed(experiment.words, root)) for experiment in experiments]
    reports: dict[str, RunReport] = {}
    for experiment, command in commands:
        report = reports[experiment.name] = session(command, experiment.options, output)
        output.show(report, root=root, title=experiment.name)
        if report.interrupted:
            break
    documents = {name: document(report) for name, report in reports.items()}
    output.result({"schema": "reprotest.experiments/1", "experiments": documents}, root)
    output.summary(reports)
    for name, content in documents.items():
        logged(uri, content, root, name)
    return max(exit_code(report) for report in reports.values())
