"""The record of one run: a folder with a stream per process, what the processes noted, the manifest and how the run ended."""

from __future__ import annotations

import json
import os
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import Any

from reprotest.errors import RecordError
from reprotest.record.event import Phase
from reprotest.record.seal import Seal, check_seal, read_seal
from reprotest.record.stream import Stream
from reprotest.record.values import ValueReader

_MOST_JSON = 64 << 20


class Record:
    """One run's record.

    Attributes:
        path: the run's folder.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._values: dict[str, ValueReader | None] = {}

    @cached_property
    def streams(self) -> dict[str, Stream]:
        """Streams by process (and thread): "main", "rank1". Raises RecordError when one is not readable."""
        streams = (Stream(path) for path in _files(self.path / "streams", ".rec"))
        return {stream.key: stream for stream in streams}

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Every factor's reading, command and interpreter; empty when there is none."""
        return _json(self.path / "manifest.json")

    @property
    def factors(self) -> dict[str, dict[str, Any]]:
        """Every factor's reading, by its id: the manifest's, or the program's own where that knows better (threads, capability)."""
        readings = {str(key): _mapping(value) for key, value in _mapping(self.manifest.get("factors")).items()}
        compared = [document for document in self.watch if document.get("key") in self.streams]
        # The last to speak is "main", if it did anything that is compared.
        for document in [*(d for d in self.watch if d not in compared), *reversed(compared)]:
            for factor, reading in _mapping(_mapping(document.get("extra")).get("readings")).items():
                readings[str(factor)] = {**readings.get(str(factor), {}), **_mapping(reading)}
        return readings

    @property
    def modules(self) -> frozenset[str]:
        """The top-level modules that the program imported."""
        return frozenset(str(name) for names in self.extras("modules") for name in _sequence(names))

    @cached_property
    def plan(self) -> dict[str, Any]:
        """What the processes of the run were told to do."""
        return _json(self.path / "plan.json")

    @property
    def sealed(self) -> bool:
        """Was the run finished and its record sealed? An unsealed record is readable as far as it goes."""
        return self.seal is not None

    @cached_property
    def seal(self) -> Seal | None:
        """The seal; None when the record has none."""
        return read_seal(self.path)

    def verify(self) -> bool:
        """Check every byte: against the seal, and every checksum of the streams.

        Returns:
            False when the record is not sealed, so that only its own checksums could be checked.

        Raises:
            RecordError: something is damaged or was changed.
        """
        found = check_seal(self.path)
        for stream in self.streams.values():
            stream.verify()
        return found is not None

    @cached_property
    def exit(self) -> dict[str, Any]:
        """How the run ended: "ended", "exit_code", "seconds"; empty while it goes on."""
        return _json(self.path / "exit.json")

    @cached_property
    def watch(self) -> list[dict[str, Any]]:
        """What each process noted, one document a process, sorted by process key."""
        documents = [_json(path) for path in _files(self.path / "watch", ".json")]
        return sorted(documents, key=lambda document: (str(document.get("key")), document.get("pid") or 0))

    @property
    def steps(self) -> int:
        """Completed steps of the longest stream."""
        return max((self._steps(stream) for stream in self.streams.values()), default=0)

    @property
    def phases(self) -> dict[str, int]:
        """How many compared events of each phase there are, in the order of phases."""
        total: Counter[Phase] = Counter()
        for stream in self.streams.values():
            for segment in stream.segments():
                for phase, n in stream.template(segment.template).phases.items():
                    total[phase] += n * segment.count
        return {phase.name.lower(): total[phase] for phase in Phase if total[phase] and phase is not Phase.STATE}

    @property
    def is_indirect(self) -> bool:
        """Was nothing observed but what the program saved, or held at its end? Then its output may say more."""
        return all(
            stream.template(segment.template).is_indirect
            for stream in self.streams.values()
            for segment in stream.segments()
        )

    def uses(self) -> dict[str, dict[str, int]]:
        """Which factors were used where and how often, over all processes; the site "" is unknown."""
        merged: dict[str, dict[str, int]] = {}
        for document in self.watch:
            for factor, sites in _mapping(document.get("factors")).items():
                into = merged.setdefault(str(factor), {})
                for site, calls in _mapping(sites).items():
                    into[str(site)] = into.get(str(site), 0) + (calls if isinstance(calls, int) else 0)
        return merged

    def notes(self) -> list[str]:
        """What the processes want said in the report, and what is torn or missing in the record itself."""
        said = [str(note) for document in self.watch for note in _sequence(document.get("notes"))]
        for stream in self.streams.values():
            if stream.torn is None:
                for _ in stream.segments():
                    pass
            if stream.torn:
                said.append(
                    f"the record of {stream.key} ends in the middle of a step ({stream.torn} bytes are not used)"
                )
        return list(dict.fromkeys(said))

    def extras(self, key: str) -> list[Any]:
        """What the processes left under a key of their own."""
        found = (_mapping(document.get("extra")) for document in self.watch)
        return [extra[key] for extra in found if key in extra]

    def values(self, key: str) -> ValueReader | None:
        """The kept values of a stream; None when none were kept."""
        if key not in self._values:
            path = self.path / "values" / (self.streams[key].path.stem + ".val") if key in self.streams else None
            self._values[key] = ValueReader(path) if path is not None and path.exists() else None
        return self._values[key]

    def close(self) -> None:
        """Let go of the files."""
        for stream in self.__dict__.pop("streams", {}).values():
            stream.close()
        for reader in self._values.values():
            if reader is not None:
                reader.close()
        self._values.clear()

    @staticmethod
    def _steps(stream: Stream) -> int:
        return sum(s.count for s in stream.segments() if stream.template(s.template).completes_step)


def open_record(run_dir: str | Path) -> Record:
    """The record in a run's folder.

    Raises:
        RecordError: there is no record in that folder, or its streams cannot be read.
    """
    path = Path(run_dir)
    if not path.is_dir():
        raise RecordError(f"{path} is not the folder of a run; name one of .reprotest/runs/")
    if not any((path / name).exists() for name in ("streams", "plan.json", "manifest.json", "exit.json")):
        raise RecordError(f"{path} holds no record (neither streams/ nor plan.json); name one of .reprotest/runs/")
    record = Record(path)
    _ = record.streams
    return record


def _files(folder: Path, suffix: str) -> list[Path]:
    try:
        return [folder / name for name in sorted(os.listdir(folder)) if name.endswith(suffix)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _sequence(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MOST_JSON:
            raise RecordError(f"{path} is larger than {_MOST_JSON >> 20} MiB; run the command again")
        return _mapping(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{path} cannot be read: {error}; run the command again") from error
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror or error}") from error
