"""Runs every bench of this folder (or those named on the command line) and prints one table of figures against their targets."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from _harness import Row, show


def main() -> int:
    """Exit code 1 when a "must" target was missed."""
    names = sys.argv[1:] or sorted(
        path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py")
    )
    rows: list[Row] = []
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        rows += importlib.import_module(f"bench_{name}").rows()
    show(rows)
    return int(any(row.verdict == "MISSED" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
