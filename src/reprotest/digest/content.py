"""What the objects of libraries that we know consist of, where their own saved state would mislead. No library is imported.

Each entry names a class by module and name; subclasses are covered. Its function returns the object's named parts.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

Parts = list[tuple[str, Any]]

MEASURED_TIMES = frozenset(
    {"mean_fit_time", "std_fit_time", "mean_score_time", "std_score_time", "fit_time", "score_time", "refit_time_"}
)
"""Keys and attributes in which scikit-learn's model selection leaves how long something took: never the same twice."""


def register(library: str, name: str, parts: Callable[[Any], Parts]) -> None:
    """Say what objects of a class consist of, by its library (top-level module) and name. Covers subclasses."""
    _KNOWN[library, name] = parts


def content_of(value: Any) -> tuple[str, Parts] | None:
    """Label and parts of an object of a known class; None for all others."""
    for cls in type(value).__mro__:
        known = _KNOWN.get((cls.__module__.partition(".")[0], cls.__name__))
        if known is not None:
            label = f"{type(value).__module__}.{type(value).__qualname__}"
            return label, known(value)
    return None


def _as_array(value: Any) -> Parts:
    return [("", sys.modules["numpy"].asarray(value))]


def _module(value: Any) -> Parts:
    named = [(f".{name}", part) for name, part in value.named_parameters()]
    return named + [(f".{name}", part) for name, part in value.named_buffers()]


def _state_dict(value: Any) -> Parts:
    return [("", dict(value.state_dict()))]


def _frame(value: Any) -> Parts:
    columns = [(f"[{name!s}]", _column(value.iloc[:, i])) for i, name in enumerate(value.columns)]
    return [(".columns", list(map(str, value.columns))), (".index", value.index), *columns]


def _series(value: Any) -> Parts:
    return [(".name", str(value.name)), (".index", value.index), (".values", _column(value))]


def _column(series: Any) -> Any:
    array = series.array
    if type(array).__name__ == "Categorical":
        return {"categories": array.categories.to_numpy(), "codes": array.codes}
    return array.to_numpy()


def _index(value: Any) -> Parts:
    if hasattr(value, "levels"):
        return [(".levels", [level.to_numpy() for level in value.levels]), (".codes", list(value.codes))]
    return [(".name", str(value.name)), (".values", value.to_numpy())]


def _polars_frame(value: Any) -> Parts:
    return [(".columns", list(value.columns)), *((f"[{s.name}]", _polars_values(s)) for s in value.get_columns())]


def _arrow_table(value: Any) -> Parts:
    columns = [(f"[{name}]", column) for name, column in zip(value.column_names, value.columns, strict=True)]
    return [(".columns", list(value.column_names)), *columns]


def _arrow_array(value: Any) -> Parts:
    values = value.to_numpy(zero_copy_only=False)
    return [(".type", str(value.type)), (".nulls", value.is_null().to_numpy(zero_copy_only=False)), (".values", values)]


def _polars_series(value: Any) -> Parts:
    return [(".name", value.name), (".values", _polars_values(value))]


def _polars_values(series: Any) -> Any:
    kind = series.dtype
    gaps = {"nulls": series.is_null().to_numpy()} if series.null_count() else {}
    if kind.is_numeric() and not gaps:
        return series.to_numpy()
    if kind.is_numeric():
        values = series.fill_null(0).to_numpy()
    elif kind.is_temporal():
        values = series.to_physical().fill_null(0).to_numpy()
    else:
        values = series.to_list()
    return {"dtype": str(kind), "values": values, **gaps}


def _sparse(value: Any) -> Parts:
    names = ("data", "indices", "indptr", "row", "col", "offsets", "rows", "coords")
    found = [(f".{name}", getattr(value, name)) for name in names if name in vars(value) or hasattr(type(value), name)]
    if not found:  # a dictionary of keys
        found = [(".items", dict(value.items()))]
    return [(".shape", tuple(value.shape)), *found]


def _dask_array(value: Any) -> Parts:
    """Chunks and the arrays that its tasks hold, by kind of task and index: the names of tasks may be drawn anew in every process.

    Nothing is computed: what tasks make of those arrays shows in what comes out.
    """
    from reprotest.digest.walk import is_leaf, walk

    kind = sys.modules["dask.utils"].key_split
    graph = dict(value.__dask_graph__())
    parts: Parts = [
        (".shape", tuple(map(str, value.shape))),
        (".dtype", str(value.dtype)),
        (".chunks", str(value.chunks)),
    ]
    for key in sorted(graph, key=lambda key: (kind(key), str(key[1:]) if isinstance(key, tuple) else "")):
        held = [leaf for _, leaf in walk(graph[key]) if hasattr(leaf, "dtype") and is_leaf(leaf)]
        place = f"[{', '.join(map(str, key[1:]))}]" if isinstance(key, tuple) else ""
        parts += [(f".{kind(key)}{place}", array) for array in held]
    return parts


_KNOWN: dict[tuple[str, str], Callable[[Any], Parts]] = {
    ("torch", "Module"): _module,
    ("torch", "Optimizer"): _state_dict,
    ("torch", "LRScheduler"): _state_dict,
    ("torch", "Generator"): lambda g: [(".state", g.get_state())],
    ("torch", "dtype"): lambda d: [("", str(d))],
    ("torch", "device"): lambda d: [("", str(d))],
    ("torch", "layout"): lambda d: [("", str(d))],
    ("torch", "memory_format"): lambda d: [("", str(d))],
    ("numpy", "Generator"): lambda g: [(".state", g.bit_generator.state)],
    ("numpy", "RandomState"): lambda g: [(".state", g.get_state(legacy=False))],
    ("numpy", "dtype"): lambda d: [("", str(d))],
    ("random", "Random"): lambda r: [(".state", r.getstate())],
    ("pathlib", "PurePath"): lambda p: [("", str(p))],
    ("pandas", "DataFrame"): _frame,
    ("pandas", "Series"): _series,
    ("pandas", "Index"): _index,
    ("polars", "DataFrame"): _polars_frame,
    ("polars", "LazyFrame"): lambda f: [("", f.collect())],
    ("polars", "Series"): _polars_series,
    ("pyarrow", "Table"): _arrow_table,
    ("pyarrow", "RecordBatch"): _arrow_table,
    ("pyarrow", "ChunkedArray"): _arrow_array,
    ("pyarrow", "Array"): _arrow_array,
    ("dask", "Array"): _dask_array,
    ("scipy", "spmatrix"): _sparse,
    ("scipy", "sparray"): _sparse,
    ("scipy", "_spbase"): _sparse,
    ("jaxlib", "ArrayImpl"): _as_array,
    ("jax", "Array"): _as_array,
    ("tensorflow", "EagerTensor"): _as_array,
    ("tensorflow", "Tensor"): _as_array,
    ("tensorflow", "BaseResourceVariable"): _as_array,
    ("keras", "Variable"): _as_array,
    ("keras", "Layer"): lambda layer: [("", [sys.modules["numpy"].asarray(w) for w in layer.get_weights()])],
}
