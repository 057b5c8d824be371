"""The named arrays and plain values that a batch, a checkpoint or a fitted estimator is made of, without measured times."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

from reprotest.digest import content
from reprotest.digest.walk import Leaf, walk

_TIMES = re.compile(
    r"(^|[_\W])(time|times|timing|timings|elapsed|dur|duration|durations|sec|seconds|secs|latency|latencies|timestamp|timestamps|"
    r"runtime|wall|throughput|datetime|ms|fps)(\d*[_\W]|\d*$)"
)


def extractor(library: str, name: str, parts: Callable[[Any], dict[str, Any]]) -> None:
    """Say what stands for the objects of a class, wherever they are found inside of others. Covers subclasses."""
    content._KNOWN[library, name] = lambda value: [(f".{key}", part) for key, part in parts(value).items()]


def is_time(name: str) -> bool:
    """Does a name say that its value is a time or a speed, which no two runs share?"""
    return _TIMES.search(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()) is not None


def is_array(value: Any) -> bool:
    """A tensor or a NumPy array, whichever frameworks are loaded."""
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    return isinstance(value, (getattr(torch, "Tensor", ()), getattr(numpy, "ndarray", ())))


def leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """(name, leaf) in a fixed order; names follow Python: "batch[0]['x'].ids". What cannot be looked into is left out."""
    for path, leaf in walk(value):
        if leaf is not None and not isinstance(leaf, Leaf):
            yield (f"{name}.{path}" if path and path[0] not in "[." else name + path), leaf


def arrays(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The leaves that are tensors or arrays."""
    for path, leaf in leaves(value, name):
        if is_array(leaf):
            yield path, leaf
