"""Seeds: set, for every framework in use, before its first use, to a number that stays."""

from __future__ import annotations

from collections.abc import Iterator

from reprotest.audit.checks import check
from reprotest.audit.finding import Found, Severity
from reprotest.audit.flow.trace import Kind, Problem
from reprotest.audit.repository import Repository
from reprotest.factors import factor

_RANDOMNESS = "https://pytorch.org/docs/stable/notes/randomness.html"
_ONE_CALL = "call reprotest.set_seed(seed) first thing in the program, or: "


def _of(repository: Repository, kind: Kind, say: str) -> Iterator[Found]:
    told: set[tuple[str, tuple[str, int]]] = set()
    for reading in repository.trainings:
        for problem in reading.problems:
            if problem.kind is kind and (problem.factor, problem.place) not in told:
                told.add((problem.factor, problem.place))
                yield _found(problem, say)


def _found(problem: Problem, say: str) -> Found:
    of = factor(problem.factor)
    seeded = f"in {problem.seeded[0]}" if problem.seeded is not None else ""
    message = say.format(name=problem.name, factor=problem.factor, seeded=seeded)
    if problem.more:
        message += f" ({problem.more} more like it)"
    fix = of.fix if problem.kind in (Kind.OWN, Kind.VARYING) else _ONE_CALL + of.fix  # which reaches global state only
    return Found(message, *problem.place, fix=fix, factor=problem.factor)


@check(
    "seed.missing",
    Severity.ERROR,
    title="Every framework that draws random numbers is seeded",
    why="an unseeded generator starts differently in every process, so no two runs are alike",
    source=_RANDOMNESS,
    fix="seed it before its first use",
)
def missing(repository: Repository) -> Iterator[Found]:
    return _of(repository, Kind.MISSING, "{name} draws from {factor}, which this program never seeds")


@check(
    "seed.late",
    Severity.ERROR,
    title="Seeds are set before the first draw",
    why="what was drawn before the seed is set (initial weights, a shuffle) is another value in every run; the seed does not bring it back",
    source=_RANDOMNESS,
    fix="move the seed before everything that draws: before the model, the data and imports that draw",
)
def late(repository: Repository) -> Iterator[Found]:
    return _of(repository, Kind.LATE, "{name} draws from {factor} before it is seeded {seeded}")


@check(
    "seed.conditional",
    Severity.WARNING,
    title="Seeds are set on every way through the program",
    why="where the condition does not hold, the run is not seeded, and nobody notices",
    source=_RANDOMNESS,
    fix="give the seed a default and set it always",
)
def conditional(repository: Repository) -> Iterator[Found]:
    return _of(repository, Kind.CONDITIONAL, "{name}: {factor} is seeded on some ways through the program only")


@check(
    "seed.varying",
    Severity.ERROR,
    title="Seeds are fixed numbers",
    why="a seed from the clock, a process number, entropy or a hash is another one in every run",
    source="https://numpy.org/doc/stable/reference/random/bit_generators/index.html#seeding-and-entropy",
    fix="take the seed from the configuration",
)
def varying(repository: Repository) -> Iterator[Found]:
    return _of(repository, Kind.VARYING, "{name} is another seed in every run")


@check(
    "seed.generator",
    Severity.ERROR,
    title="Generators of the program's own are made with a seed",
    why="a generator that is made without a seed takes one from the operating system; seeding the global one does not reach it",
    source="https://numpy.org/doc/stable/reference/random/generator.html#numpy.random.default_rng",
    fix="give it a seed where it is made",
)
def generator(repository: Repository) -> Iterator[Found]:
    return _of(repository, Kind.OWN, "{name} without a seed")


@check(
    "seed.unused",
    Severity.WARNING,
    title="Every random framework that a training imports is seeded",
    why="libraries draw from the global generators (augmentation, splits, samplers) where your own source shows nothing of it",
    source=_RANDOMNESS,
    fix="seed it too",
)
def unused(repository: Repository) -> Iterator[Found]:
    return _of(repository, Kind.UNUSED, "{name} is imported by a training that never seeds {factor}")


@check(
    "seed.unread",
    Severity.NOTE,
    title="Every source file can be read",
    why="what cannot be parsed is not checked",
    source="https://docs.python.org/3/library/ast.html",
    fix="mend the syntax, or exclude the file: [tool.reprotest.doctor] exclude",
)
def unread(repository: Repository) -> Iterator[Found]:
    for file, (line, why) in repository.modules.broken.items():
        yield Found(f"not Python that could be read: {why}", file, line)
