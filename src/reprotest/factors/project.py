"""What users change themselves: configuration, code, data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from reprotest.factors.base import Factor, Json, Seen

if TYPE_CHECKING:
    from pathlib import Path

_CONFIGURATION = ("pyproject.toml", "reprotest.yaml", "setup.cfg", "environment.yml", "requirements.txt")
_LOCKS = ("poetry.lock", "uv.lock", "pdm.lock", "flake.lock", "Pipfile.lock", "conda-lock.yml")
_FOLDERS = ("config", "configs", "conf")
_LARGEST = 1 << 20
_MOST = 200


class Config(Factor):
    """Configuration files of the project."""

    id = "config"
    what = "the configuration that the run was given"
    fix = "keep the configuration under version control and record it with the run"
    order = 91

    def read(self) -> Mapping[str, Json]:
        """Digests of the usual files in the working directory; not their content, which may hold secrets."""
        from pathlib import Path

        files = [Path(name) for name in (*_CONFIGURATION, *_LOCKS)]
        for folder in _FOLDERS:
            files += sorted(
                path for path in Path(folder).glob("**/*") if path.suffix in (".yaml", ".yml", ".toml", ".json")
            )
        digests = {str(path): _sha256(path) for path in files[:_MOST] if path.is_file()}
        return {name: digest for name, digest in digests.items() if digest is not None}

    def perturb(self, k: int) -> str | None:
        return None

    def variations(self, seen: Seen) -> Sequence[int] | str:
        return "yours to change"


class Code(Factor):
    """The program's own source."""

    id = "code"
    what = "the program's source code"
    fix = "commit the code before the run, and record the commit"
    order = 92

    def read(self) -> Mapping[str, Json]:
        """Commit and uncommitted changes of the repository that holds the working directory."""
        import hashlib

        commit = _git("rev-parse", "HEAD")
        if commit is None:
            return {"commit": None}
        changes = _git("status", "--porcelain", "--untracked-files=normal") or ""
        difference = _git("diff", "HEAD") if changes else None
        return {
            "commit": commit,
            "changed_files": len(changes.splitlines()),
            "changes_sha256": hashlib.sha256(difference.encode()).hexdigest() if difference else None,
        }

    def perturb(self, k: int) -> str | None:
        return None

    def variations(self, seen: Seen) -> Sequence[int] | str:
        return "yours to change"


class Data(Factor):
    """The data set. Files that a run reads are seen by `external.state`; this names what changed between machines or versions."""

    id = "data"
    what = "the data that the run was given"
    fix = "version the data, and pin what is downloaded by its digest"
    order = 93

    def perturb(self, k: int) -> str | None:
        return None

    def variations(self, seen: Seen) -> Sequence[int] | str:
        return "yours to change"


def _sha256(path: Path) -> str | None:
    import hashlib

    try:
        if path.stat().st_size > _LARGEST:
            return None
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def _git(*arguments: str) -> str | None:
    """What git says; None where there is no git, no repository, or no answer in time."""
    import subprocess

    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, timeout=10, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None
