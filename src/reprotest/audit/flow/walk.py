"""Statements in the order in which Python would run them, with what is seeded by then on every way through."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from reprotest.audit.flow.expressions import Expressions
from reprotest.audit.flow.modules import Module
from reprotest.audit.flow.values import (
    ClassValue,
    Constant,
    External,
    FunctionValue,
    Instance,
    ModuleValue,
    Scope,
    State,
    Value,
    joined,
    merged,
)

_MISSING_PACKAGE = ("ImportError", "ModuleNotFoundError")
_RESTORING = ("reprotest.seeded", "torch.random.fork_rng", "reprotest.RNGState")
"""Context managers after which the generators are what they were before."""
_DEEPEST = 60
_MOST_CALLS = 20_000


@dataclass
class Frame:
    """One call under way: the states and values with which it returns."""

    returns: list[State | None] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)


class Walk(Expressions):
    """Reads one program from its entry on. Branches are both taken, loops run once, calls of the project's functions are followed."""

    def load(self, module: Module, main: bool = False) -> Scope:
        """Run a module's top level, where it is imported first."""
        if module.file in self.scopes:
            return self.scopes[module.file]
        scope = self.scopes[module.file] = Scope(names={"__name__": Constant("__main__" if main else module.file)})
        self.trace.files[module.file] = None
        outer, self.module = self.module, module
        before = self.state
        self._block(module.tree.body, scope, Frame())
        if self.state is None and not main:  # sys.exit() at the top of a library: this way is not taken
            self.state = before
        self.module = outer
        return scope

    # --- calls --------------------------------------------------------------------------------------------------

    def invoke(self, function: FunctionValue, positional: Sequence[Value], keywords: dict[str, Value]) -> Value:
        """Follow a call; returns what is known of its result."""
        if self.state is None:
            return None
        generator = isinstance(function.node, ast.FunctionDef) and not self.iterating and _yields(function.node)
        known = tuple(sorted(self.state.items()))
        key = (id(function.node), function.receiver and function.receiver.of, known, bool(self.deferred) or generator)
        arguments = tuple(repr(v) if isinstance(v, Constant) else type(v) for v in (*positional, *keywords.values()))
        memo = (*key, arguments)
        self.called.add(id(function.node))
        if memo in self.memo:
            self.state, value = self.memo[memo]
            return value
        if self.depth >= _DEEPEST or self.calls >= _MOST_CALLS:
            return None
        self.memo[memo] = (dict(self.state), None)  # met again while it runs: recursion changes nothing
        self.depth += 1
        self.calls += 1
        outer, self.module = self.module, function.module
        self.trace.files[function.module.file] = None
        scope = self._bound(function, positional, keywords)
        frame = Frame()
        iterating, self.iterating = self.iterating, False
        if generator:
            with self.in_deferral():
                self._body(function, scope, frame)
        else:
            self._body(function, scope, frame)
        self.iterating = iterating
        self.module = outer
        self.depth -= 1
        value = merged(frame.values)
        self.memo[memo] = (self.state, value)
        return value

    def _body(self, function: FunctionValue, scope: Scope, frame: Frame) -> None:
        if isinstance(function.node, ast.Lambda):
            frame.values.append(self.value(function.node.body, scope))
            return
        self._block(function.node.body, scope, frame)
        self.state = joined(*frame.returns, self.state)

    def _bound(self, function: FunctionValue, positional: Sequence[Value], keywords: dict[str, Value]) -> Scope:
        scope = Scope(function.closure)
        arguments = function.node.args
        names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
        for name, default in zip(reversed(names), reversed(arguments.defaults), strict=False):
            scope.names[name] = self.value(default, function.closure)
        for argument, maybe in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            scope.names[argument.arg] = self.value(maybe, function.closure) if maybe is not None else None
        given: list[Value] = [function.receiver, *positional] if function.receiver else list(positional)
        scope.names |= dict(zip(names, given, strict=False))
        scope.names |= keywords
        for name in names:
            scope.names.setdefault(name, None)
        if function.owner is not None:
            scope.names["__owner__"] = function.owner
            scope.names["__self__"] = function.receiver
        return scope

    # --- statements ---------------------------------------------------------------------------------------------

    def _block(self, statements: Sequence[ast.stmt], scope: Scope, frame: Frame) -> None:
        for statement in statements:
            if self.state is None:
                return
            kind = getattr(self, f"_{type(statement).__name__}", None)
            if kind is not None:
                kind(statement, scope, frame)
            else:
                for child in ast.iter_child_nodes(statement):
                    if isinstance(child, ast.expr):
                        self.value(child, scope)

    def _FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope, frame: Frame) -> None:
        for decorator in node.decorator_list:
            self.value(decorator, scope)
        value = FunctionValue(node, self.module, scope)
        scope.names[node.name] = value
        for decorator in node.decorator_list:
            target = decorator.func if isinstance(decorator, ast.Call) else decorator
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
                self.registered.setdefault((self.module.file, target.value.id), []).append(value)

    _AsyncFunctionDef = _FunctionDef

    def _ClassDef(self, node: ast.ClassDef, scope: Scope, frame: Frame) -> None:
        bases = tuple(self.value(base, scope) for base in node.bases)
        found = ClassValue(node, self.module, scope, bases)
        inner = Scope(scope)
        self._block(node.body, inner, frame)
        for name, value in inner.names.items():
            if isinstance(value, FunctionValue):
                found.methods[name] = FunctionValue(value.node, value.module, scope, owner=found)
            else:
                found.attributes[name] = value
        scope.names[node.name] = found

    def _Return(self, node: ast.Return, scope: Scope, frame: Frame) -> None:
        frame.values.append(self.value(node.value, scope) if node.value is not None else Constant(None))
        frame.returns.append(self.state)
        self.state = None

    def _Raise(self, node: ast.Raise, scope: Scope, frame: Frame) -> None:
        if node.exc is not None:
            self.value(node.exc, scope)
        self.state = None

    def _Assign(self, node: ast.Assign, scope: Scope, frame: Frame) -> None:
        value = self.value(node.value, scope)
        for target in node.targets:
            self.bind(target, value, scope)

    def _AnnAssign(self, node: ast.AnnAssign, scope: Scope, frame: Frame) -> None:
        if node.value is not None:
            self.bind(node.target, self.value(node.value, scope), scope)

    def _AugAssign(self, node: ast.AugAssign, scope: Scope, frame: Frame) -> None:
        self.value(node.value, scope)

    def _If(self, node: ast.If, scope: Scope, frame: Frame) -> None:
        known = self.truth(node.test, scope)
        ways: dict[bool, Callable[[], object]] = {
            True: lambda: self._block(node.body, scope, frame),
            False: lambda: self._block(node.orelse, scope, frame),
        }
        self._branches(list(ways.values()) if known is None else [ways[known]], scope)

    def _Match(self, node: ast.Match, scope: Scope, frame: Frame) -> None:
        self.value(node.subject, scope)
        ways: list[Callable[[], object]] = [
            lambda case=case: self._block(case.body, scope, frame)  # type: ignore[misc]
            for case in node.cases
        ]
        self._branches([*ways, lambda: None], scope)

    def _branches(self, ways: Sequence[Callable[[], object]], scope: Scope) -> None:
        """Take every way from here; what follows knows only what holds on all that come back."""
        before, names = self.state, dict(scope.names)
        ends, bound = [], []
        for way in ways:
            self.state, scope.names = dict(before) if before is not None else None, dict(names)
            way()
            ends.append(self.state)
            if self.state is not None:
                bound.append(scope.names)
        self.state = joined(*ends)
        ways_back = bound or [names]
        known = {name for found in ways_back for name in found}
        scope.names = {name: merged([found[name] for found in ways_back if name in found]) for name in known}

    def _For(self, node: ast.For | ast.AsyncFor, scope: Scope, frame: Frame) -> None:
        self.iterated(node.iter, scope)
        self.bind(node.target, None, scope)
        self._loop([*node.body, *node.orelse], scope, frame)

    _AsyncFor = _For

    def _While(self, node: ast.While, scope: Scope, frame: Frame) -> None:
        self.value(node.test, scope)
        self._loop([*node.body, *node.orelse], scope, frame)

    def _loop(self, body: Sequence[ast.stmt], scope: Scope, frame: Frame) -> None:
        """A loop is taken to run at least once."""
        before = self.state
        self._block(body, scope, frame)
        if self.state is None:
            self.state = before

    def _With(self, node: ast.With | ast.AsyncWith, scope: Scope, frame: Frame) -> None:
        before, restored = self.state, False
        for item in node.items:
            self.value(item.context_expr, scope)
            if isinstance(item.context_expr, ast.Call):
                callee = self.value(item.context_expr.func, scope)
                restored |= isinstance(callee, External) and callee.name in _RESTORING
            if item.optional_vars is not None:
                self.bind(item.optional_vars, None, scope)
        self._block(node.body, scope, frame)
        if restored and self.state is not None:
            self.state = before

    _AsyncWith = _With

    def _Try(self, node: ast.Try, scope: Scope, frame: Frame) -> None:
        before = self.state
        self._block(node.body, scope, frame)
        after = self.state
        ends: list[State | None] = []
        for handler in node.handlers:
            self.state = joined(before, after)
            self._block(handler.body, scope, frame)
            if not _catches_missing(handler):  # where a package is not there, it draws nothing either
                ends.append(self.state)
        self.state = after
        self._block(node.orelse, scope, frame)
        self.state = joined(self.state, *ends)
        alive = self.state
        if self.state is None and node.finalbody:
            self.state = before
        self._block(node.finalbody, scope, frame)
        if alive is None:
            self.state = None

    _TryStar = _Try

    def _Import(self, node: ast.Import, scope: Scope, frame: Frame) -> None:
        for alias in node.names:
            found = self._imported(alias.name)
            first = alias.name.partition(".")[0]
            if alias.asname:
                scope.names[alias.asname] = ModuleValue(found, alias.name) if found else External(alias.name)
            else:
                top = self.modules.find(first, self.roots)
                scope.names[first] = ModuleValue(top, first) if top else External(first)

    def _ImportFrom(self, node: ast.ImportFrom, scope: Scope, frame: Frame) -> None:
        name = node.module or ""
        source = self.modules.relative(self.module, node.level, name) if node.level else self._imported(name)
        if source is not None:
            self.load(source)
        for alias in node.names:
            if alias.name == "*":
                if source is not None:
                    scope.names |= {k: v for k, v in self.scopes[source.file].names.items() if not k.startswith("_")}
                elif not node.level:
                    self.starred.append((self.module.file, name))
                continue
            value: Value = None
            if source is not None and self.scopes[source.file].knows(alias.name):
                value = self.scopes[source.file].get(alias.name)
            elif node.level:
                sub = self.modules.relative(self.module, node.level, f"{name}.{alias.name}" if name else alias.name)
                if sub is not None:
                    self.load(sub)
                    value = ModuleValue(sub)
            elif (sub := self._imported(f"{name}.{alias.name}")) is not None:
                value = ModuleValue(sub)
            else:
                value = External(f"{name}.{alias.name}")
            scope.names[alias.asname or alias.name] = value

    def _imported(self, name: str) -> Module | None:
        """Run the modules of a dotted name as an import does, packages first; the last one, where it is the project's."""
        parts = name.split(".")
        found = None
        for count in range(1, len(parts) + 1):
            found = self.modules.find(".".join(parts[:count]), self.roots)
            if found is not None:
                self.load(found)
        return found


def _yields(function: ast.FunctionDef) -> bool:
    stack: list[ast.AST] = list(function.body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            decorators = [ast.unparse(decorator) for decorator in function.decorator_list]
            return not any("contextmanager" in decorator for decorator in decorators)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            stack.extend(ast.iter_child_nodes(node))
    return False


def _catches_missing(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return False
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return all(isinstance(kind, ast.Name) and kind.id in _MISSING_PACKAGE for kind in kinds)


def run_deferred(walk: Walk) -> None:
    """What a library calls some time later: methods of objects that it was given, functions that were only named."""
    with walk.in_deferral():
        seen: set[object] = set()
        while True:
            due: list[FunctionValue] = [f for f in walk.referenced if id(f.node) not in walk.called]
            for kind in list(walk.instances):
                if kind.externally_driven:
                    due += [
                        FunctionValue(m.node, m.module, m.closure, m.owner, Instance(kind))
                        for m in kind.methods.values()
                        if id(m.node) not in walk.called
                    ]
            due = [function for function in due if id(function.node) not in seen]
            if not due:
                return
            for function in due:
                seen.add(id(function.node))
                state, walk.state = walk.state, walk.state if walk.state is not None else {}
                walk.iterating = True
                walk.invoke(function, [], {})
                walk.state = state
