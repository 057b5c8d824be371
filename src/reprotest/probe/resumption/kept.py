"""Pieces of state as files: a tree of plain data in JSON, its tensors and arrays beside it as raw bytes. Never a pickle."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reprotest.digest.raw import raw_of
from reprotest.record.values import Value, ValueReader, ValueWriter

_MOST = 1 << 40
"""Bytes: a piece is kept whole or not at all, never as a sample."""
_KIND = "$"


class Unkept(TypeError):
    """There is something in a piece that is neither plain data nor a tensor."""


def folder_of(run_dir: str | Path) -> Path:
    """Where a run's pieces lie."""
    return Path(run_dir, "resume")


def write(folder: Path, stem: str, tree: Any) -> None:
    """Write a tree as `stem.json` and `stem.val`. Raises Unkept, OSError."""
    folder.mkdir(exist_ok=True)
    values = ValueWriter(folder / f"{stem}.val", _MOST, _MOST)
    count = 0

    def keep(value: Any) -> int:
        nonlocal count
        raw = raw_of(value)
        if raw is None:
            raise Unkept(f"a {type(value).__name__} without plain bytes")
        values.put(0, count, *raw)
        count += 1
        return count - 1

    try:
        text = json.dumps(_encoded(tree, keep))
    finally:
        values.close()
    part = folder / f"{stem}.part"
    part.write_text(text)
    part.replace(folder / f"{stem}.json")


def read(folder: Path, stem: str) -> Any:
    """The tree that was written, with tensors and arrays made anew; None when there is none."""
    try:
        text = (folder / f"{stem}.json").read_text()
    except FileNotFoundError:
        return None
    values = ValueReader(folder / f"{stem}.val")
    try:
        return _decoded(json.loads(text), lambda node: _made(values, node))
    finally:
        values.close()


def plain(value: Any) -> bool:
    """Can JSON hold it as it is?"""
    return value is None or isinstance(value, (bool, int, float, str))


def _encoded(value: Any, keep: Callable[[Any], int]) -> Any:
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.generic):
        return {_KIND: "scalar", "at": keep(value)}
    if plain(value):
        return value
    if isinstance(value, list):
        return [_encoded(item, keep) for item in value]
    if isinstance(value, tuple):
        return {_KIND: "tuple", "of": [_encoded(item, keep) for item in value]}
    if isinstance(value, dict):
        if all(isinstance(key, str) and key != _KIND for key in value):
            return {key: _encoded(item, keep) for key, item in value.items()}
        return {_KIND: "dict", "of": [[_encoded(key, keep), _encoded(item, keep)] for key, item in value.items()]}
    if torch is not None and isinstance(value, torch.Tensor):
        return {_KIND: "tensor", "at": keep(value), "device": str(value.device)}
    if numpy is not None and isinstance(value, numpy.ndarray):
        return {_KIND: "array", "at": keep(value)}
    raise Unkept(f"a {type(value).__name__}")


def _decoded(node: Any, made: Callable[[dict[str, Any]], Any]) -> Any:
    if isinstance(node, list):
        return [_decoded(item, made) for item in node]
    if not isinstance(node, dict):
        return node
    match node.get(_KIND):
        case None:
            return {key: _decoded(item, made) for key, item in node.items()}
        case "tuple":
            return tuple(_decoded(item, made) for item in node["of"])
        case "dict":
            return {_decoded(key, made): _decoded(item, made) for key, item in node["of"]}
        case _:
            return made(node)


def _made(values: ValueReader, node: dict[str, Any]) -> Any:
    value = values.get(0, node["at"])
    if value is None:
        raise Unkept(f"value {node['at']} is not there")
    if node[_KIND] in ("array", "scalar"):
        import numpy

        array = numpy.frombuffer(bytes(value.raw), value.dtype).reshape(value.shape).copy()
        return array[()] if node[_KIND] == "scalar" else array
    import torch

    if not value.raw:
        return torch.empty(value.shape, dtype=getattr(torch, value.dtype), device=node["device"])
    made = torch.frombuffer(bytearray(value.raw), dtype=getattr(torch, value.dtype))
    return made.reshape(value.shape).to(node["device"])


def contents(folder: Path, stem: str) -> Any:
    """The same tree for a process without frameworks: `Value` objects in the place of tensors and arrays; None when there is none."""
    try:
        text = (folder / f"{stem}.json").read_text()
    except FileNotFoundError:
        return None
    values = ValueReader(folder / f"{stem}.val")

    def found(node: dict[str, Any]) -> Any:
        value = values.get(0, node["at"])
        return None if value is None else Value(value.dtype, value.shape, memoryview(bytes(value.raw)))

    try:
        return _decoded(json.loads(text), found)
    finally:
        values.close()
