"""Digests of tensors that lie on a GPU, computed there: 16 bytes and a few elements of each come to the host, in one copy for many tensors.

Hashes as that of host memory (XXH3) go through the bytes in order, which a GPU cannot. Here every 32-bit word is mixed with its index by a
bijection of 64 bits (the finaliser of SplitMix64: Steele, Lea and Flood 2014), and the results are added up modulo 2**64, under
two different offsets. Sums of integers do not depend on the order in which blocks get there, and any change of a word, or of its place,
changes each of both sums but by chance (2**-64).

So it is another kind of digest than that of the same bytes in host memory. The dtype of such an event says so ("float32@device"), and
digests of two kinds are not compared (`compare.frames`). Never imports torch.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from reprotest.digest.algorithm import hash128, seed
from reprotest.digest.sketch import SAMPLE, sketcher
from reprotest.digest.tensor import describe, host_bytes, name_of

MARK = "@device"
"""What the dtype of an event ends with whose digest is of this kind."""
LEAST_BYTES = 1 << 16
"""Smaller tensors are copied to the host: that takes no longer, and their digests can be compared with those of a CPU."""
DEVICES = ("cuda",)
"""Types of devices on which digests are computed."""

_OFFSETS = (0x9E3779B97F4A7C15, 0xD1B54A32D192ED03)
_STEPS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
_LAST_SHIFT = 31
_CHUNK = 1 << 22
"""Words that are mixed at once: each takes some 40 bytes meanwhile."""
_MOST_WORDS = 1 << 31
_TEST = 5000
_ALL = (1 << 64) - 1

refused: dict[str, str] = {}
"""Devices that did not pass the test, and what was wrong: tensors there are copied to the host."""
_passed: set[str] = set()

Row = tuple[bytes, float, float]


def takes(t: Any) -> bool:
    """Is this tensor's digest computed where it lies? The same answer for all tensors of one dtype, shape and device."""
    torch: Any = sys.modules["torch"]
    try:
        if t.device.type not in DEVICES or type(t) not in (torch.Tensor, torch.nn.Parameter):
            return False
        size = t.numel() * t.element_size()
        plain = t.layout is torch.strided and not (t.is_quantized or t.is_nested or t.is_meta)
        return plain and LEAST_BYTES <= size < 4 * _MOST_WORDS and _works(torch, t.device)
    except Exception:  # wrapped tensors and symbolic shapes
        return False


def rows(tensors: Sequence[Any]) -> list[Row]:
    """Digests and sketches of tensors that `takes` has accepted, with one copy to the host for each device."""
    torch: Any = sys.modules["torch"]
    found: list[Row | None] = [None] * len(tensors)
    with torch.no_grad():
        by_device: dict[Any, list[int]] = {}
        for number, t in enumerate(tensors):
            by_device.setdefault(t.device, []).append(number)
        for numbers in by_device.values():
            packets = [_packet(torch, tensors[number]) for number in numbers]
            raw = bytes(host_bytes(torch.cat(packets)))
            at = 0
            for number, packet in zip(numbers, packets, strict=True):
                found[number] = _row(tensors[number], raw[at : at + packet.numel()])
                at += packet.numel()
    return [row for row in found if row is not None]


def dtype_of(name: str, t: Any) -> str:
    """The dtype under which an event of this tensor is recorded."""
    return name + MARK if takes(t) else name


def comparable(a: str | None, b: str | None) -> bool:
    """Can digests of events with these dtypes be compared? Not when one of them alone was computed on a device."""
    return a == b or (a or "").removesuffix(MARK) != (b or "").removesuffix(MARK)


def words_of(t: Any) -> Any:
    """The two sums, int64[2] on the tensor's device."""
    torch: Any = sys.modules["torch"]
    flat = _bytes_of(torch, t)
    rest = -flat.numel() % 4
    if rest:
        flat = torch.cat([flat, flat.new_zeros(rest)])
    words = flat.view(torch.int32)
    total = torch.zeros(2, dtype=torch.int64, device=t.device)
    for start, part in _parts(words):
        index = torch.arange(start, start + part.numel(), dtype=torch.int64, device=t.device)
        packed = (part.to(torch.int64) & 0xFFFFFFFF) | (index << 32)
        total += torch.stack([_mixed(packed + _signed(offset)).sum() for offset in _OFFSETS])
    return total


def words_of_bytes(data: bytes) -> tuple[int, int]:
    """The same of bytes in host memory, by other means: what a device is tested against. Slow."""
    data += b"\0" * (-len(data) % 4)
    sums = [0, 0]
    for index, (word,) in enumerate(struct.iter_unpack("=I", data)):
        for number, offset in enumerate(_OFFSETS):
            x = ((word | index << 32) + offset) & _ALL
            for shift, factor in _STEPS:
                x = (x ^ x >> shift) * factor & _ALL
            sums[number] = (sums[number] + (x ^ x >> _LAST_SHIFT)) & _ALL
    return sums[0], sums[1]


# --- one tensor -------------------------------------------------------------------------------------------------


def _packet(torch: Any, t: Any) -> Any:
    """uint8: the sums, then the bytes of the elements that the sketch is of."""
    t = t.detach().as_subclass(torch.Tensor).resolve_conj().resolve_neg()
    count = t.numel()
    taken = min(count, SAMPLE)
    picked = torch.arange(taken, device=t.device) * (count // taken)
    sample = t.reshape(-1)[picked] if t.is_contiguous() else t[torch.unravel_index(picked, t.shape)]
    return torch.cat([words_of(t).view(torch.uint8), sample.contiguous().view(torch.uint8)])


def _row(t: Any, packet: bytes) -> Row:
    name = name_of(t)
    digest = hash128(packet[:16], seed(describe(name + MARK, tuple(t.shape))))
    taken = min(t.numel(), SAMPLE)
    return (digest, *sketcher(name, taken)(packet[16:]))


def _bytes_of(torch: Any, t: Any) -> Any:
    """The elements in row-major order as uint8, beginning where a 32-bit word may begin."""
    t = t.detach().contiguous().reshape(-1)
    flat = t.view(torch.uint8)
    return flat if flat.storage_offset() % 4 == 0 else flat.clone()


def _parts(words: Any) -> Iterator[tuple[int, Any]]:
    for start in range(0, words.numel(), _CHUNK):
        yield start, words[start : start + _CHUNK]


def _mixed(x: Any) -> Any:
    """SplitMix64's finaliser on int64, whose products wrap and whose shift is made a logical one."""
    for shift, factor in _STEPS:
        x = (x ^ _shifted(x, shift)) * _signed(factor)
    return x ^ _shifted(x, _LAST_SHIFT)


def _shifted(x: Any, by: int) -> Any:
    return (x >> by) & ((1 << (64 - by)) - 1)


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


# --- the test ---------------------------------------------------------------------------------------------------


def _works(torch: Any, device: Any) -> bool:
    """Tested once for each device: does it compute what it should, and see one bit, one place and one sign?"""
    name = str(device)
    if name in _passed or name in refused:
        return name in _passed
    try:
        wrong = _flaw(torch, device)
    except Exception as error:
        wrong = f"{type(error).__name__}: {error}"
    if wrong is None:
        _passed.add(name)
    else:
        refused[name] = wrong
    return wrong is None


def _flaw(torch: Any, device: Any) -> str | None:
    data = bytes((7 * n * n + 3 * n + 1) % 251 for n in range(4 * _TEST + 3))
    on_device = torch.tensor(list(data), dtype=torch.uint8, device=device)
    base = _unsigned(words_of(on_device))
    if base != words_of_bytes(data):
        return "its integer arithmetic gives other digests than the CPU's"
    changed = on_device.clone()
    changed[_TEST] ^= 1
    swapped = on_device.clone()
    swapped[[0, 4]] = on_device[[4, 0]]
    if base in (_unsigned(words_of(changed)), _unsigned(words_of(swapped))):
        return "its digests do not see a changed bit"
    return None


def _unsigned(words: Any) -> tuple[int, int]:
    first, second = (int(word) & _ALL for word in words.tolist())
    return first, second
