"""What an experiment was given: digests of the files that it read, and what is said about seeds."""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from reprotest.config.load import RECORDED
from reprotest.factors.external_state import FILES, INPUTS
from reprotest.record import Record
from reprotest.secrets import is_secret_name

_CONFIGURATION = (".yaml", ".yml", ".toml", ".json", ".cfg", ".ini", ".conf", ".gin")
_MOST_BYTES = 1 << 30
"""Larger files are told by their size."""
_MOST_OF_A_FOLDER = 20
_SEED = re.compile(r"(?:[+~-]*[\w.]*)seed\w*", re.IGNORECASE)


def read_files(record: Record, root: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Digests of the configuration, and of the data, that a run read as it found them.

    Args:
        record: the run's.
        root: paths below it are given relative to it, others with ~ for the home directory.

    Returns:
        Configuration files and data files, by path. What `load_config` made of a configuration, overrides and variables included, is
        there as "config.yaml, resolved". Of a folder of which many were read, one digest for all: "data/* (1200 files)".
        What the run itself wrote is not among them, nor what it found changed or gone afterwards.
    """
    paths = {str(path) for paths in record.extras(INPUTS) for path in paths if isinstance(path, str)}
    for files in record.extras(FILES):
        paths -= {path for path, facts in files.items() if "written" in facts}
    config: dict[str, str] = {}
    data: dict[str, dict[str, str]] = defaultdict(dict)
    for path in sorted(paths):
        shown = _shown(path, root)
        digest = _digest(path)
        if digest is None:
            continue
        if path.endswith(_CONFIGURATION):
            config[shown] = digest
        else:
            data[os.path.dirname(shown)][shown] = digest
    config |= _resolved(record)
    grouped: dict[str, str] = {}
    for folder, files in data.items():
        if len(files) <= _MOST_OF_A_FOLDER:
            grouped |= files
        else:
            listed = "\n".join(f"{name} {digest}" for name, digest in sorted(files.items()))
            grouped[f"{folder}/* ({len(files)} files)"] = _short(hashlib.sha256(listed.encode()))
    return config, grouped


def _resolved(record: Record) -> dict[str, str]:
    """Digests of the configurations that the run's processes loaded; one for all that they made of the same file."""
    found: dict[str, set[str]] = defaultdict(set)
    for entries in record.extras(RECORDED):
        for entry in entries:
            found[str(entry["file"])].add(str(entry["digest"]))
    return {
        f"{file}, resolved": _short(hashlib.sha256("\n".join(sorted(digests)).encode()))
        for file, digests in sorted(found.items())
    }


def seeds(command: Sequence[str], environment: dict[str, object]) -> dict[str, str]:
    """Options with "seed" in their name, and PYTHONHASHSEED."""
    found = {}
    for word, following in zip(command, [*command[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if is_secret_name(name) or not _SEED.fullmatch(name):
            continue
        if equals:
            found[name] = value
        elif word.startswith("-") and following and not following.startswith("-"):
            found[name] = following
    if "PYTHONHASHSEED" in environment:
        found["PYTHONHASHSEED"] = str(environment["PYTHONHASHSEED"])
    return found


def _shown(path: str, root: Path) -> str:
    for base, before in ((str(root), ""), (os.path.expanduser("~"), "~/")):
        if path.startswith(base.rstrip("/") + "/"):
            return before + os.path.relpath(path, base)
    return path


def _digest(path: str) -> str | None:
    hasher = hashlib.sha256()
    try:
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if size > _MOST_BYTES:
                return f"{size} bytes"
            while block := file.read(1 << 20):
                hasher.update(block)
    except OSError:
        return None
    return _short(hasher)


def _short(hasher: hashlib._Hash) -> str:
    return f"sha256:{hasher.hexdigest()[:32]}"
