"""References inside of values: `${ENV_VAR}`, `${other.key}`, `${NAME:-default}`; `$${` is a literal `${`.

A name means the key of the configuration that it leads to, from the root; else the environment variable. `${env:NAME}` is the variable
in any case, and so is a key's reference to its own name (`API_KEY: ${API_KEY}`). A value that is one reference to a key and nothing
else takes over what stands there, a list or mapping too. A value that is one variable reads as if the variable's text stood in the
file instead: without quotes around, `${WORKERS}` may be a number. Every other value with a reference in it is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from reprotest.config.compose import DEPTH_LIMIT, NODE_LIMIT, SCALAR_LIMIT
from reprotest.config.environment import Environment
from reprotest.config.node import Key, Mapping, Node, Scalar, Sequence, child, dotted
from reprotest.config.read import unquoted
from reprotest.config.suggest import did_you_mean
from reprotest.errors import ConfigError
from reprotest.secrets import is_secret_name

_START = re.compile(r"\$?\$\{")
_HEAD = re.compile(r"\s*(?P<env>env:)?(?P<name>[\w./-]+)\s*(?P<then>:-|\})")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_AT_ONCE = 30
"""References that lead to each other."""

Path = tuple[Key, ...]


def resolve(root: Mapping, environment: Environment) -> Mapping:
    """The tree with every reference replaced; not changed itself. Variables that are missing are noted in `environment`.

    Raises:
        ConfigError: a reference that leads nowhere or in a circle, or that is written wrongly; values beyond the limits of a file.
    """
    done = _Resolver(root, environment).resolved(root, ())
    assert isinstance(done, Mapping)
    return done


class _Resolver:
    def __init__(self, root: Mapping, environment: Environment) -> None:
        self.root, self.environment = root, environment
        self.done: dict[int, Node] = {}
        self.extent: dict[int, tuple[int, int]] = {}
        """How many nodes a finished container holds, and how deep."""
        self.under_way: dict[int, Path] = {}
        self.references = 0

    def resolved(self, node: Node, path: Path) -> Node:
        if isinstance(node, Scalar) and "${" not in node.text:
            return node
        if id(node) in self.done:
            return self.done[id(node)]
        if id(node) in self.under_way:
            paths = list(self.under_way.values())
            first = list(self.under_way).index(id(node))
            circle = " → ".join(dotted(way) or "the whole" for way in (*paths[first:], path))
            raise ConfigError(f"{node.mark}: references go in a circle: {circle}; ${{env:NAME}} names the variable")
        self.under_way[id(node)] = path
        if isinstance(node, Scalar):
            result = self._scalar(node, path)
        elif isinstance(node, Sequence):
            result = Sequence([self.resolved(item, (*path, at)) for at, item in enumerate(node.items)], node.mark)
            self._measure(result, result.items)
        else:
            items = {key: self.resolved(item, (*path, key)) for key, item in node.items.items()}
            result = Mapping(items, node.mark, node.keys)
            self._measure(result, list(items.values()))
        del self.under_way[id(node)]
        self.done[id(node)] = result
        return result

    def _measure(self, node: Node, children: list[Node]) -> None:
        extents = [self.extent.get(id(item), (1, 0)) for item in children]
        size = 1 + sum(count for count, _ in extents)
        depth = 1 + max((below for _, below in extents), default=0)
        if size > NODE_LIMIT:
            raise ConfigError(f"{node.mark}: more than {NODE_LIMIT:,} values, counting what references repeat")
        if depth > DEPTH_LIMIT:
            raise ConfigError(f"{node.mark}: nested more than {DEPTH_LIMIT} deep by references")
        self.extent[id(node)] = size, depth

    def _scalar(self, node: Scalar, path: Path) -> Node:
        self.references += 1
        if self.references > _AT_ONCE:
            raise ConfigError(f"{node.mark}: more than {_AT_ONCE} references that lead to each other")
        parts = list(_parts(node))
        if len(parts) == 1 and isinstance(parts[0], _Reference):
            result = self._whole(parts[0], node, path)
        else:
            result = self._joined(parts, node, path)
        self.references -= 1
        return result

    def _whole(self, reference: _Reference, node: Scalar, path: Path) -> Node:
        found = self._find(reference, node, path)
        if isinstance(found, Scalar):
            return replace(found, mark=node.mark, origin=node.text)
        return found

    def _joined(self, parts: list[str | _Reference], node: Scalar, path: Path) -> Scalar:
        texts: list[str] = []
        length = 0
        secret = False
        for part in parts:
            if isinstance(part, str):
                texts.append(part)
                continue
            found = self._find(part, node, path)
            if not isinstance(found, Scalar):
                raise ConfigError(
                    f"{node.mark}: ${{{part.name}}} is a {'list' if isinstance(found, Sequence) else 'mapping'}, "
                    "which can only be the whole of a value"
                )
            texts.append("" if found.value is None else found.text)
            secret = secret or found.secret
            length += len(texts[-1])
            if length > SCALAR_LIMIT:
                raise ConfigError(f"{node.mark}: a value of more than {SCALAR_LIMIT:,} characters")
        text = "".join(texts)
        return Scalar(text, text, node.mark, secret=secret, origin=node.text)

    def _find(self, reference: _Reference, node: Scalar, path: Path) -> Node:
        """What a reference stands for: a key's value, a variable's text, or its default."""
        keys = reference.name.split(".")
        if not reference.env and keys != [str(key) for key in path]:
            found = self._key(keys)
            if found is not None and not (reference.default is not None and _empty(found)):
                hidden = isinstance(found, Scalar) and isinstance(found.value, str) and is_secret_name(keys[-1])
                return replace(found, secret=True) if hidden and isinstance(found, Scalar) else found
        text = self.environment.get(reference.name)
        if text is not None:
            if is_secret_name(reference.name):
                return Scalar(text, text, node.mark, secret=True)
            return unquoted(text, node.mark) if node.plain else Scalar(text, text, node.mark)
        if reference.default is not None:
            default = reference.default
            if "${" in default:
                return self._scalar(replace(node, value=default, text=default), path)
            return unquoted(default, node.mark) if node.plain else Scalar(default, default, node.mark)
        if reference.env or _VARIABLE.fullmatch(reference.name):
            self.environment.need(reference.name, f"{dotted(path)} ({node.mark})")
            return Scalar(None, "", node.mark)
        raise ConfigError(f"{node.mark}: ${{{reference.name}}}: {self._lost(keys)}")

    def _key(self, keys: list[str]) -> Node | None:
        """What stands at these keys, resolved; None when there is no such key."""
        node, path, finished = self._walk(keys)
        if len(path) < len(keys):
            return None
        return node if finished else self.resolved(node, path)

    def _walk(self, keys: list[str]) -> tuple[Node, Path, bool]:
        """As far as the keys lead: the node there, the way to it, and whether it is resolved already."""
        node: Node = self.root
        path: Path = ()
        finished = False  # what is resolved may hold a literal "${"
        for key in keys:
            if isinstance(node, Scalar) and not finished:
                node, finished = self.resolved(node, path), True
            below = child(node, key)
            if below is None:
                break
            node, path = below, (*path, key)
        return node, path, finished

    def _lost(self, keys: list[str]) -> str:
        """Where the way of a reference ends."""
        node, path, _ = self._walk(keys)
        names = [str(key) for key in node.items] if isinstance(node, Mapping) else []
        variable = "" if path or len(keys) > 1 else " and no environment variable"
        place = f" under {dotted(path)}" if path else ""
        return f"no key{variable} {keys[len(path)]}{place}; {did_you_mean(keys[len(path)], names)}"


class _Reference:
    def __init__(self, name: str, env: bool, default: str | None) -> None:
        self.name, self.env, self.default = name, env, default


def _parts(node: Scalar) -> Iterator[str | _Reference]:
    """The literal texts and references of a value, in their order."""
    text, at = node.text, 0
    while True:
        start = _START.search(text, at)
        if start is None:
            if at < len(text) or not at:
                yield text[at:]
            return
        if start[0] == "$${":
            yield text[at : start.start()] + "${"
            at = start.end()
            continue
        if at < start.start():
            yield text[at : start.start()]
        head = _HEAD.match(text, start.end())
        end = _end(text, head.end()) if head and head["then"] == ":-" else head and head.end()
        if head is None or end is None:
            raise ConfigError(
                f"{node.mark}: {text[start.start() :][:40]!r} is no reference: expected ${{NAME}}, ${{other.key}} or ${{NAME:-default}}, "
                "or $${ for a literal ${"
            )
        default = text[head.end() : end - 1] if head["then"] == ":-" else None
        yield _Reference(head["name"], head["env"] is not None, default)
        at = end


def _end(text: str, at: int) -> int | None:
    """Where the reference that is open at `at` ends, past its brace; None when it does not."""
    depth = 1
    while at < len(text):
        if text.startswith("${", at):
            depth, at = depth + 1, at + 2
            continue
        depth -= text[at] == "}"
        at += 1
        if depth == 0:
            return at
    return None


def _empty(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value in (None, "")
