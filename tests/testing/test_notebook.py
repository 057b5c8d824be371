"""`%%reproducible` in a real notebook, executed by a real kernel."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reprotest.run import leftovers
from reprotest.run.catalog import entries
from reprotest.run.store import Store

pytestmark = pytest.mark.filterwarnings("default")

CELLS = [
    "%load_ext reprotest",
    "import random\nsize = 3",
    "raise KeyError('this cell failed')",
    "size = 4",
    "%%reproducible\nrandom.seed(0)\nweights = [random.random() for _ in range(size)]\nweights",
    "len(weights)",
    "%%reproducible --no-diagnose\nnoise = [random.Random().random() for _ in range(size)]\nnoise",
    "'noise' in globals()",
    "%%reproducible\nsilent = 1",
    "%%reproducible --rnus 3\n1",
    "%%reproducible\n1 / 0",
]


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebook after its execution, and the folder that it was executed in."""
    import nbformat
    from nbclient import NotebookClient

    folder = tmp_path_factory.mktemp("notebook")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    client = NotebookClient(
        notebook, timeout=240, kernel_name="python3", allow_errors=True, resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    return notebook, folder


def outputs(executed: Any, number: int) -> list[Any]:
    found: list[Any] = executed[0].cells[number - 1].outputs
    return found


def error(executed: Any, number: int) -> Any:
    return next(output for output in outputs(executed, number) if output.output_type == "error")


@pytest.mark.slow
def test_notebook(executed: Any) -> None:
    (shown,) = outputs(executed, 5)[:1]
    assert "2 runs of In[5] agree bit for bit" in shown.data["text/plain"]
    assert shown.data["text/markdown"].startswith("## ✅ Reproducible: `In[5]`")
    assert outputs(executed, 6)[0].data["text/plain"] == "4", "the cell has run in the notebook too, after size = 4"

    different = error(executed, 7)
    assert different.ename == "NotReproducible"
    assert "In[7] is not reproducible" in different.evalue
    assert "value of the cell" in different.evalue
    assert ".py" not in "".join(different.traceback).replace("In[7].py", "")
    assert outputs(executed, 8)[0].data["text/plain"] == "False", "a cell that differs is not run in the notebook"

    assert "left nothing to compare" in error(executed, 9).evalue
    assert "%%reproducible: unrecognized arguments: --rnus" in error(executed, 10).evalue
    assert "ZeroDivisionError" in error(executed, 11).evalue
    assert {path.name for path in executed[1].iterdir()} == {".reprotest"}

    store = Store(executed[1] / ".reprotest")
    runs = {entry.name for entry in entries(store)}
    cells = leftovers.belonging(store, runs)
    assert cells, "cells go with the runs that were made of them"
    assert leftovers.abandoned(store, runs, 0.0) == []


def test_ipython_is_imported_for_nobody_else() -> None:
    code = "import sys, reprotest.cli, reprotest.api, reprotest.pytest_plugin; assert 'IPython' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent)
