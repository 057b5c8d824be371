"""Runs a command at commits of the user's repository, each in a checkout of its own below `.reprotest/`; theirs is left alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from reprotest.diagnose.laboratory import Course, Laboratory, Trial
from reprotest.diagnose.session import as_first
from reprotest.errors import CommandError, UsageError
from reprotest.options import OnEvent
from reprotest.run.command import Command, parse_command
from reprotest.run.state import State
from reprotest.run.store import Store

_NOT_LINKED = (".reprotest", ".git", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache")
_OURS = str(Path(__file__).parents[2])


class Repository:
    """The repository that holds a folder."""

    def __init__(self, cwd: Path, store: Store) -> None:
        """Raises UsageError where there is no repository."""
        self.cwd = cwd
        self.root = Path(self.git("rev-parse", "--show-toplevel", cwd=cwd))
        self._store = store
        self._trees = store.root / "trees"

    def git(self, *arguments: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
        """What git says. Raises UsageError with git's own words when it fails."""
        try:
            done = subprocess.run(
                ["git", "-C", str(cwd or self.root), *arguments],
                capture_output=True,
                stdin=subprocess.DEVNULL,
                check=False,
                env={**os.environ, **(env or {})},
            )
        except OSError as error:
            raise UsageError(f"git cannot be started: {error.strerror}; install it to compare commits") from error
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
            raise UsageError(f"git {arguments[0]}: {said}")
        return done.stdout.decode(errors="replace").strip()

    def commit(self, revision: str) -> str:
        """The full hash of a revision. Raises UsageError when there is none of that name."""
        if revision.startswith("-"):
            raise UsageError(f"{revision!r} is no revision")
        return self.git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}") if self._known(revision) else ""

    def _known(self, revision: str) -> bool:
        try:
            self.git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        except UsageError:
            raise UsageError(f"no commit {revision!r} in {self.root}: give a hash, a branch, a tag or HEAD~1") from None
        return True

    def title(self, commit: str) -> str:
        """Short hash and subject."""
        return self.git("log", "-1", "--format=%h %s", commit)

    def between(self, good: str, bad: str) -> list[str]:
        """The commits after `good` up to `bad`, along first parents, oldest first. Raises UsageError when `good` is no ancestor."""
        found = self.git("rev-list", "--first-parent", "--reverse", f"{good}..{bad}").split()
        if good not in self.git("rev-list", bad).split():
            raise UsageError(f"{good[:12]} is no ancestor of {bad[:12]}: give the older commit first")
        return found

    def checkout(self, commit: str) -> Path:
        """The files of a commit, beside links to what git does not keep (data, environments). Made once."""
        tree = self._trees / commit[:16]
        if tree.is_dir():
            return tree
        made = self._trees / f"{commit[:16]}.{os.getpid()}"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        # An index of our own: the user's, their branches and their list of worktrees are not touched.
        index = {"GIT_INDEX_FILE": str(made) + ".index"}
        try:
            self.git("read-tree", commit, env=index)
            self.git("checkout-index", "--all", "--force", f"--prefix={made}/", env=index)
        finally:
            Path(index["GIT_INDEX_FILE"]).unlink(missing_ok=True)
        for name in self.git("ls-files", "--others", "--directory", "--no-empty-directory", "-z").split("\0"):
            path = name.rstrip("/")
            target = made / path
            skipped = not path or any(part in _NOT_LINKED or part.endswith(".egg-info") for part in Path(path).parts)
            if skipped or target.exists() or not target.parent.is_dir() or path.endswith((".pyc", ".lock.held")):
                continue
            target.symlink_to(self.root / path)
        made.rename(tree)
        return tree

    def command(self, words: tuple[str, ...], tree: Path) -> Command:
        """The command, to be started in a checkout as it would be in the working folder. Raises CommandError."""
        program = words[:1] == ("--",)
        folder = tree / self.cwd.resolve().relative_to(self.root.resolve())
        if not folder.is_dir():
            raise CommandError(f"there is no folder {folder.relative_to(tree)} in this commit")
        return parse_command(words[1:] if program else words, program=program, cwd=str(folder))

    def env(self, tree: Path) -> dict[str, str | None]:
        """Has modules imported from the checkout that would be imported from the working folder (an editable installation, PYTHONPATH)."""
        root = str(self.root.resolve())
        given = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
        mapped = []
        for path in [*given, *sys.path]:
            real = os.path.realpath(path) if path else ""
            inside = real.startswith(root + os.sep) or real == root
            if (
                inside
                and os.path.isdir(real)
                and real != _OURS
                and "site-packages" not in real
                and "/lib/python" not in real
            ):
                mapped.append(str(tree / os.path.relpath(real, root)))
        kept = [
            path for path in given if not os.path.realpath(path).startswith(root) or os.path.realpath(path) == _OURS
        ]
        wanted = os.pathsep.join(dict.fromkeys([*mapped, *kept]))
        return {"PYTHONPATH": wanted or None}


class Revisions:
    """Runs of one command at several commits; each commit is run once, however often it is asked for."""

    def __init__(
        self,
        repository: Repository,
        words: tuple[str, ...],
        store: Store,
        on_event: OnEvent,
        steps: int | None,
        timeout: float | None,
    ) -> None:
        self.repository = repository
        self._words = words
        self._store = store
        self._on_event = on_event
        self._course = Course(stop_after_step=None if steps is None else steps - 1)
        self._timeout = timeout
        self._done: dict[str, Trial | None] = {}

    def run(self, commit: str, *, again: bool = False) -> Trial | None:
        """The run at a commit; None when the command cannot be started there or fails. `again`: one more run."""
        if commit in self._done and not again:
            return self._done[commit]
        tree = self.repository.checkout(commit)
        trial = None
        try:
            command = self.repository.command(self._words, tree)
            with State(self._store.root) as state:
                lab = Laboratory(
                    command, self._store, state, self._on_event, {"code": {"commit": commit}, "config": {}}
                )
                trial = lab.run(as_first(), self._course, timeout=self._timeout, env=self.repository.env(tree))
                lab.seal()
        except CommandError:
            pass
        if trial is not None and not trial.usable:
            trial = None
        if not again:
            self._done[commit] = trial
        return trial

    def clean(self) -> None:
        """Remove the checkouts; the records stay."""
        shutil.rmtree(self._store.root / "trees", ignore_errors=True)
