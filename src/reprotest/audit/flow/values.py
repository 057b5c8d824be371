"""What the reading of a program knows about a value, and about how far each factor is seeded."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from reprotest.audit.flow.modules import Function, Module


class Level(IntEnum):
    """How surely a factor has been seeded by now."""

    NO = 0
    MAYBE = 1
    YES = 2


State = dict[str, Level]
"""Factor id → level. Missing: not seeded."""


def joined(*states: State | None) -> State | None:
    """What holds whichever of the ways was taken; None for ways that do not come back."""
    live = [state for state in states if state is not None]
    if not live:
        return None
    return {factor: _either([state.get(factor, Level.NO) for state in live]) for factor in {f for s in live for f in s}}


def _either(levels: list[Level]) -> Level:
    return levels[0] if len(set(levels)) == 1 else Level.MAYBE


@dataclass(frozen=True)
class External:
    """Something of a library's, by its dotted name; `of_object`: of an object that one of its classes made."""

    name: str
    of_object: bool = False


@dataclass(frozen=True)
class Constant:
    value: Any


@dataclass(frozen=True)
class Varying:
    """A value that is another one in every run, and the call that it comes from; `maybe`: on some ways only."""

    source: str
    maybe: bool = False


@dataclass(frozen=True)
class ModuleValue:
    """A module of the project's; `name`: as it was imported, for what it offers by ways that the text does not show."""

    module: Module
    name: str = ""


@dataclass(frozen=True, eq=False)
class FunctionValue:
    """A function of the project's.

    Attributes:
        node: its definition.
        module: where.
        closure: the names that it sees besides its own.
        owner: the class that it was found in.
        receiver: the object that it is bound to.
    """

    node: Function
    module: Module
    closure: Scope
    owner: ClassValue | None = None
    receiver: Instance | None = None


@dataclass(eq=False)
class ClassValue:
    """A class of the project's."""

    node: ast.ClassDef
    module: Module
    closure: Scope
    bases: tuple[Value, ...] = ()
    methods: dict[str, FunctionValue] = field(default_factory=dict)
    attributes: dict[str, Value] = field(default_factory=dict)

    def method(self, name: str) -> FunctionValue | None:
        """Its own, or that of a base class of the project's."""
        if name in self.methods:
            return self.methods[name]
        for base in self.bases:
            if isinstance(base, ClassValue) and base is not self and (found := base.method(name)):
                return found
        return None

    @property
    def externally_driven(self) -> bool:
        """Does a library call its methods (forward, __getitem__, training_step)?"""
        return any(
            isinstance(base, External) or (isinstance(base, ClassValue) and base is not self and base.externally_driven)
            for base in self.bases
        )


@dataclass(frozen=True, eq=False)
class Instance:
    of: ClassValue


@dataclass(frozen=True, eq=False)
class Made:
    """An object that a library's class or function made."""

    by: str


Value = External | Constant | Varying | ModuleValue | FunctionValue | ClassValue | Instance | Made | None


class Scope:
    """Names and what they stand for; unknown ones are looked for further out."""

    def __init__(self, outer: Scope | None = None, names: Mapping[str, Value] | None = None) -> None:
        self.outer = outer
        self.names: dict[str, Value] = dict(names or {})

    def get(self, name: str) -> Value:
        if name in self.names:
            return self.names[name]
        return self.outer.get(name) if self.outer is not None else None

    def knows(self, name: str) -> bool:
        return name in self.names or (self.outer is not None and self.outer.knows(name))


def merged(values: list[Value]) -> Value:
    """What a name stands for after several ways: what they agree on, or that it may vary."""
    varying = [value for value in values if isinstance(value, Varying)]
    if varying:
        return Varying(varying[0].source, maybe=len(varying) < len(values) or any(v.maybe for v in varying))
    return values[0] if values and all(_same(values[0], value) for value in values) else None


def _same(a: Value, b: Value) -> bool:
    if isinstance(a, Constant) and isinstance(b, Constant):
        return type(a.value) is type(b.value) and bool(a.value == b.value)
    return a is b or (isinstance(a, External | ModuleValue) and a == b)
