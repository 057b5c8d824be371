"""Downloaded files on their way into the Nix store, so that a run which was cut short goes on where it stopped."""

import os
import shutil
from pathlib import Path

import store

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reprotest/prefetch"


def take(pin, directories):
    """Add a pin's file from the first directory that has it. What an earlier run left half-finished is dropped."""
    kept = CACHE / pin.store_name
    if kept.is_file():
        if store.sha256(kept) == pin.sha256:
            keep(pin, kept)
            return True
        kept.unlink()
    for directory in directories:
        if (directory / pin.file).is_file():
            keep(pin, shutil.copy(directory / pin.file, kept))
            return True
    return False


def keep(pin, path):
    """Move a downloaded file into the store."""
    named = CACHE / pin.store_name
    if Path(path) != named:
        shutil.move(path, named)
    store.add(pin, named)
    named.unlink()
