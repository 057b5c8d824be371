"""Hugging Face datasets: the rows that loading, mapping, filtering, shuffling and splitting give, and their fingerprints.

Compared are rows; a fingerprint names a cache file and may be random while the rows are the same (a function that cannot be hashed), so it
is kept as a state beside them.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import TYPE_CHECKING, Any

from reprotest.digest import fingerprint
from reprotest.probe.calls import outermost
from reprotest.record.event import Phase

if TYPE_CHECKING:
    from reprotest.probe.child import Child

MODULE = "datasets"

_TRANSFORMS = ("map", "filter", "shuffle", "select", "sort", "train_test_split", "shard", "flatten_indices")
_ROWS = 512
"""Rows at either end that are compared; the number of rows is, too."""


def install(child: Child, module: ModuleType) -> None:
    """Observe what the user's code makes of datasets."""
    for kind in (module.Dataset, module.DatasetDict):
        for name in _TRANSFORMS:
            if name in vars(kind):
                _observe(child, kind, name, f"{kind.__name__}.{name}")
    _observe(child, module, "load_dataset", "load_dataset")
    _observe(child, module, "concatenate_datasets", "concatenate_datasets")


def _observe(child: Child, owner: Any, attribute: str, name: str) -> None:
    original = getattr(owner, attribute, None)
    if original is None:
        return

    @functools.wraps(original)
    def observed(*args: Any, **kwargs: Any) -> Any:
        by_user = child.caller_is_user()
        with outermost() as mine:
            result = original(*args, **kwargs)
            if mine and by_user and child.in_main_thread() and not child.is_worker and child.level != "lines":
                try:
                    _put(child, name, result)
                except Exception as error:
                    child.note(f"what {name} gives could not be observed: {error!r}")
            return result

    setattr(owner, attribute, observed)


def _put(child: Child, name: str, result: Any) -> None:
    parts = {f"{name}[{key!r}]": part for key, part in result.items()} if isinstance(result, dict) else {name: result}
    writer = child.writer()
    location = child.site()
    for label, part in parts.items():
        if not hasattr(part, "num_rows"):  # a stream: its rows are seen where they are used
            continue
        child.observe(f"{label}.num_rows", Phase.DATA, part.num_rows, location=location)
        plain = part.with_format("arrow")
        for where, rows in (("first", plain[:_ROWS]), ("last", plain[max(0, part.num_rows - _ROWS) :])):
            for column, values in rows.to_pydict().items():
                child.observe(f"{label}.{where}[{column!r}]", Phase.DATA, values, location=location)
        if writer is not None:
            writer.event(f"{label}.fingerprint", Phase.STATE, fingerprint(part._fingerprint)[0])
    child.commit()
