"""Clears up after a session that was killed: ends its processes and puts the user's files back.

A process of its own, in a session of its own, that waits until the other end of its standard input is closed. When the session ends
by itself it says so first, and there is nothing to do.

    python -m reprotest.run.guardian STORE MARK [FOLDER...]

STORE is the folder `.reprotest`, MARK the variable that the processes of the session have in their environment ("NAME=value"), and
each FOLDER is deleted.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_DONE = b"done"


@contextmanager
def guarded(store: Path, mark: str, folders: Sequence[Path] = ()) -> Iterator[None]:
    """While the context lasts, SIGKILL cannot leave anything behind. The folders are deleted in any case.

    Args:
        store: the folder `.reprotest`.
        mark: a "NAME=value" pair in the environment of all processes that are to end with this one.
        folders: below the store.
    """
    command = [sys.executable, "-P", "-m", __name__, str(store), mark, *map(str, folders)]
    path = os.pathsep.join(part for part in (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")) if part)
    with subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            yield
        finally:
            _delete(folders)
            with suppress(OSError):
                assert process.stdin is not None
                process.stdin.write(_DONE)
                process.stdin.close()


def _delete(folders: Sequence[Path]) -> None:
    import shutil

    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _watch(store: Path, mark: str, folders: Sequence[Path]) -> None:
    if sys.stdin.buffer.read() == _DONE:
        return
    from reprotest.run.processes import kill_marked
    from reprotest.run.state import repair

    kill_marked(mark.encode())
    repair(store)
    _delete(folders)


if __name__ == "__main__":
    _watch(Path(sys.argv[1]), sys.argv[2], [Path(name) for name in sys.argv[3:]])
