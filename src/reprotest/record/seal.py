"""Seals a finished record with a tree of SHA-256 hashes, so that any byte that is changed later is detected.

    leaf      sha256(0x00, at most 1 MiB of a file)
    node      sha256(0x01, left, right); an odd one at the end of a level goes up as it is (RFC 6962 has the same two prefixes)
    file      the tree over its leaves; of an empty file sha256(0x00)
    record    the tree over its files in the order of their names, each a leaf: sha256(0x00, name, 0x00, size, root)

The seal is `seal.json`, written last and whole. A record without one (the run was killed, or goes on) is readable all the same.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprotest.errors import RecordError
from reprotest.record.files import write_whole

NAME = "seal.json"
SCHEMA = "reprotest.seal/1"
_LEAF = 1 << 20
_MOST = 16 << 20


@dataclass(frozen=True)
class Seal:
    """What was true of a record when it was sealed.

    Attributes:
        tree: hash of the whole record, in hexadecimal.
        files: size in bytes and hash of each file, by its path in the record.
    """

    tree: str
    files: dict[str, tuple[int, str]]


def seal(folder: Path) -> Seal:
    """Seal a record as it is now. Raises OSError."""
    made = _seal_of(folder)
    document = {"schema": SCHEMA, "tree": made.tree, "files": {k: list(v) for k, v in made.files.items()}}
    write_whole(folder / NAME, json.dumps(document, indent=1) + "\n")
    return made


def read_seal(folder: Path) -> Seal | None:
    """The seal of a record; None when it has none.

    Raises:
        RecordError: the seal cannot be read.
    """
    path = folder / NAME
    try:
        if path.stat().st_size > _MOST:
            raise RecordError(f"{path} is larger than {_MOST >> 20} MiB, so it is no seal of ours")
        raw: Any = json.loads(path.read_bytes())
        if raw["schema"] != SCHEMA:
            raise RecordError(f"{path} says {raw['schema']!r:.60}, expected {SCHEMA!r}: read it with a newer reprotest")
        return Seal(str(raw["tree"]), {str(k): (int(n), str(root)) for k, (n, root) in raw["files"].items()})
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise RecordError(
            f"{path} cannot be read: {error!r:.120}; the seal is damaged: record the run again"
        ) from error


def check_seal(folder: Path) -> Seal | None:
    """Compare every byte of a record with its seal. None when the record has no seal.

    Raises:
        RecordError: a file was changed, removed or added, or the seal itself was changed.
    """
    expected = read_seal(folder)
    if expected is None:
        return None
    found = _seal_of(folder)
    for name in sorted(expected.files.keys() | found.files.keys()):
        where = folder / name
        if name not in found.files:
            raise RecordError(f"{where} is gone since the record was sealed; record the run again")
        if name not in expected.files:
            raise RecordError(f"{where} is no part of the sealed record: remove it")
        if found.files[name] != expected.files[name]:
            raise RecordError(f"{where} was changed since the record was sealed; record the run again")
    if found.tree != expected.tree:
        raise RecordError(f"{folder / NAME} was changed: its hashes do not go together; record the run again")
    return expected


def _seal_of(folder: Path) -> Seal:
    files = {name: _file(folder / name) for name in sorted(_names(folder))}
    leaves = [
        hashlib.sha256(b"\0" + name.encode("utf-8", "surrogateescape") + b"\0" + size.to_bytes(8, "little") + root)
        for name, (size, root) in files.items()
    ]
    tree = _tree([leaf.digest() for leaf in leaves])
    return Seal(tree.hex(), {name: (size, root.hex()) for name, (size, root) in files.items()})


def _names(folder: Path) -> Iterator[str]:
    for where, folders, files in os.walk(folder):
        for name in (*files, *(f for f in folders if os.path.islink(os.path.join(where, f)))):
            path = os.path.relpath(os.path.join(where, name), folder)
            if path != NAME:
                yield path


def _file(path: Path) -> tuple[int, bytes]:
    if path.is_symlink() or not path.is_file():
        raise RecordError(f"{path} is no ordinary file, which a record holds nothing else of: remove it")
    leaves, size = [], 0
    buffer = memoryview(bytearray(_LEAF))
    with open(path, "rb", buffering=0) as file:
        while n := _fill(file, buffer):
            size += n
            leaves.append(hashlib.sha256(b"\0"))
            leaves[-1].update(buffer[:n])
            if n < _LEAF:
                break
    return size, _tree([leaf.digest() for leaf in leaves] or [hashlib.sha256(b"\0").digest()])


def _fill(file: Any, buffer: memoryview) -> int:
    at = 0
    while at < len(buffer) and (n := file.readinto(buffer[at:])):
        at += n
    return at


def _tree(level: Sequence[bytes]) -> bytes:
    """The root over these leaves."""
    if not level:
        return hashlib.sha256(b"").digest()
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\1" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level = [*pairs, *level[len(pairs) * 2 :]]
    return level[0]
