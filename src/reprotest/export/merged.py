"""Files that belong to the project: lines are added to them, none is taken away."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from reprotest.secrets import is_secret_name

EXPORTED = "Made by `python -m reprotest export"
"""In the first line of every file that is ours as a whole."""
_IGNORED = """\
# Python
__pycache__/
*.py[cod]
.venv/
venv/
.pytest_cache/
.ipynb_checkpoints/

# Settings of one person or machine; .env.example is the template
.env

# Data, checkpoints and logs: kept elsewhere, named by digest
/data/
/logs/
/mlruns/
/outputs/
/checkpoints/
*.pth
*.pt
*.ckpt
*.h5
*.safetensors

# What runs of reprotest leave
.reprotest/

# Editors
.vscode/
.idea/
"""
_DOCKER = "\n# Not needed in an image\n.git/\n"
_REFERENCE = re.compile(r"(?<!\$)\$\{(?:env:)?([A-Z][A-Z0-9_]*)(?::-([^${}]*))?\}")
_ASSIGNED = re.compile(r"^\s*#?\s*(?:export\s+)?([A-Za-z_]\w*)=", re.MULTILINE)
_SET_BY_OTHERS = re.compile(
    r"(PATH|HOME|USER|SHELL|PWD|TMPDIR|LANG|LC_\w+|TZ|TERM|CI|HOSTNAME|RANK|WORLD_SIZE|LOCAL_\w+|MASTER_\w+|SLURM_\w+|KUBERNETES_\w+"
    r"|APPTAINER_\w+|SINGULARITY_\w+|NIX_\w+|PYTHON\w+|OMP_\w+|MKL_\w+|CUBLAS_WORKSPACE_CONFIG|CUDA_\w+|REPROTEST_\w+|GITHUB_\w+|XDG_\w+|MPL\w+)"
)
"""Variables of the system, of launchers and of libraries: nobody writes them into a .env."""
_SKIPPED = frozenset({"site-packages", "node_modules", "build", "dist", "tests", "venv"})
_MOST_FILES = 2_000
_LARGEST = 1_000_000


def ignored(existing: str, *, docker: bool = False) -> str:
    """An ignore file with what a training project leaves lying about."""
    wanted = _IGNORED + (_DOCKER if docker else "")
    have = {_rule(line) for line in existing.splitlines()}
    blocks = []
    for block in wanted.split("\n\n"):
        title, *rules = block.strip("\n").split("\n")
        lacking = [rule for rule in rules if _rule(rule) not in have]
        if lacking:
            blocks.append("\n".join([title, *lacking]))
    return _added(existing, blocks)


def env_example(folder: Path, existing: str) -> str:
    """A template of .env with every variable that the project's configurations, programs and .env name; never a value of .env."""
    variables = {name: value for name, value in _variables(folder) if not _SET_BY_OTHERS.fullmatch(name)}
    have = set(_ASSIGNED.findall(existing))
    lines = [f"{name}={_example(name, variables[name])}" for name in sorted(variables) if name not in have]
    title = "" if existing.strip() else "# Copy to .env, which is not versioned, and fill in.\n"
    return _added(existing, [title + "\n".join(lines)] if lines or title else [])


def assigned(text: str) -> list[str]:
    """The variables that a .env file, or its template, gives a value."""
    return _ASSIGNED.findall(text)


def _added(existing: str, blocks: list[str]) -> str:
    parts = [existing.rstrip("\n")] if existing.strip() else []
    return "\n\n".join([*parts, *blocks]).rstrip("\n") + "\n" if blocks else existing


def _rule(line: str) -> str:
    return line.strip().strip("/")


def _example(name: str, default: str | None) -> str:
    if is_secret_name(name):
        return f"your_{name.lower()}_here"
    return default or ""


def _variables(folder: Path) -> Iterator[tuple[str, str | None]]:
    """Variables with the default that a configuration gives them. A later one wins."""
    env = folder / ".env"
    if env.is_file():
        yield from ((name, None) for name in _ASSIGNED.findall(_text(env)))
    for file in _files(folder):
        text = _text(file)
        if file.suffix == ".py":
            yield from ((name, None) for name in _asked_for(text))
        elif EXPORTED not in text:
            yield from _REFERENCE.findall(text)


def _files(folder: Path) -> list[Path]:
    found: list[Path] = []
    folders = [folder]
    while folders and len(found) < _MOST_FILES:
        for entry in sorted(folders.pop().iterdir()):
            if entry.name.startswith(".") or entry.name in _SKIPPED or entry.is_symlink():
                continue
            if entry.is_dir():
                folders.append(entry)
            elif entry.suffix in (".py", ".yaml", ".yml") and entry.stat().st_size <= _LARGEST:
                found.append(entry)
    return found


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def _asked_for(source: str) -> Iterator[str]:
    """NAME in os.environ["NAME"], os.environ.get("NAME") and os.getenv("NAME")."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and node.args
            and ast.unparse(node.func) in ("os.environ.get", "os.getenv", "getenv")
        ):
            key: ast.expr = node.args[0]
        elif (
            isinstance(node, ast.Subscript)
            and isinstance(node.ctx, ast.Load)
            and ast.unparse(node.value) == "os.environ"
        ):
            key = node.slice
        else:
            continue
        if isinstance(key, ast.Constant) and isinstance(key.value, str) and re.fullmatch(r"[A-Z][A-Z0-9_]*", key.value):
            yield key.value
