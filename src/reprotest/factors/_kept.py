"""Keeps what a file was before the first run of a session changed it, so that later runs can be given the same.

One small JSON file per path, named by a hash of it: {"path", "kind": "file" | "directory" | "link" | null (there was nothing), "mode",
"mtime", "target" (of a link), "kept"}, with the content beside it (".data"). Sockets and pipes hold nothing and are passed over. The first process that is about to change a path decides; `reprotest.run.state` puts things back.
"""

from __future__ import annotations

import json
import os
import stat
from typing import Any

VARIABLE = "REPROTEST_STATE"
"""Environment variable naming the session's folder; without it nothing is kept."""
MOST_BYTES = 256 << 20
"""Larger files are not kept; the state of a program with such a file cannot be varied."""

_replace, _unlink = os.replace, os.unlink  # these are watched (`_files`)


class Keeper:
    """Keeps the state before the first change of paths below `roots` in `folder`. Raises nothing but OSError."""

    def __init__(self, folder: str, roots: tuple[str, ...]) -> None:
        self._folder = folder
        named = [root for root in roots if root.startswith("/") and root != "/"]
        self._roots = tuple({root.rstrip("/") + "/" for root in (*named, *map(os.path.realpath, named))})

    def keep(self, path: str) -> None:
        """Called right before `path` (absolute) is changed. Where it is a link, what it points at may be what is changed."""
        parent, name = os.path.split(path)
        real = os.path.join(os.path.realpath(parent), name)  # a link on the way there may soon point elsewhere
        self._keep(real)
        if os.path.islink(real):
            self._keep(os.path.realpath(real))

    def _keep(self, path: str) -> None:
        if not path.startswith(self._roots) or path.startswith(self._folder + "/"):
            return
        target = os.path.join(self._folder, name_of(path))
        # The same is done whether an earlier run has kept it or not: else that run would allocate differently, and so all that
        # depends on addresses would differ from later runs.
        known = os.path.exists(target + ".json")
        entry, content = _entry(path)
        if entry["kind"] == "passing":
            return
        part = f"{target}.{os.getpid():07d}"
        if content:
            import shutil  # slow to import, and seldom needed

            if not known:
                shutil.copyfile(path, part + ".data")
                if not os.path.exists(target + ".data"):
                    _replace(part + ".data", target + ".data")
        with open(part, "w", encoding="utf-8") as file:
            json.dump(entry, file)
        try:
            if not known:
                os.link(part, target + ".json")  # fails when another process was first
        except FileExistsError:
            pass
        finally:
            _unlink(part)


def name_of(path: str) -> str:
    """Name of the record of a path."""
    from hashlib import sha1

    return sha1(path.encode(errors="surrogateescape"), usedforsecurity=False).hexdigest()


def roots(cwd: str) -> tuple[str, ...]:
    """Below these folders a program's state is kept: where it was started, the user's caches, and temporary files."""
    home = os.path.expanduser("~")
    named = ("XDG_CACHE_HOME", "HF_HOME", "TORCH_HOME", "KERAS_HOME")
    return (
        cwd,
        os.path.realpath(cwd),
        os.path.join(home, ".cache"),
        os.environ.get("TMPDIR") or "/tmp",
        *(os.path.abspath(os.environ[name]) for name in named if os.environ.get(name)),
    )


def _entry(path: str) -> tuple[dict[str, Any], bool]:
    """What is to be known of the path's present state, and whether there is content to keep."""
    entry: dict[str, Any] = {"path": path, "kind": None, "kept": True}
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return entry, False
    entry.update(mode=stat.S_IMODE(found.st_mode), mtime=found.st_mtime_ns)
    if stat.S_ISDIR(found.st_mode):
        entry["kind"] = "directory"
        return entry, False
    if stat.S_ISLNK(found.st_mode):
        entry.update(kind="link", target=os.readlink(path))
        return entry, False
    if not stat.S_ISREG(found.st_mode):
        entry["kind"] = "passing"
        return entry, False
    entry.update(kind="file", kept=found.st_size <= MOST_BYTES)
    return entry, entry["kept"]
