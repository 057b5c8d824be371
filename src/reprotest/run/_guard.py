"""Outlives whoever started it to end what that one left: a program of its own, `python -I -S _guard.py MARK` with a pipe as its input.

When the pipe closes without the word that all is well, its other end was killed, and every process whose environment holds MARK is
killed too. Kept to what starts in a hundredth of a second.
"""

import os
import signal
import sys
import time

_QUIET = 0.5
"""Seconds without a find after which nothing is left: what is being started just now does not show its environment yet."""


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    mark = os.fsencode(sys.argv[1])
    if os.read(0, 1):
        return
    last = time.monotonic()
    while time.monotonic() - last < _QUIET:
        if _kill(mark):
            last = time.monotonic()
        time.sleep(0.02)


def _kill(mark: bytes) -> bool:
    found = False
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                if mark not in file.read().split(b"\0"):
                    continue
            os.kill(int(name), signal.SIGKILL)
            found = True
        except OSError:
            continue
    return found


if __name__ == "__main__":
    main()
