"""States of generators as plain data: JSON, and what `torch.load(weights_only=True)` takes, are both enough for it."""

from __future__ import annotations

import base64
import sys
from typing import Any

from reprotest.errors import UsageError

_TUPLE, _ARRAY, _TENSOR = "tuple", "array", "tensor"


def encode(value: Any) -> Any:
    """None, bool, int, float, str, lists and string-keyed mappings as they are; tuples, arrays and tensors as lists and base64 text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, tuple):
        return {_TUPLE: [encode(item) for item in value]}
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        array = value.cpu().numpy()
        return {_TENSOR: _numbers(array)}
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray):
        return {_ARRAY: _numbers(value)}
    if numpy is not None and isinstance(value, numpy.generic):
        return value.item()
    raise TypeError(f"a {type(value).__name__} in the state of a generator")


def decode(value: Any) -> Any:
    """What `encode` was given.

    Raises:
        UsageError: not what `encode` makes.
    """
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {_TUPLE}:
        return tuple(decode(item) for item in value[_TUPLE])
    if set(value) == {_ARRAY}:
        return _array(value[_ARRAY])
    if set(value) == {_TENSOR}:
        return sys.modules["torch"].from_numpy(_array(value[_TENSOR]))
    return {key: decode(item) for key, item in value.items()}


def _numbers(array: Any) -> list[Any]:
    import numpy

    array = numpy.ascontiguousarray(array)
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return [array.dtype.str, list(array.shape), base64.b64encode(array.tobytes()).decode("ascii")]


def _array(parts: Any) -> Any:
    import numpy

    try:
        dtype, shape, text = parts
        kind = numpy.dtype(dtype)
        if kind.hasobject:
            raise ValueError(dtype)
        return numpy.frombuffer(base64.b64decode(text, validate=True), kind).reshape(shape).copy()
    except (TypeError, ValueError) as error:
        raise UsageError(f"the state of a generator is damaged: {error}; take another checkpoint") from error
