"""What an unfinished session has found, on disk until the search is over: a second call of the same command goes on from there."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from reprotest.result import Difference
from reprotest.run.command import Command
from reprotest.vary.options import VaryOptions
from reprotest.vary.result import Final
from reprotest.version import version


@dataclass(frozen=True)
class Known:
    """The outcome of one combination.

    Attributes:
        outcome: identical | different | inconclusive.
        difference: the first, as it was seen in passing.
        note: why it is inconclusive.
    """

    outcome: str
    difference: Difference | None = None
    note: str | None = None


@dataclass(frozen=True)
class Detail:
    """A whole run under one variation: where it differs first, more finely seen, and how it ends."""

    difference: Difference | None
    final: Final


@dataclass
class Partial:
    """The state of a search.

    Attributes:
        reference: folder of the run with everything held, which keeps its first and last values.
        identity: objects were told apart by creation order.
        without: factors that could not be held.
        outcomes, details: by combination ("cwd:1|locale:1").
        earlier: details that were found against an earlier reference, and still hold.
    """

    path: Path
    reference: str = ""
    identity: bool = False
    without: list[str] = field(default_factory=list)
    outcomes: dict[str, Known] = field(default_factory=dict)
    details: dict[str, Detail] = field(default_factory=dict)
    earlier: dict[str, Detail] = field(default_factory=dict)

    def detail(self, key: str) -> Detail | None:
        """What is known of a variation that differs."""
        return self.details.get(key) or self.earlier.get(key)

    def restart(self, reference: str, *, identity: bool) -> None:
        """From now on all is compared with another reference."""
        self.reference, self.identity = reference, identity
        self.earlier |= self.details
        self.outcomes.clear()
        self.details.clear()
        self.write()

    def write(self) -> None:
        """Keep the present state, whole or not at all."""
        document = {
            "reference": self.reference,
            "identity": self.identity,
            "without": self.without,
            "outcomes": {key: asdict(known) for key, known in self.outcomes.items()},
            "details": {key: asdict(detail) for key, detail in self.details.items()},
            "earlier": {key: asdict(detail) for key, detail in self.earlier.items()},
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(document))
        os.replace(part, self.path)

    def forget(self) -> None:
        """The search is over."""
        self.path.unlink(missing_ok=True)

    @classmethod
    def at(cls, root: Path, command: Command, options: VaryOptions) -> Partial:
        """What is known of this command, run like this by these packages; nothing when there is no such file, or an unreadable one."""
        path = root / "vary" / f"{_key(command, options)}.json"
        try:
            raw = json.loads(path.read_text())
            if not Path(raw["reference"]).is_dir():
                return cls(path)
            return cls(
                path,
                raw["reference"],
                raw["identity"],
                list(raw["without"]),
                {
                    key: Known(known["outcome"], _difference(known["difference"]), known["note"])
                    for key, known in raw["outcomes"].items()
                },
                _details(raw["details"]),
                _details(raw["earlier"]),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls(path)


def _details(raw: Mapping[str, Any]) -> dict[str, Detail]:
    return {key: Detail(_difference(one["difference"]), Final(**one["final"])) for key, one in raw.items()}


def _difference(raw: Mapping[str, Any] | None) -> Difference | None:
    return None if raw is None else Difference(**raw)


def _key(command: Command, options: VaryOptions) -> str:
    from reprotest.factors import factor

    told = {
        "command": [*command.argv],
        "cwd": command.cwd,
        "steps": options.steps,
        "seed": options.seed,
        "reprotest": version(),
        "packages": factor("packages").read(),
        "interpreter": factor("interpreter").read(),
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:24]
