"""Starts `python -m reprotest …` in forks of itself, so that two hundred of them do not import everything anew.

Reads a folder and arguments from each line of its input (JSON), answers with the number of the process.
"""

from __future__ import annotations

import json
import os
import signal
import sys

import numpy  # noqa: F401  # imported once, for all

from reprotest import api, cli, manifest  # noqa: F401
from reprotest.diagnose import session  # noqa: F401
from reprotest.lock import check, make  # noqa: F401
from reprotest.report import terminal  # noqa: F401


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for line in sys.stdin:
        folder, *arguments = json.loads(line)
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            os.chdir(folder)
            null = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(null, number)
            os._exit(cli.main(arguments))
        print(pid, flush=True)


if __name__ == "__main__":
    main()
