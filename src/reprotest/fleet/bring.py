"""Puts the records that came from other hosts into the store, checked against their seals."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from reprotest.compare.outcome import from_json
from reprotest.errors import RecordError, StorageError
from reprotest.fleet.crew import Answer, Status
from reprotest.fleet.groups import Member
from reprotest.record import Record, open_record
from reprotest.record.seal import check_seal
from reprotest.run.store import Store

_NAME = re.compile(r"[\w.-]{1,80}")


def members(answers: list[Answer], store: Store) -> list[Member]:
    """The finished replicates, with their records now in the store. Raises RecordError, StorageError."""
    found = []
    for answer in answers:
        if answer.status is Status.DONE:
            result = answer.result
            outcome = from_json(f"the result of {answer.target.name}", result["outcome"])
            record = received(str(result["name"]), result["files"].items(), store) if result["files"] else None
            platform = {str(k): str(v) for k, v in result["platform"].items()}
            found.append(
                Member(answer.target, str(result["host"]), outcome, platform, record, float(result["seconds"]))
            )
    return found


def received(name: str, parts: Iterable[tuple[str, bytes]], store: Store) -> Record:
    """Put a record into the store, once all of it is there and as it was sealed.

    Args:
        name: of the record.
        parts: (path in the record, what comes next of that file).
        store: where to.

    Raises:
        RecordError: what came is not what was sealed, or would not stay inside of the store.
        StorageError: the store cannot be written.
    """
    if not _NAME.fullmatch(name) or name.startswith("."):
        raise RecordError(f"{name!r:.80} is no name of a record: do not trust that host")
    coming, target = store.root / "new" / name, store.root / "runs" / name
    shutil.rmtree(coming, ignore_errors=True)
    try:
        for path, content in parts:
            relative = PurePosixPath(path)
            if relative.is_absolute() or ".." in relative.parts:
                raise RecordError(f"{path!r:.80} would lie outside of its record: do not trust that host")
            place = Path(coming, *relative.parts)
            place.parent.mkdir(parents=True, exist_ok=True)
            with open(place, "ab") as file:
                file.write(content)
        if check_seal(coming) is None:
            raise RecordError(f"the record {name} came without a seal; run the command again")
        if not target.exists():
            coming.rename(target)
    except OSError as error:
        raise StorageError(f"cannot write {coming}: {error.strerror or error}; make room on this disk") from error
    finally:
        shutil.rmtree(coming, ignore_errors=True)
    return open_record(target)
