"""Files that a run reads and that an earlier run, or anyone, has changed; the network."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, Protocol

from reprotest.factors import _handed
from reprotest.factors._elsewhere import Elsewhere
from reprotest.factors._files import Files
from reprotest.factors._files import install as watch_files
from reprotest.factors._kept import VARIABLE, Keeper, roots
from reprotest.factors.base import Factor, Inside, Launch, Seen, Setting

FILES = "files"
"""Key under which a process leaves what it read and wrote."""
INPUTS = "inputs"
"""Key under which it leaves the paths of all files that it read as it found them, old ones too."""


AS_LEFT, _REHEARSED = 1, 2
_LABELS = {
    0: "as before the first run",
    AS_LEFT: "files as the last run left them",
    _REHEARSED: "after a first run in the same process",
}


_INPUTS = "start every run from the same inputs: write to a fresh folder, do not go on from what is lying there, check inputs by digest"
_PROCESS = "in a process that trains more than once, seed and set up at the start of each training, not when a module is imported"


class ExternalState(Factor):
    """Watched from inside; held from outside, by putting files back before a run starts (`reprotest.run.state`).

    A use is noted for what this one process shows to matter beyond the run: a file that it reads and later changes, a connection to
    another machine. What a run reads of an earlier run's is found by comparing two runs: `changed_inputs`.

    A run may also leave something in its process for the next one there, as in a sweep or a notebook: `reprotest.probe.rehearsal`.
    """

    id = "external.state"
    what = "what an earlier run, or anyone, has left: files, and in its process imported modules; and what comes over the network"
    fix = f"{_INPUTS}; {_PROCESS}"
    repeats = True
    order = 20

    def perturb(self, k: int) -> str | None:
        return _LABELS.get(k)

    def remedy(self, variant: int) -> str:
        return {AS_LEFT: _INPUTS, _REHEARSED: _PROCESS}.get(variant, self.fix)

    def variations(self, seen: Seen) -> Sequence[int] | str:
        return AS_LEFT, _REHEARSED

    def launch(self, setting: Setting) -> Launch:
        return Launch(env={"REPROTEST_REHEARSE": "1"}) if setting.variant == _REHEARSED else Launch()

    def may_fail(self, variant: int) -> bool:
        return variant == _REHEARSED

    def conceals(self, variant: int) -> bool:
        return variant == AS_LEFT

    def presumes_stable(self, variant: int) -> bool:
        return variant == _REHEARSED

    def watch(self, inside: Inside) -> None:
        put = getattr(inside, "put", None)
        plan = getattr(inside, "plan", None)
        folder = os.environ.get(VARIABLE)
        keeper = Keeper(folder, roots(plan.cwd)) if folder and plan is not None else None
        store = os.path.dirname(os.path.dirname(os.path.abspath(plan.run_dir))) if plan is not None else None

        def step() -> int | None:
            return getattr(inside, "steps_done", None)

        elsewhere = Elsewhere(inside, put or (lambda key, value: None), step)
        files = Files(
            inside,
            changed=(lambda facts: put(FILES, facts)) if put is not None else (lambda facts: None),
            before_write=keeper.keep if keeper is not None else (lambda path: None),
            rewritten=lambda site: inside.used(ExternalState.id, site),
            ignored=() if store is None else (store + "/",),
            step=step,
            kernel=elsewhere.read,
        )
        watch_files(inside, files)
        if put is not None:
            if "/" not in inside.process_key:  # what a Python of the program hands on is its own doing
                put(_handed.KEY, _handed.handed())
            inside.at_exit(lambda: put(INPUTS, files.inputs()))
        elsewhere.install()
        inside.on_import("socket", lambda module: _watch_connections(module, inside, elsewhere))


def _watch_connections(module: ModuleType, inside: Inside, elsewhere: Elsewhere) -> None:
    kind = module.socket

    def replace(name: str) -> None:
        real = getattr(kind, name)

        @functools.wraps(real)
        def connect(self: Any, address: Any) -> Any:
            if _is_remote(address):
                inside.used(ExternalState.id, inside.site())
                elsewhere.take("another machine")
            return real(self, address)

        setattr(kind, name, connect)

    for name in ("connect", "connect_ex"):
        replace(name)


def _is_remote(address: Any) -> bool:
    host = address[0] if isinstance(address, tuple) and address else None
    if not isinstance(host, str):
        return False  # a path: a socket of this machine
    return not (host in ("", "localhost", "::1", "0.0.0.0", "::") or host.startswith("127."))


class Left(Protocol):
    """What of a run's record is needed here: `Record` has it."""

    def extras(self, key: str) -> list[Any]: ...


def changed_inputs(earlier: Left, later: Left, until: int | None = None) -> list[tuple[str, str | None, str]]:
    """The files that the later run read in another state than the earlier one found them in.

    Args:
        earlier, later: two runs.
        until: only those that were read before this step was complete; None: all.

    Returns:
        Path, the user's line that reads it (None where there is none), and what has happened to it; those that the earlier run
        wrote itself first. A file with the same content is not among them, nor one that was only written.
    """
    before, after = _by_path(earlier), _by_path(later)
    found = []
    for path, facts in after.items():
        read, known = facts.get("read"), before.get(path)
        if read is None or known is None:  # of what only one of them has read nothing says that it has changed
            continue
        if until is not None and read.get("step", 0) > until:
            continue
        seen = known.get("read") or known.get("reread")
        if seen is not None and _same(seen, read):
            continue
        written = known.get("written")
        if written is None:
            reason = "has changed between the runs"
        else:
            reason = "was changed by the run before" if "size" in written else "was made by the run before"
        found.append((written is None, path, read.get("site"), reason))
    return [(path, site, reason) for _, path, site, reason in sorted(found, key=lambda f: f[:2])]


def _by_path(record: Left) -> dict[str, dict[str, Any]]:
    """The facts of all processes of a run; the first that read or wrote a path counts."""
    merged: dict[str, dict[str, Any]] = {}
    for files in record.extras(FILES):
        if isinstance(files, Mapping):
            for path, facts in files.items():
                merged[path] = {**facts, **merged.get(path, {})}
    return merged


def _same(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    if a.get("digest") and b.get("digest"):
        return bool(a["digest"] == b["digest"])
    return all(a.get(key) == b.get(key) for key in ("size", "mtime", "inode"))
