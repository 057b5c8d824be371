"""What the user typed, turned into the process to start."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reprotest.errors import CommandError

_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_CALLER = Path(__file__).with_name("call.py")


@dataclass(frozen=True)
class Command:
    """A command under test.

    Attributes:
        shown: as the user typed it, for reports.
        argv: what is executed.
        cwd: where it is started.
    """

    shown: tuple[str, ...]
    argv: tuple[str, ...]
    cwd: str


def parse_command(
    tokens: Sequence[str], *, program: bool = False, python: str | None = None, cwd: str | None = None
) -> Command:
    """A script with its arguments, `-m module`, `package.module:function`, or any program.

    Args:
        tokens: the words of the command.
        program: they came after `--`: the first word is a program, never a script.
        python: the interpreter for scripts, modules and functions; the present one by default.
        cwd: the folder to start in; the present one by default.

    Raises:
        CommandError: no such script, module or program.
    """
    cwd = cwd or os.getcwd()
    interpreter = python or sys.executable
    if not tokens:
        raise CommandError("no command given: expected a script, -m MODULE, package.module:function, or -- PROGRAM")
    first, *rest = tokens
    if program:
        return Command(tuple(tokens), (_program(first, cwd), *rest), cwd)
    if first == "-m":
        if not rest:
            raise CommandError("-m needs the name of a module, as in: run -m package.train --epochs 1")
        return Command(tuple(tokens), (interpreter, "-m", *rest), cwd)
    path = Path(cwd, first)
    if path.is_dir() and (path / "__main__.py").is_file():
        return Command(tuple(tokens), (interpreter, first, *rest), cwd)
    if path.is_file():
        if path.suffix in (".py", ".pyw", ".pyz") or not os.access(path, os.X_OK):
            if not os.access(path, os.R_OK):
                raise CommandError(
                    f"cannot read the script {first}: permission denied; give yourself read access to it"
                )
            return Command(tuple(tokens), (interpreter, first, *rest), cwd)
        return Command(tuple(tokens), (str(path), *rest), cwd)
    if _FUNCTION.fullmatch(first):
        return Command(tuple(tokens), (interpreter, str(_CALLER), first, *rest), cwd)
    if first.endswith(".py") or os.sep in first:
        raise CommandError(f"no script {first} in {cwd}: check the path, or give a module with -m")
    if path.is_dir():
        raise CommandError(f"{first} is a folder without __main__.py: give the script inside it")
    return Command(tuple(tokens), (_program(first, cwd), *rest), cwd)


def _program(name: str, cwd: str) -> str:
    if os.sep in name:
        path = Path(cwd, name)
        if not path.is_file():
            raise CommandError(f"no program {name} in {cwd}: check the path")
        if not os.access(path, os.X_OK):
            raise CommandError(f"{name} is not executable: run `chmod +x {name}`, or name its interpreter before it")
        return str(path)
    if name in ("python", "python3"):  # the environment that reprotest itself runs in
        return sys.executable
    found = shutil.which(name)
    if found is None:
        beside = (
            Path(sys.executable).parent / name
        )  # torchrun and accelerate of a virtual environment that is not activated
        if beside.is_file() and os.access(beside, os.X_OK):
            return str(beside)
        raise CommandError(
            f"{name} is neither a file here nor a program on PATH: for a Python module say -m {name}, "
            "for a script give its path with .py"
        )
    return found
