"""What a process is handed by whoever starts it: arguments, and variables of its environment.

A shell script makes them up anew for every run (`--seed $RANDOM`, `SEED=$(date +%s)`), and no factor reaches into a shell.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reprotest.digest.algorithm import hash128
from reprotest.secrets import is_secret_name, mask_command

KEY = "handed"
"""Key under which a process leaves what it was handed: {"arguments": [...], "variables": {name: digest of the value}}."""
_NO_VARIABLES = re.compile(r"_|SHLVL|PWD|OLDPWD|(REPROTEST|TORCHELASTIC|MASTER|DASK|JPY|PYTEST)_\w+")
"""Those of shells and launchers, which are others in every run."""
_MOST_WORDS = 3


@dataclass(frozen=True)
class Other:
    """Something that two runs of one program were handed otherwise.

    Attributes:
        factor_id: what to call it by.
        what: one clause: "it is started with other arguments every time (--seed 4, then --seed 7)".
    """

    factor_id: str
    what: str


def handed() -> dict[str, Any]:
    """What this process was handed. Secrets are masked, variables with a secret's name left out."""
    variables = {
        name: hash128(os.fsencode(value)).hex()
        for name, value in os.environ.items()
        if not _NO_VARIABLES.fullmatch(name) and not is_secret_name(name)
    }
    return {"arguments": mask_command(sys.orig_argv), "variables": variables}


def others(first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]]) -> list[Other]:
    """What the processes of two runs were handed otherwise. Processes of one name are compared in the order of their numbers.

    Args:
        first, second: the notes of all processes of a run (`Record.watch`).
    """
    found: dict[Other, None] = {}
    for one, other in zip(_told(first), _told(second), strict=False):
        if one[0] == other[0]:
            found |= dict.fromkeys(_differing(one[1], other[1]))
    return list(found)


def _told(watch: Sequence[Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    told = [(str(document.get("key")), (document.get("extra") or {}).get(KEY)) for document in watch]
    return [(key, what) for key, what in told if what]


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Other]:
    words = list(_differing_words(one["arguments"], other["arguments"]))
    if words:
        shown = ", ".join(f"{a}, then {b}" for a, b in words[:_MOST_WORDS])
        yield Other("external.state", f"it is started with other arguments every time ({shown})")
    for name, digest in one["variables"].items():
        if other["variables"].get(name, digest) != digest:
            yield Other("environment", f"the variable {name} has another value every time")


def _differing_words(one: Sequence[str], other: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Words that differ, with the option before them."""
    if len(one) != len(other):
        return
    for number, (a, b) in enumerate(zip(one, other, strict=True)):
        if a != b:
            option = f"{one[number - 1]} " if number and one[number - 1].startswith("-") else ""
            yield option + a, option + b
