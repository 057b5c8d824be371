"""Environment variables: those of the process, and below them those of a .env file."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from reprotest.errors import ConfigError

ENV_FILE = ".env"
EXAMPLE = ".env.example"
_LIMIT = 1_000_000


class Environment:
    """What variables hold, and which ones turned out to be missing. Reading it changes nothing.

    Args:
        env_file: True: the nearest `.env` of the working directory or above it, up to the repository; False: none; a path: that
            file, which must exist. It is read when a variable is first asked for that the process does not have.
        environ: the process's variables; `os.environ` when None.
    """

    def __init__(
        self, env_file: str | os.PathLike[str] | bool = True, environ: Mapping[str, str] | None = None
    ) -> None:
        self._own = os.environ if environ is None else environ
        self._env_file = env_file
        self._missing: dict[str, list[str]] = {}

    @cached_property
    def file(self) -> Path | None:
        """The .env file; None without one."""
        if isinstance(self._env_file, bool):
            return find_env_file() if self._env_file else None
        return Path(self._env_file)

    @cached_property
    def from_file(self) -> dict[str, str]:
        """What the .env file sets.

        Raises:
            ConfigError: it cannot be read, or a line of it is not NAME=value.
        """
        return _read(self.file) if self.file else {}

    def get(self, name: str) -> str | None:
        """The variable's text; None when it is not set or empty, which is the same here as in `${NAME:-default}`."""
        value = self._own.get(name)
        return (self.from_file.get(name) if value is None else value) or None

    def need(self, name: str, where: str) -> None:
        """Remember the variable as missing when there is none."""
        if self.get(name) is None:
            places = self._missing.setdefault(name, [])
            if where not in places:
                places.append(where)

    def refuse_missing(self) -> None:
        """Raise ConfigError naming every variable that is missing, in one message."""
        if not self._missing:
            return
        one = len(self._missing) == 1
        lines = [f"  {name}: needed by {', '.join(places)}" for name, places in sorted(self._missing.items())]
        file = self.file or Path(ENV_FILE)
        example = f" ({EXAMPLE} shows how)" if (file.parent / EXAMPLE).is_file() else ""
        raise ConfigError(
            f"{len(self._missing)} environment variable{' is' if one else 's are'} not set:\n"
            + "\n".join(lines)
            + f"\nSet {'it' if one else 'them'} in the environment or in {file}{example}."
        )

    def export(self) -> None:
        """Put what the .env file sets into the process's environment, where it is not set yet."""
        for name, value in self.from_file.items():
            os.environ.setdefault(name, value)


def find_env_file() -> Path | None:
    """The nearest `.env` of the working directory or above it, up to the repository's root."""
    start = Path.cwd()
    for folder in (start, *start.parents):
        if (folder / ENV_FILE).is_file():
            file = folder / ENV_FILE
            return Path(ENV_FILE) if folder == start else file
        if (folder / ".git").exists():
            return None
    return None


def _read(file: Path) -> dict[str, str]:
    try:
        with file.open("rb") as opened:
            content = opened.read(_LIMIT + 1)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror or error}") from error
    if len(content) > _LIMIT:
        raise ConfigError(f"{file} is larger than {_LIMIT:,} bytes: expected lines of NAME=value")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigError(f"{file}:{line}: not UTF-8 ({error.reason}): save the file as UTF-8") from error
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            raise ConfigError(f"{file}:{binding.original.line}: expected NAME=value")  # the line may hold a secret
    found = dotenv_values(stream=io.StringIO(text))
    return {name: value for name, value in found.items() if value is not None and "\0" not in value}
