"""Configuration and environment: seeds that are versioned, secrets that are not, a template for what differs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from reprotest.audit.checks import check
from reprotest.audit.finding import Found, Severity
from reprotest.audit.repository import Repository
from reprotest.export import merged

_SEED = re.compile(r"""^\s*["']?(?:[\w.]*_)?seed["']?\s*[:=]\s*["']?\d+""", re.IGNORECASE | re.MULTILINE)
_LITERAL = re.compile(
    r"""seed\w*\s*(?::\s*\w+\s*)?=\s*\d+|--seed["'][^)]*default\s*=\s*\d+|(?:set_seed|manual_seed|seed_everything)\(\s*\d+""",
    re.I,
)


@check(
    "seed.versioned",
    Severity.WARNING,
    title="The seed is in a configuration file under version control",
    why="a result can be repeated only with the seed that it was made with",
    source="https://www.cs.mcgill.ca/~jpineau/ReproducibilityChecklist.pdf",
    fix="write seed: 42 into the configuration, and take it from there (reprotest.load_config)",
)
def seed_versioned(repository: Repository) -> Iterator[Found]:
    if not repository.trainings:
        return
    files = repository.matching("*.yaml", "*.yml", "*.toml", "*.json", "*.ini", "*.cfg")
    configurations = [path for path in files if not path.startswith((".github/", "tests/"))]
    if any(_SEED.search(repository.text(path)) for path in configurations):
        return
    read = {file: None for reading in repository.trainings for file in reading.files}
    literal = next((file for file in read if _LITERAL.search(repository.text(file))), None)
    if literal is not None:
        line = repository.line(literal, "(?i)" + _LITERAL.pattern)
        yield Found("the seed is written in the source, not in a configuration file", literal, line, Severity.NOTE)
    else:
        yield Found("no configuration file and no default states a seed", repository.trainings[0].program.file)


def _ignore(repository: Repository) -> Mapping[str, str]:
    return {".gitignore": merged.ignored(repository.text(".gitignore"))}


def _example(repository: Repository) -> Mapping[str, str]:
    new = merged.env_example(repository.root, repository.text(".env.example"))
    return {".env.example": new}


def _unsaid(repository: Repository) -> list[str]:
    """Variables that programs and configurations read and that .env.example does not have."""
    old = repository.text(".env.example")
    examples = repository.matching(".env.example", ".env.*.example", ".env.template", ".env.sample")
    have = {name for path in examples for name in merged.assigned(repository.text(path))}
    return [name for name in merged.assigned(merged.env_example(repository.root, old)) if name not in have]


@check(
    "env.ignored",
    Severity.ERROR,
    title=".env is not versioned",
    why=".env holds passwords and what is true on one machine only",
    source="https://12factor.net/config",
    fix="add .env to .gitignore (and, where it is committed already: git rm --cached .env, and change the secrets in it)",
    mend=_ignore,
)
def env_ignored(repository: Repository) -> Iterator[Found]:
    if repository.tracked is not None and ".env" in repository.tracked:
        yield Found(".env is committed", ".env")
    elif not repository.gitignore.ignores(".env"):
        yield Found(".env is not ignored", ".gitignore")


@check(
    "env.example",
    Severity.WARNING,
    title=".env.example names every variable that is read",
    why="who sets the project up anew cannot know which variables there are",
    source="https://12factor.net/config",
    fix="python -m reprotest export env",
    mend=_example,
)
def env_example(repository: Repository) -> Iterator[Found]:
    lacking = _unsaid(repository)
    if not lacking and not (repository.root / ".env").is_file():
        return
    if not repository.has(".env.example"):
        named = (
            f", though {', '.join(lacking)} {'are' if len(lacking) > 1 else 'is'} read"
            if lacking
            else ", though there is a .env"
        )
        yield Found("there is no .env.example" + named, ".env.example")
    elif lacking:
        yield Found(
            f"{', '.join(lacking)} {'are' if len(lacking) > 1 else 'is'} read and not in .env.example", ".env.example"
        )


_SOURCE = "https://git-scm.com/docs/gitignore"


def _not_ignored(
    repository: Repository, probes: Mapping[str, tuple[str, ...]], versioned: re.Pattern[str]
) -> Iterator[Found]:
    """`probes`: what should be ignored → paths, of which one at least must be."""
    lacking = [what for what, paths in probes.items() if not any(map(repository.gitignore.ignores, paths))]
    if lacking:
        yield Found(f"not ignored: {', '.join(lacking)}", ".gitignore")
    for path in sorted(repository.tracked or ()):
        if versioned.search(path) and not path.startswith("tests/"):
            yield Found(f"{path} is committed", path)


@check(
    "ignored.data",
    Severity.WARNING,
    title="Data are kept out of git",
    why="a data set in git is copied into every clone for ever, and is changed without a trace of its version",
    source="https://dvc.org/doc/use-cases/versioning-data-and-models",
    fix="ignore the folder, and name the data by digest (DVC, a checksum in the configuration)",
    mend=_ignore,
)
def data(repository: Repository) -> Iterator[Found]:
    return _not_ignored(
        repository,
        {"data/": ("data/train.bin", "datasets/train.bin")},
        re.compile(r"^data/.*\.(csv|parquet|npy|npz|zip|tar|gz|bin|h5|arrow)$"),
    )


@check(
    "ignored.checkpoints",
    Severity.WARNING,
    title="Checkpoints and run folders are kept out of git",
    why="a resumed run picks up whichever checkpoint lies there",
    source=_SOURCE,
    fix="add them to .gitignore: python -m reprotest export gitignore",
    mend=_ignore,
)
def checkpoints(repository: Repository) -> Iterator[Found]:
    probes = {
        "checkpoints (*.pt, *.ckpt, checkpoints/)": ("model.pt", "model.pth", "last.ckpt", "checkpoints/1/state"),
        "run folders (outputs/, mlruns/)": ("outputs/1/log", "mlruns/0/meta", "runs/1/log", "logs/1", "wandb/1"),
    }
    return _not_ignored(repository, probes, re.compile(r"\.(pt|pth|ckpt|safetensors)$|^mlruns/"))


@check(
    "ignored.caches",
    Severity.WARNING,
    title="Caches and environments are kept out of git",
    why="compiled files and environments of one machine are wrong on another",
    source=_SOURCE,
    fix="add them to .gitignore: python -m reprotest export gitignore",
    mend=_ignore,
)
def caches(repository: Repository) -> Iterator[Found]:
    probes = {
        "__pycache__/": ("src/__pycache__/m.cpython-311.pyc",),
        ".venv/": (".venv/bin/python", "venv/bin/python", "env/bin/python"),
    }
    return _not_ignored(repository, probes, re.compile(r"(^|/)__pycache__/|\.pyc$|^\.venv/"))
