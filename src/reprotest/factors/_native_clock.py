"""Holds the wall clock for Rust extension modules, whose hash maps are seeded from it (foldhash, hashbrown's default hasher).

Such a module calls `clock_gettime` through its table of imported functions (the GOT), where each of its calls is one address. That
address is overwritten, for this module alone, by a few instructions that answer CLOCK_REALTIME with a fixed second and a count of
nanoseconds, and hand all other clocks, on which time-outs are built, to the real function. Everybody else keeps the real time.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
from collections.abc import Callable, Iterator
from importlib.machinery import ExtensionFileLoader
from typing import Any

_SECOND = 1_577_836_800
"""2020-01-01, in the past: a deadline that is computed from it is over at once, not never."""
_PAGE = mmap.PAGESIZE
_READ, _WRITE, _EXECUTE = 1, 2, 4

_CODE = bytes.fromhex(
    "85ff"  # test edi, edi          which clock? 0: CLOCK_REALTIME
    "7528"  # jnz other
    "48c7c001000000"  # mov rax, 1
    "f0480fc105ec0f0000"  # lock xadd [count], rax
    "25ffffff0f"  # and eax, 0x0fffffff    nanoseconds, below a second
    "48894608"  # mov [rsi+8], rax
    "488b0de40f0000"  # mov rcx, [second]
    "48890e"  # mov [rsi], rcx
    "31c0"  # xor eax, eax
    "c3"  # ret
    "9090"
    "ff25de0f0000"  # other: jmp [real]
)
"""x86-64 System V: clock_gettime(edi, rsi). The data follow one page later: count, second, real function."""


def install(variant: int, note: Callable[[str], None]) -> None:
    """From now on hold the wall clock for every Rust extension module, right before it is initialised."""
    if os.uname().machine != "x86_64" or _PAGE != 4096:
        note("the clock as native code reads it could not be held: not written for this processor")
        return
    held: set[str] = set()
    create = ExtensionFileLoader.create_module

    def create_held(self: ExtensionFileLoader, spec: Any) -> Any:
        path = self.path
        if path not in held and _is_rust(path):
            held.add(path)
            try:
                # Loaded, but not initialised yet: its first hash map may be made in there.
                _hold(ctypes.CDLL(path, mode=os.RTLD_NOW | os.RTLD_LOCAL), path, _SECOND + variant * 86_461)
            except (OSError, ValueError, KeyError, struct.error) as error:
                note(f"the clock as {os.path.basename(path)} reads it could not be held: {error}")
        return create(self, spec)

    ExtensionFileLoader.create_module = create_held  # type: ignore[method-assign]


def _is_rust(path: str) -> bool:
    """Was this library compiled by rustc? The messages of its panics name source files of the standard library."""
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return content.find(b"/rustc/") >= 0
    except (OSError, ValueError):
        return False


def _hold(library: ctypes.CDLL, path: str, second: int) -> None:
    slots = list(_slots(_base(path), b"clock_gettime"))
    if not slots:
        return
    real = ctypes.c_void_p.from_address(slots[0]).value
    stub = _stub(second, real or ctypes.cast(ctypes.CDLL(None).clock_gettime, ctypes.c_void_p).value or 0)
    for slot in slots:
        page = slot & -_PAGE
        _protect(page, _READ | _WRITE)  # most tables are made read-only after loading (RELRO)
        ctypes.c_void_p.from_address(slot).value = stub


def _stub(second: int, real: int) -> int:
    """Address of the code, in memory that outlives Python: native threads may ask for the time to the very end."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    address = libc.mmap(None, 2 * _PAGE, _READ | _WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    if address in (None, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), "mmap")
    ctypes.memmove(address, _CODE, len(_CODE))
    ctypes.memmove(address + _PAGE, struct.pack("=QQQ", 0, second, real), 24)
    _protect(address, _READ | _EXECUTE)
    return int(address)


def _protect(page: int, how: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    if libc.mprotect(page, _PAGE, how):
        raise OSError(ctypes.get_errno(), "mprotect")


def _base(path: str) -> int:
    """The lowest address at which a library is mapped."""
    real = os.path.realpath(path)
    with open("/proc/self/maps") as file:
        for line in file:
            fields = line.split(maxsplit=5)
            if len(fields) == 6 and fields[5].rstrip("\n") == real:
                return int(fields[0].split("-")[0], 16) - int(fields[2], 16)
    raise ValueError("it is not in memory")


def _slots(base: int, name: bytes) -> Iterator[int]:
    """Addresses of the entries for an imported function in the tables of an ELF image in memory (elf(5))."""
    headers, size, count = _at("=Q", base + 32)[0], *_at("=HH", base + 54)
    dynamic = next(
        base + _at("=Q", base + headers + n * size + 16)[0]
        for n in range(count)
        if _at("=I", base + headers + n * size)[0] == 2
    )
    tags: dict[int, int] = {}
    while (entry := _at("=qQ", dynamic))[0]:
        tags[entry[0]] = entry[1]
        dynamic += 16
    absolute = {tag: tags[tag] if tags[tag] >= base else base + tags[tag] for tag in (5, 6, 7, 23) if tag in tags}
    strings, symbols = absolute[5], absolute[6]
    for table, length in ((7, 8), (23, 2)):  # DT_RELA, DT_JMPREL and their sizes
        if table not in absolute:
            continue
        for start in range(absolute[table], absolute[table] + tags[length], 24):
            offset, info = _at("=QQ", start)
            if (
                info & 0xFFFFFFFF in (6, 7)
                and ctypes.string_at(strings + _at("=I", symbols + (info >> 32) * 24)[0]) == name
            ):
                yield base + offset


def _at(layout: str, address: int) -> tuple[int, ...]:
    return struct.unpack(layout, ctypes.string_at(address, struct.calcsize(layout)))
