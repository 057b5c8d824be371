"""Runs a function with arguments as a program of its own; what it returns is observed. Started by path, never imported."""

import json
import sys
from pathlib import Path


def _main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text())
    sys.argv = [f"{job['module']}:{job['name']}"]
    sys.path[:] = job["path"]
    from reprotest import function as functions  # the package that observes us, or the one on the caller's path
    from reprotest.api import observe_result

    function, args, keywords = functions.load(job)
    observe_result(function, function(*args, **keywords))


if __name__ == "__main__":
    _main()
