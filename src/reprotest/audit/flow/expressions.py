"""Expressions: what they stand for, as far as the text tells, and what their calls seed and draw."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from reprotest.audit.flow.modules import Module, Modules
from reprotest.audit.flow.trace import Kind, Place, Trace
from reprotest.audit.flow.values import (
    ClassValue,
    Constant,
    External,
    FunctionValue,
    Instance,
    Level,
    Made,
    ModuleValue,
    Scope,
    State,
    Value,
    Varying,
)
from reprotest.audit.flow.vocabulary import Vocabulary
from reprotest.factors._source import OF_SEVERAL

_WRAPPERS = ("partial", "compile", "jit", "script", "wraps", "lru_cache", "cache", "pmap", "vmap", "grad", "function")
"""What makes a function of a function, and does not call it yet."""
_EXITS = ("sys.exit", "os._exit", "exit", "quit")


class Expressions:
    """The half of a walk that evaluates. `Walk` adds statements and calls of the project's functions."""

    def __init__(
        self, modules: Modules, vocabulary: Vocabulary, roots: Sequence[str], defaults: Mapping[str, Any]
    ) -> None:
        self.modules = modules
        self.vocabulary = vocabulary
        self.roots = roots
        self.defaults = defaults
        self.trace = Trace()
        self.state: State | None = {}
        self.exits: list[State] = []
        self.module: Module = next(iter(modules.by_file.values()))
        self.scopes: dict[str, Scope] = {}
        self.instances: dict[ClassValue, None] = {}
        self.referenced: list[FunctionValue] = []
        self.registered: dict[tuple[str, str], list[FunctionValue]] = {}
        """(file, name) → functions decorated with `@name.something`: commands of a group, routes of an app."""
        self.starred: list[tuple[str, str]] = []
        self.called: set[int] = set()
        self.memo: dict[tuple[object, ...], tuple[State | None, Value]] = {}
        self.deferred = 0
        self.iterating = False
        self.depth = 0
        self.calls = 0

    def invoke(self, function: FunctionValue, positional: Sequence[Value], keywords: dict[str, Value]) -> Value:
        raise NotImplementedError

    @contextmanager
    def in_deferral(self) -> Iterator[None]:
        """What is met in here happens later, and what it seeds does not count for what comes next."""
        before = self.state
        self.deferred += 1
        self.state = dict(before) if before is not None else None
        try:
            yield
        finally:
            self.deferred -= 1
            self.state = before

    # --- values -------------------------------------------------------------------------------------------------

    def value(self, node: ast.expr, scope: Scope) -> Value:
        """Evaluate an expression in the order in which Python would."""
        if isinstance(node, ast.Constant):
            return Constant(node.value)
        if isinstance(node, ast.Name):
            return self._name(node.id, scope)
        if isinstance(node, ast.Attribute):
            return self._noted(self._attribute(self.value(node.value, scope), node.attr, scope))
        if isinstance(node, ast.Call):
            return self._call(node, scope)
        if isinstance(node, ast.Lambda):
            return self._noted(FunctionValue(node, self.module, scope))
        if isinstance(node, ast.NamedExpr):
            found = self.value(node.value, scope)
            self.bind(node.target, found, scope)
            return found
        if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            return self._comprehension(node, scope)
        if isinstance(node, ast.Dict | ast.List | ast.Tuple):
            try:
                return Constant(ast.literal_eval(node))
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                pass
        if isinstance(node, ast.Subscript):
            holder, key = self.value(node.value, scope), self.value(node.slice, scope)
            if isinstance(holder, Constant) and isinstance(key, Constant):
                try:
                    return Constant(holder.value[key.value])
                except (KeyError, IndexError, TypeError):
                    return None
            return _common([holder, key])
        return _common(
            [self.value(child, scope) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        )

    def iterated(self, node: ast.expr, scope: Scope) -> None:
        """An expression that is gone through at once: generators in it run now."""
        before, self.iterating = self.iterating, True
        self.value(node, scope)
        self.iterating = before

    def bind(self, target: ast.expr, value: Value, scope: Scope) -> None:
        if isinstance(target, ast.Name):
            scope.names[target.id] = value
        elif isinstance(target, ast.Attribute):
            holder = self.value(target.value, scope)
            if isinstance(holder, Instance):
                holder.of.attributes[target.attr] = value
        elif isinstance(target, ast.Tuple | ast.List):
            for element in target.elts:
                self.bind(element, value if isinstance(value, Varying) else None, scope)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, None, scope)
        elif isinstance(target, ast.Subscript):
            self.value(target.value, scope)
            self.value(target.slice, scope)

    def truth(self, test: ast.expr, scope: Scope) -> bool | None:
        """Whether a condition holds, where the text tells."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            inner = self.truth(test.operand, scope)
            return None if inner is None else not inner
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            left, right = self.value(test.left, scope), self.value(test.comparators[0], scope)
            if isinstance(left, Constant) and isinstance(right, Constant):
                if isinstance(test.ops[0], ast.Is | ast.Eq):
                    return bool(left.value == right.value)
                if isinstance(test.ops[0], ast.IsNot | ast.NotEq):
                    return bool(left.value != right.value)
            return None
        found = self.value(test, scope)
        if isinstance(found, External) and found.name in ("typing.TYPE_CHECKING", "TYPE_CHECKING"):
            return False
        return bool(found.value) if isinstance(found, Constant) else None

    def _name(self, name: str, scope: Scope) -> Value:
        if scope.knows(name):
            return self._noted(scope.get(name))
        if hasattr(builtins, name):
            return External(name)
        for file, package in self.starred:
            if file == self.module.file:
                return External(f"{package}.{name}")
        return None

    def _noted(self, value: Value) -> Value:
        if isinstance(value, FunctionValue):
            self.referenced.append(value)
        return value

    def _attribute(self, holder: Value, name: str, scope: Scope) -> Value:
        if isinstance(holder, External):
            module = self.modules.find(f"{holder.name}.{name}", self.roots)
            if module is not None and module.file in self.scopes:
                return ModuleValue(module)
            return External(f"{holder.name}.{name}", holder.of_object)
        if isinstance(holder, ModuleValue):
            module_scope = self.scopes.get(holder.module.file)
            if module_scope is not None and module_scope.knows(name):
                return module_scope.get(name)
            package = holder.module.file.removesuffix("/__init__.py")
            sub = self.modules.find(name, [package]) if package != holder.module.file else None
            if sub is not None and sub.file in self.scopes:
                return ModuleValue(sub, f"{holder.name}.{name}" if holder.name else "")
            return External(f"{holder.name}.{name}") if holder.name else None
        if isinstance(holder, Instance):
            method = holder.of.method(name)
            if method is not None:
                return FunctionValue(method.node, method.module, method.closure, method.owner, holder)
            return holder.of.attributes.get(name) or self._default(name)
        if isinstance(holder, ClassValue):
            return holder.method(name) or holder.attributes.get(name)
        if isinstance(holder, Varying):
            return holder
        if isinstance(holder, Made):
            if holder.by == "super":
                return self._above(name, scope)
            return self._default(name) or External(f"{holder.by}.{name}", of_object=True)
        return self._default(name)

    def _default(self, name: str) -> Value:
        """What an argument of the command line is by default, for `args.name`."""
        return Constant(self.defaults[name]) if name in self.defaults else None

    def _above(self, name: str, scope: Scope) -> Value:
        """`super().name`"""
        owner, receiver = scope.get("__owner__"), scope.get("__self__")
        for base in owner.bases if isinstance(owner, ClassValue) else ():
            if isinstance(base, External):
                return External(base.name if name == "__init__" else f"{base.name}.{name}", name != "__init__")
            if isinstance(base, ClassValue) and (found := base.method(name)):
                bound = receiver if isinstance(receiver, Instance) else None
                return FunctionValue(found.node, found.module, found.closure, found.owner, bound)
        return None

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, scope: Scope) -> Value:
        inner = Scope(scope)
        for generator in node.generators:
            self.iterated(generator.iter, inner)
            self.bind(generator.target, None, inner)
            for condition in generator.ifs:
                self.value(condition, inner)
        if isinstance(node, ast.DictComp):
            self.value(node.key, inner)
            return _common([self.value(node.value, inner)])
        return _common([self.value(node.elt, inner)])

    # --- calls --------------------------------------------------------------------------------------------------

    def _call(self, node: ast.Call, scope: Scope) -> Value:
        callee = self.value(node.func, scope)
        positional = [self.value(argument, scope) for argument in node.args]
        keywords = {keyword.arg or "**": self.value(keyword.value, scope) for keyword in node.keywords}
        keywords.pop("**", None)
        if self.state is None:
            return None
        place = (self.module.file, node.lineno)
        if isinstance(node.func, ast.Name):
            for function in self.registered.get((self.module.file, node.func.id), []):
                self.invoke(function, [], {})
        if isinstance(callee, FunctionValue):
            self._launched(keywords, fresh=False)
            return self.invoke(callee, positional, {k: v for k, v in keywords.items() if _takes(callee, k)})
        if isinstance(callee, ClassValue):
            return self._instance(callee, positional, keywords, place)
        if isinstance(callee, Instance):
            for name in ("__call__", "forward"):
                method = callee.of.method(name)
                if method is not None:
                    return self.invoke(
                        FunctionValue(method.node, method.module, method.closure, method.owner, callee), positional, {}
                    )
            return None
        if isinstance(callee, Varying):
            return callee
        if isinstance(node.func, ast.Attribute):
            for factor in self.vocabulary.drawn_by_method(node.func.attr):
                if "generator" not in keywords and not (isinstance(callee, External) and not callee.of_object):
                    self._draws(factor, f".{node.func.attr}", place)
        if isinstance(callee, External):
            return self._external(callee, positional, keywords, place)
        self._given_functions(positional, keywords, fresh=False)
        return self._unknown(node, positional, place)

    def _unknown(self, node: ast.Call, positional: list[Value], place: Place) -> Value:
        """A method of something unknown: if an object of the project's that exists by now has it, it is that one."""
        if isinstance(node.func, ast.Attribute):
            candidates = [kind for kind in self.instances if node.func.attr in kind.methods]
            for kind in candidates if len(candidates) == 1 else ():
                method = kind.methods[node.func.attr]
                bound = FunctionValue(method.node, method.module, method.closure, method.owner, Instance(kind))
                return self.invoke(bound, positional, {})
        return _common(positional)

    def _instance(
        self, kind: ClassValue, positional: list[Value], keywords: dict[str, Value], place: Place
    ) -> Instance:
        made = Instance(kind)
        self.instances[kind] = None
        self._launched(keywords, fresh=False)
        start = kind.method("__init__")
        if start is not None:
            bound = FunctionValue(start.node, start.module, start.closure, start.owner, made)
            self.invoke(bound, positional, {k: v for k, v in keywords.items() if _takes(bound, k)})
            return made
        if positional or keywords:  # a dataclass: what is given stands for the default
            kind.attributes = {k: None if _is([v], None) else v for k, v in kind.attributes.items()}
        kind.attributes |= {k: v for k, v in keywords.items() if k in kind.attributes}
        for base in kind.bases:
            if isinstance(base, External):
                self._external(base, positional, keywords, place)
        return made

    def _external(self, callee: External, positional: list[Value], keywords: dict[str, Value], place: Place) -> Value:
        name, given = callee.name, [*positional, *keywords.values()]
        varying = next((v for v in given if isinstance(v, Varying)), None)
        if name == "super":
            return Made("super")
        if name in _EXITS and self.state is not None:
            self.exits.append(self.state)
            self.state = None
            return None
        if self._seeds(callee, given, varying, place):
            return None
        for factor in () if callee.of_object else self.vocabulary.drawn(name, keywords):
            self._draws(factor, name, place)
            if self.state is not None and self.state.get(factor) is not Level.YES and not self.deferred:
                varying = varying or Varying(name)
        for factor in () if callee.of_object else self.vocabulary.drawn_later(name, keywords):
            self._draws_later(factor, name, place)
        own = self.vocabulary.made(name)
        if own is not None and (not given or _is(given, None)):
            self.trace.problem(Kind.OWN, own, name, place)
        elif own is not None and varying is None:
            self.trace.own.add(own)
        elif varying is not None and (own or self.vocabulary.key(name)):
            self.trace.problem(Kind.VARYING, own or str(self.vocabulary.key(name)), f"{name}({varying.source})", place)
        elif isinstance(keywords.get("random_state"), Varying):
            self.trace.problem(Kind.VARYING, "numpy.random", f"{name}(random_state)", place)
        if not callee.of_object and self.vocabulary.varies(name):
            return Varying(name)
        if name.rpartition(".")[2] in _WRAPPERS:
            return next((value for value in positional if isinstance(value, FunctionValue)), None)
        self._given_functions(positional, keywords, fresh=name.endswith(".spawn"))
        return varying or Made(name)

    def _seeds(self, callee: External, given: list[Value], varying: Varying | None, place: Place) -> bool:
        factors = [] if callee.of_object else self.vocabulary.seeded(callee.name)
        if not factors or self.state is None:
            return False
        nothing = (not given and callee.name not in OF_SEVERAL) or _is(given, None)
        for factor in factors:
            if varying is not None or nothing:
                what = f"{callee.name}({varying.source if varying else 'None' if given else ''})"
                kind = Kind.CONDITIONAL if varying is not None and varying.maybe else Kind.VARYING
                self.trace.problem(kind, factor, what, place)
            if not _is(given, False):
                self.state = {**self.state, factor: Level.YES}  # a bad seed is said once, not again as a missing one
                if not self.deferred:
                    self.trace.seed(factor, place)
        return True

    def _draws(self, factor: str, name: str, place: Place) -> None:
        if self.deferred:
            self._draws_later(factor, name, place)
        else:
            self.trace.draw(factor, name, place, self.state)

    def _draws_later(self, factor: str, name: str, place: Place) -> None:
        if not (self.deferred and self.state is not None and self.state.get(factor) is Level.YES):
            self.trace.draw_later(factor, name, place)

    def _given_functions(self, positional: list[Value], keywords: dict[str, Value], fresh: bool) -> None:
        """A library that is given a function calls it: now (`fire.Fire(main)`), or in a process of its own (`spawn(worker)`)."""
        for value in positional:
            if isinstance(value, FunctionValue) and id(value.node) not in self.called:
                if fresh:
                    before, self.state = self.state, {}
                    self.invoke(value, [], {})
                    self.state = before
                else:
                    self.invoke(value, [], {})
        self._launched(keywords, fresh)

    def _launched(self, keywords: dict[str, Value], fresh: bool) -> None:
        """`Process(target=worker)`, `Thread(target=worker)`."""
        target = keywords.get("target")
        if isinstance(target, FunctionValue):
            before, self.state = self.state, {} if fresh else dict(self.state or {})
            self.invoke(target, [], {})
            self.state = before


def _is(given: list[Value], what: object) -> bool:
    return bool(given) and isinstance(given[0], Constant) and given[0].value is what


def _common(values: list[Value]) -> Value:
    return next((value for value in values if isinstance(value, Varying)), None)


def _takes(function: FunctionValue, keyword: str) -> bool:
    arguments = function.node.args
    return any(argument.arg == keyword for argument in (*arguments.args, *arguments.kwonlyargs))
