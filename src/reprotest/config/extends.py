"""A file together with those that it extends."""

from __future__ import annotations

import os
from pathlib import Path

from reprotest.config.node import Mapping, Node, Scalar, Sequence
from reprotest.config.read import read_file
from reprotest.errors import ConfigError

EXTENDS = "extends"


def read_extended(path: Path) -> Mapping:
    """The tree of a file laid over the trees of the files that its `extends` names.

    `extends` is a path or a list of paths, relative to the file that names them; later ones win over earlier ones, the file itself
    over all. Mappings are merged key by key; lists and values are replaced.

    Raises:
        ConfigError: a file that cannot be read, or that extends itself (with the chain of files).
    """
    return _read(path, ())


def merge(base: Node, over: Node) -> Node:
    """`over` laid upon `base`. Neither is changed."""
    if not (isinstance(base, Mapping) and isinstance(over, Mapping)):
        return over
    items = dict(base.items)
    for key, node in over.items.items():
        items[key] = merge(items[key], node) if key in items else node
    return Mapping(items, over.mark, base.keys | over.keys)


def shown(path: Path) -> str:
    """A path as messages show it: short where it lies below the working directory."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _read(path: Path, chain: tuple[Path, ...]) -> Mapping:
    path = Path(os.path.abspath(path))
    own = read_file(path, shown(path))
    named = own.items.get(EXTENDS)
    chain = (*chain, path)
    tree: Node = Mapping({}, own.mark)
    for scalar in _names(named) if named is not None else ():
        base = Path(os.path.abspath(path.parent / Path(scalar.text).expanduser()))
        if any(_same(base, earlier) for earlier in chain):
            cycle = " → ".join(shown(file) for file in (*chain, base))
            raise ConfigError(f"{scalar.mark}: extends goes in a circle: {cycle}")
        if not base.is_file():
            raise ConfigError(f"{scalar.mark}: extends {scalar.text!r}, but there is no file {shown(base)}")
        tree = merge(tree, _read(base, chain))
    rest = {key: node for key, node in own.items.items() if key != EXTENDS}
    merged = merge(tree, Mapping(rest, own.mark, own.keys))
    assert isinstance(merged, Mapping)
    return merged


def _names(node: Node) -> list[Scalar]:
    if isinstance(node, Scalar) and node.value is None:
        return []
    items = node.items if isinstance(node, Sequence) else [node]
    for item in items:
        if not isinstance(item, Scalar) or not isinstance(item.value, str) or not item.text:
            raise ConfigError(f"{item.mark}: extends takes the path of a file, or a list of such")
    return [item for item in items if isinstance(item, Scalar)]


def _same(a: Path, b: Path) -> bool:
    try:
        return a == b or a.samefile(b)
    except OSError:
        return False
