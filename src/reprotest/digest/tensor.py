"""Digests of PyTorch tensors: their bytes in row-major order, read where they lie. Never imports torch."""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Iterator
from typing import Any

from reprotest.digest import sketch as sketches
from reprotest.digest.algorithm import Buffer, Hasher, hash128, seed

Row = tuple[bytes, float, float]
"""Digest and sketch (a, b)."""

_CHUNK = 64 << 20
"""Bytes copied at once of a tensor that is not contiguous or not in host memory."""

_MOST_LAYOUTS = 4096
"""Variable lengths make many shapes: the table of what is known about them is emptied before it grows without bound."""


class Layout:
    """What is the same for all tensors of one dtype and shape.

    Attributes:
        name, shape: the dtype's name and the shape.
        nbytes: bytes of the elements.
        array: the ctypes array type over them.
        seed: what the digest of the bytes is seeded with.
        sketch: from the bytes to (a, b).
    """

    __slots__ = ("array", "name", "nbytes", "seed", "shape", "sketch")

    def __init__(self, name: str, shape: tuple[int, ...], itemsize: int) -> None:
        count = 1
        for n in shape:
            count *= n
        self.name = name
        self.shape = shape
        self.nbytes = count * itemsize
        self.array = ctypes.c_char * self.nbytes
        self.seed = seed(describe(name, shape))
        self.sketch = sketches.sketcher(name, count)


_layouts: dict[Any, Layout] = {}
_plain_types: set[type] = set()
_CONJUGATED = ("complex32", "complex64", "complex128")


def describe(dtype: str, shape: tuple[int, ...]) -> str:
    """What goes into a digest beside the bytes: "float32[3, 4]"."""
    return f"{dtype}{list(shape)}"


def is_tensor(value: Any) -> bool:
    """Is it a PyTorch tensor? False when torch was never imported."""
    torch = sys.modules.get("torch")
    cls = getattr(torch, "Tensor", None)  # torch may be half imported
    return cls is not None and isinstance(value, cls)


def digest_tensor(t: Any) -> bytes:
    """16 bytes over dtype, shape and elements; equal for equal bits whatever the strides, device or `requires_grad`.

    Sees order, dtype, shape, -0 and NaN payloads. Conjugate and negative views are resolved; sparse, quantised, nested and
    wrapped tensors are split into their parts; tensors without data (meta, fake) give dtype and shape alone.
    """
    buffer, layout = plain_memory(t)
    if layout is not None:
        return hash128(buffer, layout.seed)
    return _row(t)[0]


def tensor_row(t: Any) -> Row:
    """Digest and sketch of a tensor."""
    buffer, layout = plain_memory(t)
    if layout is not None:
        digest = hash128(buffer, layout.seed)
        return (digest, *layout.sketch(buffer))
    return _row(t)


def name_of(t: Any) -> str:
    """The dtype as NumPy spells it: "float32"."""
    return _dtype_name(t.dtype)


@functools.cache
def _dtype_name(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def shape_of(t: Any) -> tuple[int, ...] | None:
    """The shape; None for nested tensors, which have no single one."""
    try:
        return tuple(map(int, t.shape))
    except Exception:  # nested tensors and symbolic shapes
        return None


def plain_memory(t: Any) -> tuple[Any, Layout | None]:
    """The bytes of a tensor that lies in host memory in row-major order; (None, None) for every other kind.

    For probes that digest one tensor again and again: `hash128(bytes, layout.seed)` is its digest as long as it keeps its address,
    dtype, shape and strides. The bytes do not keep the tensor alive.
    """
    try:
        if (type(t) in _plain_types or _is_plain_type(t)) and t.is_cpu and t.is_contiguous() and not t.is_neg():
            layout = _layouts.get((t.dtype, t.shape)) or _new_layout(t)
            # A storage may have been freed under a living tensor (sharded training does that).
            if layout is not None and 0 < layout.nbytes <= t.untyped_storage().nbytes():
                return layout.array.from_address(t.data_ptr()), layout
    except Exception:  # no storage (functorch, nested), symbolic shape: the slow way says what it is
        pass
    return None, None


def _is_there(t: Any, nbytes: int) -> bool:
    """Does the storage hold all that a contiguous tensor claims? Sharded training frees storages under living tensors."""
    return bool(t.untyped_storage().nbytes() >= nbytes + t.storage_offset() * t.element_size())


def _is_plain_type(t: Any) -> bool:
    torch = sys.modules["torch"]
    if type(t) is torch.Tensor or type(t) is torch.nn.Parameter:
        _plain_types.add(type(t))
        return True
    return False


def _new_layout(t: Any) -> Layout | None:
    torch = sys.modules["torch"]
    if not _is_dense(torch, t) or t.is_conj():
        return None
    layout = Layout(name_of(t), tuple(t.shape), t.element_size())
    if not t.is_complex():  # a conjugate view has the dtype and shape of a plain tensor
        if len(_layouts) >= _MOST_LAYOUTS:
            _layouts.clear()
        _layouts[t.dtype, t.shape] = layout
    return layout


def _row(t: Any) -> Row:
    torch = sys.modules["torch"]
    try:
        return _any_row(torch, t.detach())  # detached: nothing below is recorded by autograd
    except Exception as error:  # an exotic tensor must never break the program under test
        return (_composite(f"unreadable {type(t).__qualname__} {type(error).__name__}", []), *sketches.NONE)


def _any_row(torch: Any, t: Any) -> Row:
    parts = None if type(t) is torch.Tensor and _is_dense(torch, t) else _parts(torch, t)
    if parts is not None:
        label, tensors = parts
        rows = [tensor_row(part) for part in tensors]
        largest = rows[-1][1:] if rows else sketches.NONE
        return (_composite(label, [row[0] for row in rows]), *largest)
    if type(t) is not torch.Tensor:
        t = t.as_subclass(torch.Tensor)
    layout = (None if t.is_conj() else _layouts.get((t.dtype, t.shape))) or Layout(
        name_of(t), tuple(t.shape), t.element_size()
    )
    return _strided_row(t, layout)


def _is_dense(torch: Any, t: Any) -> bool:
    return t.layout is torch.strided and not (t.is_quantized or t.is_nested or t.is_meta)


def _parts(torch: Any, t: Any) -> tuple[str, list[Any]] | None:
    """How a tensor that is not plain memory is taken apart: a label and tensors, the values last. None: it is plain."""
    kind, label = type(t).__qualname__, f"{t.layout} {name_of(t)} {shape_of(t)}"
    if t.is_meta or kind == "FakeTensor":
        return f"no data {label}", []
    if t.layout is torch.sparse_coo:
        return f"{label} {t.is_coalesced()}", [t._indices(), t._values()]
    if t.layout in (torch.sparse_csr, torch.sparse_bsr):
        return label, [t.crow_indices(), t.col_indices(), t.values()]
    if t.layout in (torch.sparse_csc, torch.sparse_bsc):
        return label, [t.ccol_indices(), t.row_indices(), t.values()]
    if t.layout is torch._mkldnn:
        return label, [t.to_dense()]
    if t.is_nested:
        if t.layout is torch.strided:
            return f"nested {label}", list(t.unbind())
        return f"nested {name_of(t)}", [t.offsets(), t.values()]
    if t.is_quantized:
        if t.qscheme() in (torch.per_tensor_affine, torch.per_tensor_symmetric):
            return f"{label} {t.q_scale().hex()} {t.q_zero_point()}", [t.int_repr()]
        return f"{label} {t.q_per_channel_axis()}", [
            t.q_per_channel_scales(),
            t.q_per_channel_zero_points(),
            t.int_repr(),
        ]
    if hasattr(t, "__tensor_flatten__"):  # DTensor, torchao's quantised weights, …
        names, _ = t.__tensor_flatten__()
        return f"{kind} {label}", [getattr(t, name) for name in names]
    return None


def _strided_row(t: Any, layout: Layout) -> Row:
    """Digest of any strided tensor on any device, copying at most _CHUNK bytes at a time."""
    t = t.resolve_conj().resolve_neg()
    if layout.nbytes <= _CHUNK:
        buffer = host_bytes(t)
        return (hash128(buffer, layout.seed), *layout.sketch(buffer))
    hasher = Hasher(b"", layout.seed)
    for chunk in _chunks(t):
        hasher.update(host_bytes(chunk))
    torch = sys.modules["torch"]
    stride = t.numel() // sketches.SAMPLE
    picked = torch.arange(sketches.SAMPLE, device=t.device) * stride
    sample = t[torch.unravel_index(picked, t.shape)]
    return (hasher.digest(), *sketches.sketcher(layout.name, sketches.SAMPLE)(host_bytes(sample)))


def _chunks(t: Any) -> Iterator[Any]:
    """Parts of at most _CHUNK bytes that are the tensor's elements in row-major order."""
    if t.numel() * t.element_size() <= _CHUNK or t.dim() == 0:
        yield t
        return
    row = t.numel() // t.shape[0] * t.element_size()
    if row > _CHUNK:
        for part in t:
            yield from _chunks(part)
        return
    yield from t.split(max(1, _CHUNK // row))


def host_bytes(t: Any) -> Buffer:
    """The elements of a strided tensor in row-major order, in host memory. The result keeps that memory alive.

    Raises ValueError when the tensor's storage was freed under it.
    """
    last = sum((n - 1) * stride for n, stride in zip(t.shape, t.stride(), strict=True))
    if t.numel() and not _is_there(t, (last + 1) * t.element_size()):
        raise ValueError("the storage of this tensor was freed")
    t = t.contiguous().cpu()
    nbytes = t.numel() * t.element_size()
    if nbytes == 0:
        return b""
    buffer = (ctypes.c_char * nbytes).from_address(t.data_ptr())
    buffer._owner = t
    return buffer


def _composite(label: str, digests: list[bytes]) -> bytes:
    return hash128(b"".join(digests), seed(label))
