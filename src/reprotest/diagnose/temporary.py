"""Removes what an experiment left behind of its temporary files.

With its names held, the next run would meet them and have to take others; and a diagnosis of twenty runs is not to fill the disk.
"""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress

from reprotest.factors.os_entropy import TEMPORARY
from reprotest.record import Record

_MACHINERY = "pymp-"
"""So multiprocessing names the folders for its sockets, and deletes them when a process ends by itself."""


def clear_away(record: Record, since: float, *, everything: bool = True) -> None:
    """Delete the temporary files and folders that a run made and did not delete.

    Args:
        record: of the run, which has ended.
        since: when it was started, in seconds of the wall clock: what is older was somebody else's.
        everything: else only what the program knows nothing of.
    """
    for paths in record.extras(TEMPORARY):
        for path in paths if isinstance(paths, list) else ():
            with suppress(OSError, TypeError):
                found = os.lstat(path)
                if found.st_ctime < since or not (everything or os.path.basename(path).startswith(_MACHINERY)):
                    continue
                if stat.S_ISDIR(found.st_mode):
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    os.unlink(path)
