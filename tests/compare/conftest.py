from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for made_runs

from made_runs import Run, write_run

from reprotest.record import Record


@pytest.fixture
def make(tmp_path: Path) -> Callable[[Run], Record]:
    """Write a run and open its record."""
    count = 0

    def write(run: Run) -> Record:
        nonlocal count
        count += 1
        return write_run(tmp_path / f"run{count}", run)

    return write
