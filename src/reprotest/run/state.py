"""Gives runs the same files to start from: as they were before the first run of a session, or as the last run left them.

What the runs themselves are about to change is kept by them, before they do (`reprotest.factors._kept`), in the session's folder. From the
moment on at which the session `freeze`s, that folder also holds what the user's files are to be in the end, and they are put back there
whatever happens: at the end of the session, or, after a crash, at the start of the next one (`repair`).

Nothing is deleted that is not kept, and only paths are touched that a run has changed.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from reprotest.factors import Setting
from reprotest.factors._kept import MOST_BYTES, VARIABLE, name_of
from reprotest.factors.external_state import AS_LEFT
from reprotest.record import Record
from reprotest.run.processes import started

_MOST_OF_ALL = 2 << 30
"""Bytes that a session keeps twice; with more to keep, the state is not varied."""
_OWNER, _FROZEN, _AFTER = "owner.json", "frozen.json", "after"


@dataclass(frozen=True)
class _Entry:
    """A path as it was at one moment. `content`: the kept bytes; None for what is no file. `target`: of a link."""

    path: Path
    kind: str | None
    mode: int
    mtime: int
    content: Path | None
    kept: bool
    target: str = ""


class State:
    """The files that the runs of one session change.

    A context manager round the session. Before `freeze` it only collects; nothing of the user's is touched.

    Args:
        root: the folder `.reprotest`.
    """

    def __init__(self, root: Path) -> None:
        self._root = root / "state"
        # Of one length whoever we are: the runs have it in their environment, the size of which moves their stack.
        self._folder = self._root / f"{os.getpid():07d}-{started(os.getpid()):0>12}"
        self._frozen = False
        self._as_left = True
        self.refused: str | None = None
        """Why the state cannot be varied, in a sentence; None when it can."""

    def __enter__(self) -> State:
        repair(self._root.parent)
        try:
            (self._folder / _AFTER).mkdir(parents=True, exist_ok=True)
            (self._folder / _OWNER).write_text(json.dumps({"pid": os.getpid(), "started": started(os.getpid())}))
        except OSError as error:
            self.refused = f"files could not be kept: {error}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _put_back(self._folder)

    @property
    def env(self) -> dict[str, str]:
        """What a run needs in its environment in order to keep what it changes."""
        return {} if self.refused else {VARIABLE: str(self._folder)}

    def freeze(self, *, leave: str = "after") -> str | None:
        """From now on the runs are experiments: they can be given either state, and leave no trace in the end.

        Args:
            leave: what the files are to be in the end: as they are now ("after"), or as they were "before" the session's first run.

        Returns:
            Why that cannot be done, in a sentence; nothing has changed then, and `hold` does nothing.
        """
        if self._frozen or self.refused:
            return self.refused
        entries = _entries(self._folder)
        if not self._keep_present(entries):
            return self.refused
        _write(self._folder / _FROZEN, {"leave": leave})
        self._frozen = True
        return None

    def mark(self) -> str | None:
        """Let "as the last run left them" mean the present state of the files. Returns why that cannot be done; None when it can."""
        if self.refused:
            return self.refused
        for kept in (self._folder / _AFTER).iterdir():
            kept.unlink()
        if not self._keep_present(_entries(self._folder)):
            self._frozen = False  # from here on files stay as they are, until the end puts them back
        return self.refused

    def _keep_present(self, entries: list[_Entry]) -> bool:
        """Keep what the paths of these entries are now."""
        try:
            lost = next((e.path for e in entries if not e.kept), None)
            if lost is not None:
                raise OSError(f"{lost} is larger than {MOST_BYTES >> 20} MiB")
            left = [_now(e.path, None) for e in entries]
            sizes = sum(_size(e.path) for e in left if e.kind == "file") + sum(
                _size(e.content) for e in entries if e.content
            )
            if sizes > min(_MOST_OF_ALL, shutil.disk_usage(self._folder).free // 2):
                raise OSError(f"the files that the runs change hold {sizes >> 20} MiB")
            for entry in left:
                _keep(entry, self._folder / _AFTER)
        except OSError as error:
            self.refused = f"the files that the runs change could not be varied: {error}"
            return False
        return True

    def cut(self) -> None:
        """Called after a run that was ended early: what it had not put in order again (a lock, half a file) is not for the next one."""
        self._as_left = False

    def hold(self, setting: Setting | None) -> None:
        """Called before a run starts: give it the files as `setting` says. Free (None): as the last free run left
        them, or, where that was `cut`, as the last run before the experiments did.

        Raises:
            OSError: a file could not be put into place.
        """
        if not self._frozen:
            return
        if setting is None and self._as_left:
            return
        self._as_left = setting is None or setting.variant == AS_LEFT
        for entry in _in_order(_wanted(self._folder, as_left=self._as_left)):
            _restore(entry)
        if setting is not None:
            self._as_left = False  # the experiment changes them in its turn


def matters(earlier: Record, later: Record) -> bool:
    """Can the later run have met with what the earlier one left?"""
    from reprotest.factors.external_state import FILES

    touched = {path for files in earlier.extras(FILES) for path, facts in files.items() if "written" in facts}
    return any(path in touched for files in later.extras(FILES) for path in files)


def repair(root: Path) -> list[str]:
    """Put back what sessions left that were killed in the middle. Returns the paths of those sessions' files."""
    repaired = []
    for folder in sorted(root.glob("state/*-*")):
        try:
            owner = json.loads((folder / _OWNER).read_text())
            if started(owner["pid"]) == owner["started"]:
                continue  # it is still at work
        except (OSError, ValueError, KeyError, TypeError):
            pass
        repaired += _put_back(folder)
    return repaired


# --- one folder -------------------------------------------------------------------------------------------------


def _put_back(folder: Path) -> list[str]:
    """The user's final state of all files, then away with the folder. What cannot be put back stays in it."""
    done, failed = [], False
    if (folder / _FROZEN).exists():
        for entry in _in_order(_wanted(folder, as_left=_leave(folder) == "after")):
            try:
                _restore(entry)
                done.append(str(entry.path))
            except OSError:
                failed = True
    if not failed:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # another session's folder lies there
            folder.parent.rmdir()
    return done


def _leave(folder: Path) -> str:
    try:
        return str(json.loads((folder / _FROZEN).read_text())["leave"])
    except (OSError, ValueError, KeyError, TypeError):
        return "after"


def _wanted(folder: Path, *, as_left: bool) -> list[_Entry]:
    """The state of all paths that the runs have changed. What only experiments change is always to be as it was before."""
    wanted = {e.path: e for e in _entries(folder)}
    if as_left:
        wanted |= {e.path: e for e in _entries(folder / _AFTER)}
    return [entry for entry in wanted.values() if entry.kept]


def _entries(folder: Path) -> list[_Entry]:
    found = []
    for file in folder.glob("*.json"):
        if file.name in (_OWNER, _FROZEN):
            continue
        try:
            raw: dict[str, Any] = json.loads(file.read_text())
            content = file.with_suffix(".data")
            found.append(
                _Entry(
                    Path(raw["path"]),
                    raw["kind"],
                    raw.get("mode", 0o644),
                    raw.get("mtime", 0),
                    content if content.exists() else None,
                    raw["kept"],
                    raw.get("target", ""),
                )
            )
        except (OSError, ValueError, KeyError):
            continue
    return found


def _now(path: Path, content: Path | None) -> _Entry:
    """The path's present state."""
    if path.is_symlink():
        return _Entry(path, "link", 0o777, 0, None, True, os.readlink(path))
    if not (path.is_file() or path.is_dir()):  # nothing, or a socket or pipe, which holds nothing
        return _Entry(path, None, 0o644, 0, None, True)
    found = path.stat()
    return _Entry(
        path, "directory" if path.is_dir() else "file", found.st_mode & 0o7777, found.st_mtime_ns, content, True
    )


def _keep(entry: _Entry, folder: Path) -> None:
    target = folder / name_of(str(entry.path))
    if entry.kind == "file":
        shutil.copyfile(entry.path, target.with_suffix(".data"))
    document = {
        "path": str(entry.path),
        "kind": entry.kind,
        "mode": entry.mode,
        "mtime": entry.mtime,
        "target": entry.target,
        "kept": True,
    }
    _write(target.with_suffix(".json"), document)


def _write(path: Path, document: Any) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(document))
    os.replace(part, path)


def _in_order(entries: list[_Entry]) -> list[_Entry]:
    """What is to be a folder before what lies in it; what is to be gone after it."""
    there = sorted((e for e in entries if e.kind is not None), key=lambda e: len(e.path.parts))
    return there + sorted((e for e in entries if e.kind is None), key=lambda e: -len(e.path.parts))


def _restore(entry: _Entry) -> None:
    """Make the path what the entry says. A folder that holds other files is left where it is."""
    path = entry.path
    if entry.kind == "directory":
        path.mkdir(parents=True, exist_ok=True)
        return
    part = path.with_name(f".{path.name}.reprotest")
    if entry.kind == "link":
        path.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        part.symlink_to(entry.target)
        os.replace(part, path)
        return
    if entry.kind == "file":
        if entry.content is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(entry.content, part)
        os.chmod(part, entry.mode)
        os.utime(part, ns=(entry.mtime, entry.mtime))
        os.replace(part, path)
        return
    if path.is_dir() and not path.is_symlink():
        with suppress(OSError):  # something else lies in it
            path.rmdir()
    else:
        path.unlink(missing_ok=True)


def _size(path: Path | None) -> int:
    return path.stat().st_size if path is not None and path.exists() else 0
