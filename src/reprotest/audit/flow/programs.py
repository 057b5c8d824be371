"""The programs of a repository, and what is wrong with the seeds of each."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from reprotest.audit.flow.modules import Module, Modules, imported_packages
from reprotest.audit.flow.trace import Kind, Problem
from reprotest.audit.flow.values import FunctionValue, Level, State
from reprotest.audit.flow.vocabulary import Vocabulary
from reprotest.audit.flow.walk import Walk, run_deferred


@dataclass(frozen=True)
class Program:
    """One way to start something.

    Attributes:
        file: the file that is started.
        function: the function of it that is called, for a console script.
    """

    file: str
    function: str | None = None


@dataclass(frozen=True)
class Reading:
    """What was read of one program.

    Attributes:
        program: which.
        files: the project's files that it consists of.
        draws: whether it visibly draws random numbers.
        held: the factors that it seeds or holds somewhere.
        problems: what is wrong with its seeds.
    """

    program: Program
    files: tuple[str, ...]
    draws: bool
    held: frozenset[str]
    problems: tuple[Problem, ...]


def find_programs(modules: Modules, named: Iterable[Program] = ()) -> list[Program]:
    """Files that are started: those that are named, those that say so themselves, and those that nothing imports."""
    found = [program for program in named if program.file in modules.by_file]
    known = {program.file for program in found}
    imported = _imported_files(modules)
    for file, module in modules.by_file.items():
        if file not in known and (_has_main(module) or (file not in imported and _does_something(module))):
            found.append(Program(file))
    return found


def read_program(modules: Modules, program: Program, vocabulary: Vocabulary) -> Reading:
    """Follow the program from its first line to its end."""
    module = modules.by_file[program.file]
    roots = list(dict.fromkeys([module.folder, "", "src", *_above(module.folder)]))
    walk = Walk(modules, vocabulary, roots, modules.argument_defaults)
    walk.module = module
    scope = walk.load(module, main=True)
    if program.function is not None:
        function = scope.get(program.function)
        if isinstance(function, FunctionValue):
            walk.state = walk.state if walk.state is not None else {}
            walk.invoke(function, [], {})
    final = _furthest([*walk.exits, walk.state or {}])
    walk.state = final
    run_deferred(walk)
    trace = walk.trace
    problems = list(trace.problems(final))
    if trace.draws_at_all:
        told = {problem.factor for problem in problems} | set(trace.seeds) | trace.own
        packages = imported_packages(modules.by_file[file] for file in trace.files)
        for factor in vocabulary.seedable.values():
            place = next((packages[p] for p in factor.source.packages if p in packages), None)
            if place is not None and factor.id not in told and (factor.source.draws or factor.source.later):
                name = next(p for p in factor.source.packages if p in packages)
                problems.append(Problem(Kind.UNUSED, factor.id, place, name))
    return Reading(program, tuple(trace.files), trace.draws_at_all, frozenset(trace.seeds), tuple(problems))


def _furthest(states: Sequence[State]) -> State:
    factors = {factor for state in states for factor in state}
    return {factor: max(state.get(factor, Level.NO) for state in states) for factor in factors}


def _above(folder: str) -> list[str]:
    return ["" if str(parent) == "." else str(parent) for parent in PurePosixPath(folder).parents] if folder else []


def _has_main(module: Module) -> bool:
    return any(isinstance(node, ast.If) and "__main__" in ast.unparse(node.test) for node in module.tree.body)


def _does_something(module: Module) -> bool:
    """Does its top level do more than define? A call that stands alone, or a loop."""
    if PurePosixPath(module.file).name in ("__init__.py", "setup.py", "conf.py"):
        return False
    return any(
        isinstance(node, ast.For | ast.While | ast.With)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))
        or (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call))
        for node in module.tree.body
    )


def _imported_files(modules: Modules) -> set[str]:
    found: set[str] = set()
    for module in modules.by_file.values():
        roots = list(dict.fromkeys([module.folder, "", "src", *_above(module.folder)]))
        for node in module.nodes:
            names: list[tuple[int, str]] = []
            if isinstance(node, ast.Import):
                names = [(0, alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                names = [(node.level, base)]
                names += [(node.level, f"{base}.{alias.name}" if base else alias.name) for alias in node.names]
            for level, name in names:
                target = modules.relative(module, level, name) if level else modules.find(name, roots)
                if target is not None and target is not module:
                    found.add(target.file)
    return found
