"""`--fix`: what can be mended without harm, and how to take it back."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from reprotest.audit.finding import Finding
from reprotest.audit.repository import Repository
from reprotest.errors import StorageError, UsageError
from reprotest.run.store import Store

_LAST = "doctor-fix.json"
PATCH = "doctor-fix.patch"


def mend(repository: Repository, findings: Iterable[Finding]) -> list[tuple[str, str | None, str]]:
    """Write what the checks of these findings can mend; returns (file, old text, new text). What was there is kept for `undo`.

    Raises:
        UsageError: a file cannot be written.
        StorageError: what was there before cannot be kept.
    """
    checks = dict.fromkeys(f.check for f in findings if f.reason is None and not f.known and f.check.mend is not None)
    changes: dict[str, str] = {}
    for check in checks:
        assert check.mend is not None
        for path, text in check.mend(repository).items():
            if text != repository.text(path):
                changes[path] = text
    done = [
        (path, repository.text(path) if repository.has(path) else None, new) for path, new in sorted(changes.items())
    ]
    if not done:
        return []
    store = Store.at(str(repository.root)).root
    kept = [{"file": path, "before": old, "after": _digest(new)} for path, old, new in done]
    try:
        (store / _LAST).write_text(
            json.dumps({"root": str(repository.root.resolve()), "files": kept}), encoding="utf-8"
        )
        (store / PATCH).write_text("".join(difference(*change) for change in done), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot write to {store}: {error.strerror or error}; nothing was changed") from error
    for path, _, new in done:
        _write(repository.root / path, new)
    return done


def undo(root: Path) -> list[str]:
    """Put the files of the last `--fix` back as they were; returns their names.

    Raises:
        UsageError: there is nothing to undo, or a file has been changed since.
    """
    file = Store.at(str(root)).root / _LAST
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        kept = [(str(item["file"]), item["before"], str(item["after"])) for item in content["files"]]
        if content["root"] != str(root.resolve()):
            raise KeyError
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(
            "there is nothing to undo here: `doctor --fix` has changed nothing since the last --undo"
        ) from None
    for path, _, after in kept:
        target = root / path
        if not target.is_file() or _digest(target.read_text(encoding="utf-8", errors="replace")) != after:
            raise UsageError(
                f"{path} was changed after `doctor --fix`, so nothing is undone: take the lines back by hand "
                f"({file.with_name(PATCH)} shows them)"
            )
    for path, before, _ in kept:
        if before is None:
            (root / path).unlink()
        else:
            _write(root / path, str(before))
    file.unlink()
    return [path for path, _, _ in kept]


def difference(path: str, old: str | None, new: str) -> str:
    """A change as a unified diff."""
    lines = difflib.unified_diff(
        (old or "").splitlines(keepends=True),
        new.splitlines(keepends=True),
        f"a/{path}" if old is not None else "/dev/null",
        f"b/{path}",
    )
    return "".join(line if line.endswith("\n") else line + "\n" for line in lines)


def _write(target: Path, text: str) -> None:
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror or error}") from error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
