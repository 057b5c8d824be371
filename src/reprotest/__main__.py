"""`python -m reprotest`."""

from reprotest.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
