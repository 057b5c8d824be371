"""The IPython extension: `%load_ext reprotest`, then `%%reproducible` on top of a cell (docs/notebook.md).

A cell is repeated as a program of its own: in a fresh process, all that the kernel has run so far, in the order in which it ran it,
then the cell. IPython is there already when this is imported; nothing else of reprotest imports it.
"""

from __future__ import annotations

import argparse
import io
import json
import shlex
import sys
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from reprotest.errors import CommandFailed, NotReproducible, ReprotestError, UsageError
from reprotest.record.files import write_whole
from reprotest.report import plain
from reprotest.result import RunReport, Verdict
from reprotest.testing.cells import Cell, cells_of

CALLER = Path(__file__).parent.parent / "run" / "call_cells.py"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise UsageError(
            f"%%reproducible: {message}; it takes {self.format_usage().partition('%%reproducible ')[2].strip()}"
        )


def _parser() -> argparse.ArgumentParser:
    parser = _Parser("%%reproducible", add_help=False)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--timeout", type=float)
    parser.add_argument("--no-diagnose", action="store_true")
    parser.add_argument("--no-run", action="store_true")
    return parser


class Extension:
    """The magic of one IPython shell. `failed`: numbers of the inputs that ended with an error."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self.failed: set[int] = set()

    def ran(self, result: Any) -> None:
        """IPython calls this after every cell."""
        if not result.success and result.execution_count is not None:
            self.failed.add(result.execution_count)

    def reproducible(self, line: str, cell: str) -> None:
        """Repeat the cell in fresh processes, fail unless all of them compute the same, then run it here.

        %%reproducible [--runs N] [--steps N] [--timeout SECONDS] [--no-diagnose] [--no-run]
        """
        from reprotest import api
        from reprotest.options import RunOptions
        from reprotest.run.command import Command

        asked = _parser().parse_args(shlex.split(line))
        options = RunOptions(runs=asked.runs, steps=asked.steps, timeout=asked.timeout, diagnose=not asked.no_diagnose)
        cells = cells_of(self._shell, cell, self.failed)
        folder = _written(cells)
        shown = f"In[{cells[-1].number}]"
        command = Command((shown,), (sys.executable, str(CALLER), str(folder / "job.json")), str(Path.cwd()))
        report = api.session(command, options)
        _remember(folder, report)
        report.unobserved += [note for one in cells for note in one.left_out]
        self._show(report, folder)
        _judge(report, folder)
        if not asked.no_run:
            self._shell.run_cell(cell, store_history=False).raise_error()

    def _show(self, report: RunReport, folder: Path) -> None:
        from IPython.display import display  # type: ignore[attr-defined, unused-ignore]
        from rich.console import Console

        from reprotest.report import markdown, terminal
        from reprotest.report.json import document
        from reprotest.report.trees import tree_of

        file = io.StringIO()
        terminal.show(report, Console(file=file, width=100, color_system=None, force_jupyter=False))
        forms = {
            "text/plain": _near(file.getvalue().strip("\n"), folder),
            "text/markdown": _near(markdown.text(tree_of(document(report))), folder),
        }
        display(forms, raw=True)  # type: ignore[no-untyped-call, unused-ignore]


def load(shell: Any) -> None:
    """What `%load_ext reprotest` does."""
    extension = Extension(shell)
    shell.register_magic_function(extension.reproducible, "cell", "reproducible")
    shell.events.register("post_run_cell", extension.ran)


def _written(cells: list[Cell]) -> Path:
    """The cells as files, in a folder of the store: reports show their lines."""
    from reprotest.run.store import Store, own

    folder = Store.at(str(Path.cwd())).root / "cells" / uuid.uuid4().hex[:8]
    folder.mkdir(parents=True)
    own(folder)
    names = []
    for cell in cells:
        path = folder / f"In[{cell.number}].py"
        path.write_text(cell.source, encoding="utf-8")
        names.append(str(path))
    (folder / "job.json").write_text(json.dumps({"cells": names, "path": sys.path}))
    return folder


def _remember(folder: Path, report: RunReport) -> None:
    """Leave with the cells which runs were made of them: `prune` removes them together."""
    path = folder / "job.json"
    with suppress(OSError):
        job = {**json.loads(path.read_bytes()), "records": [Path(record).name for record in report.records]}
        write_whole(path, json.dumps(job))


def _near(text: str, folder: Path) -> str:
    """A text that names the cells as the notebook does."""
    for prefix in (f"{folder}/", f"{_relative(folder)}/"):
        escaped = prefix.replace("_", r"\_")
        text = text.replace(prefix, "").replace(escaped, "")
    return text


def _relative(folder: Path) -> Path:
    try:
        return folder.relative_to(Path.cwd())
    except ValueError:
        return folder


def _judge(report: RunReport, folder: Path) -> None:
    if report.interrupted:
        raise KeyboardInterrupt
    found: ReprotestError | None = None
    if report.verdict is Verdict.ERROR:
        found = CommandFailed(_near(plain.failure(report), folder), report)
    elif report.verdict is Verdict.DIFFERENT:
        found = NotReproducible(_near(plain.message(report), folder), report)
    elif not plain.compared_anything(report):
        found = UsageError(
            "the cell left nothing to compare: it trained nothing that was seen, and its last line is no expression. "
            "End it with the result, or call reprotest.observe(name, value) in it"
        )
    if found is not None:
        raise _brief(found)


def _brief(error: ReprotestError) -> ReprotestError:
    """The error without a traceback through reprotest: IPython asks for this."""
    error._render_traceback_ = lambda: [f"{type(error).__name__}: {error}"]  # type: ignore[attr-defined]
    return error
