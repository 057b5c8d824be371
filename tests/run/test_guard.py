"""What a run leaves running when it is cut short, in whatever way."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid

import pytest

from reprotest.run.guard import guarded

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells whose process it is")


def start(mark: str) -> subprocess.Popen[bytes]:
    name, _, value = mark.partition("=")
    return subprocess.Popen(["sleep", "60"], env={**os.environ, name: value}, start_new_session=True)


def test_an_interrupt_leaves_no_process_that_nobody_holds_yet() -> None:
    mark = f"REPROTEST_PLAN={uuid.uuid4()}"
    with pytest.raises(KeyboardInterrupt), guarded(mark):  # noqa: PT012
        process = start(mark)
        raise KeyboardInterrupt
    assert process.wait(5) == -9


def test_where_all_is_well_nothing_is_killed() -> None:
    mark = f"REPROTEST_PLAN={uuid.uuid4()}"
    with guarded(mark):
        process = start(mark)
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
    finally:
        process.kill()
        process.wait()
