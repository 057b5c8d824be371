"""Makes the vDSO's getrandom a plain system call in a process under test, so that its calls can be seen.

From Linux 6.11 and glibc 2.41 on, getrandom(3) generates in user space from a key that the kernel renews by its own clock
(`__vdso_getrandom`); such draws neither reach a seccomp filter nor repeat. Overwriting the function's first instructions by "call the
kernel with the same three arguments" restores the older behaviour; the page is the process's own copy.
"""

from __future__ import annotations

import ctypes
import os
import struct
from dataclasses import dataclass
from functools import cache

_CODE = {
    # mov $318, %eax; syscall; ret
    "x86_64": bytes.fromhex("b83e0100000f05c3"),
    # mov x8, #278; svc #0; ret
    "aarch64": bytes.fromhex("c82280d2010000d4c0035fd6"),
}
_NAMES = (b"__vdso_getrandom", b"__kernel_getrandom")
_AT_SYSINFO_EHDR = 33


@dataclass(frozen=True)
class Stub:
    """Where in the vDSO the function begins (bytes) and what takes its place."""

    offset: int
    code: bytes


@cache
def getrandom_stub() -> Stub | None:
    """What to write into a process of this machine; None where the vDSO has no getrandom."""
    code = _CODE.get(os.uname().machine)
    if code is None or struct.calcsize("P") != 8:
        return None
    try:
        getauxval = ctypes.CDLL(None).getauxval
        getauxval.restype, getauxval.argtypes = ctypes.c_ulong, [ctypes.c_ulong]
        base = getauxval(_AT_SYSINFO_EHDR)
        offset = _symbol(base) if base else None
    except (OSError, AttributeError, ValueError, struct.error):
        return None
    return Stub(offset, code) if offset is not None else None


def replace_getrandom(memory: int, pid: int, stub: Stub) -> None:
    """Patch one process. `memory`: its /proc/<pid>/mem, open for writing. Does nothing the second time."""
    try:
        with open(f"/proc/{pid}/auxv", "rb") as file:
            entries = dict(struct.iter_unpack("=QQ", file.read()))
        address = entries.get(_AT_SYSINFO_EHDR, 0) + stub.offset
        if address > stub.offset and os.pread(memory, len(stub.code), address) != stub.code:
            os.pwrite(memory, stub.code, address)
    except OSError:
        return  # such a process keeps the kernel's own answers


def _symbol(base: int) -> int | None:
    """Offset of getrandom in the ELF image at `base` (elf(5)): by the dynamic symbol table."""
    image = (ctypes.c_char * 4096).from_address(base).raw
    headers, size, count = struct.unpack_from("=Q", image, 32)[0], *struct.unpack_from("=HH", image, 54)
    dynamic = load = None
    for number in range(count):
        kind, _, offset, address = struct.unpack_from("=IIQQ", image, headers + number * size)
        if kind == 1 and load is None:
            load = (address, struct.unpack_from("=Q", image, headers + number * size + 40)[0])
        elif kind == 2:
            dynamic = (offset, struct.unpack_from("=Q", image, headers + number * size + 32)[0])
    if dynamic is None or load is None:
        return None
    image = (ctypes.c_char * load[1]).from_address(base).raw
    tags = dict(struct.iter_unpack("=qQ", image[dynamic[0] : dynamic[0] + dynamic[1] // 16 * 16]))
    strings, symbols = tags[5] - load[0], tags[6] - load[0]  # DT_STRTAB, DT_SYMTAB
    for start in range(symbols, strings, 24):
        name, _, _, _, value, _ = struct.unpack_from("=IBBHQQ", image, start)
        if image[strings + name : image.index(b"\0", strings + name)] in _NAMES:
            return int(value - load[0])
    return None
