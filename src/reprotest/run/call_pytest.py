"""Runs one test with pytest as a program of its own. Started by path, never imported."""

import json
import os
import sys
from pathlib import Path


def _main() -> int:
    job = json.loads(Path(sys.argv[1]).read_text())
    sys.argv = ["pytest", *job["arguments"]]
    sys.path[:] = job["path"]
    from reprotest import testing
    from reprotest.testing import repeat

    os.environ[testing.CHILD] = "1"
    return repeat.in_child(job)


if __name__ == "__main__":
    raise SystemExit(_main())
