"""The tree of one YAML document, made from the parser's events without recursion and within limits.

PyYAML has two parsers, one in C, and both give the same events; building the tree here keeps the marks, and bounds nesting and expansion
whichever of them is used.
"""

from __future__ import annotations

import yaml

from reprotest.config import scalar
from reprotest.config.node import Key, Mapping, Mark, Node, Scalar, Sequence
from reprotest.errors import ConfigError

SCALAR_LIMIT = 1_000_000
"""Characters of one value."""
NODE_LIMIT = 100_000
"""Values and containers of one file, everything that aliases repeat counted again."""
DEPTH_LIMIT = 100

PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def compose(text: str, source: str) -> Node | None:
    """The tree of a document; None when there is none.

    Args:
        text: the document.
        source: how marks call it.

    Raises:
        ConfigError: not plain data, or beyond a limit.
        yaml.YAMLError, UnicodeEncodeError: not YAML.
    """
    return _Composer(source).compose(text)


def refused(mark: Mark, problem: str) -> ConfigError:
    return ConfigError(f"{mark}: {problem}")


class _Composer:
    def __init__(self, source: str) -> None:
        self.source = source
        self.anchors: dict[str, tuple[Node, int]] = {}
        """Finished nodes with an anchor, and how many nodes each holds."""
        self.unfinished: set[str] = set()
        self.count = 0
        self.root: Node | None = None
        self.stack: list[_Open] = []

    def compose(self, text: str) -> Node | None:
        documents = 0
        for event in yaml.parse(text, Loader=PARSER):
            if isinstance(event, yaml.ScalarEvent):
                self._add(self._scalar(event, self._mark(event)))
            elif isinstance(event, yaml.CollectionStartEvent):
                self._open(event, self._mark(event))
            elif isinstance(event, yaml.CollectionEndEvent):
                self._add(self._close())
            elif isinstance(event, yaml.AliasEvent):
                self._add(self._alias(str(event.anchor), self._mark(event)))
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise refused(self._mark(event), "a second document in one file: keep one, or use extends")
        return self.root

    def _mark(self, event: yaml.Event) -> Mark:
        mark = event.start_mark
        return Mark(self.source, mark.line + 1, mark.column + 1) if mark else Mark(self.source)

    def _add(self, node: Node) -> None:
        if self.stack:
            self.stack[-1].add(node)
        else:
            self.root = node

    def _count(self, mark: Mark, nodes: int = 1) -> None:
        self.count += nodes
        if self.count > NODE_LIMIT:
            raise refused(mark, f"more than {NODE_LIMIT:,} values, counting what aliases repeat")

    def _scalar(self, event: yaml.ScalarEvent, mark: Mark) -> Scalar:
        self._count(mark)
        length = len(event.value)
        if length > SCALAR_LIMIT:
            raise refused(
                mark, f"a value of {length:,} characters, more than {SCALAR_LIMIT:,}: keep it in a file of its own"
            )
        plain = not event.style
        try:
            value, doubt = scalar.read(event.value, event.tag, plain)
        except scalar.NotPlain as error:
            raise refused(mark, str(error)) from error
        node = Scalar(value, event.value, mark, plain and event.tag is None, doubt=doubt)
        if event.anchor:
            self.anchors[event.anchor] = (node, 1)
        return node

    def _alias(self, anchor: str, mark: Mark) -> Node:
        if anchor in self.unfinished:
            raise refused(mark, f"*{anchor} stands inside of what it names")
        if anchor not in self.anchors:
            raise refused(mark, f"*{anchor} names nothing above: there is no &{anchor}")
        node, size = self.anchors[anchor]
        self._count(mark, size)
        return node

    def _open(self, event: yaml.CollectionStartEvent, mark: Mark) -> None:
        mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", "tag:yaml.org,2002:map" if mapping else "tag:yaml.org,2002:seq"):
            raise refused(mark, f"the tag {scalar.short_tag(str(event.tag))} is not plain data")
        if len(self.stack) == DEPTH_LIMIT:
            raise refused(mark, f"nested more than {DEPTH_LIMIT} deep")
        self._count(mark)
        if event.anchor:
            self.unfinished.add(event.anchor)
        self.stack.append((_OpenMapping if mapping else _OpenSequence)(mark, event.anchor, self.count - 1))

    def _close(self) -> Node:
        done = self.stack.pop()
        node = done.node()
        if done.anchor:
            self.unfinished.discard(done.anchor)
            self.anchors[done.anchor] = (node, self.count - done.start)
        return node


class _Open:
    """A list or mapping whose end has not come yet."""

    def __init__(self, mark: Mark, anchor: str | None, start: int) -> None:
        self.mark, self.anchor, self.start = mark, anchor, start

    def add(self, node: Node) -> None:
        raise NotImplementedError

    def node(self) -> Node:
        raise NotImplementedError


class _OpenSequence(_Open):
    def __init__(self, mark: Mark, anchor: str | None, start: int) -> None:
        super().__init__(mark, anchor, start)
        self.items: list[Node] = []

    def add(self, node: Node) -> None:
        self.items.append(node)

    def node(self) -> Node:
        return Sequence(self.items, self.mark)


class _OpenMapping(_Open):
    def __init__(self, mark: Mark, anchor: str | None, start: int) -> None:
        super().__init__(mark, anchor, start)
        self.done = Mapping({}, mark)
        self.key: Scalar | None = None
        self.names: dict[str, Mark] = {}
        self.merged: list[Mapping] = []

    def add(self, node: Node) -> None:
        if self.key is None:
            if not isinstance(node, Scalar):
                raise refused(node.mark, "a list or mapping as a key: expected a name")
            self.key = node
            return
        key, self.key = self.key, None
        if key.plain and key.text == "<<":
            self._merge(node)
            return
        name = key.text
        if name in self.names:
            raise refused(key.mark, f"the key {name!r} is given twice, first in line {self.names[name].line}")
        self.names[name] = key.mark
        own = name_of(key)
        if own in self.done.items:  # 1 and 1.0, or 1 and 0x1
            raise refused(key.mark, f"the key {name!r} is given twice, in another way of writing")
        self.done.items[own] = node
        self.done.keys[own] = key.mark

    def _merge(self, node: Node) -> None:
        """`<<: *base`, or a list of such, the first of which wins; what the mapping says itself wins over all."""
        for item in node.items if isinstance(node, Sequence) else [node]:
            if not isinstance(item, Mapping):
                raise refused(item.mark, "<< takes a mapping or a list of mappings, such as `<<: *base`")
            self.merged.append(item)

    def node(self) -> Node:
        if not self.merged:
            return self.done
        items: dict[Key, Node] = {}
        keys: dict[Key, Mark] = {}
        for source in (*reversed(self.merged), self.done):
            items.update(source.items)
            keys.update(source.keys)
        return Mapping(items, self.mark, keys)


def name_of(key: Scalar) -> Key:
    """A key as Python has it: a number where it is written as Python writes it, else the text (`on:` is "on", `1.10:` is "1.10")."""
    number = key.plain and isinstance(key.value, int | float) and not isinstance(key.value, bool)
    return key.value if number and str(key.value) == key.text else key.text
