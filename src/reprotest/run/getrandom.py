"""Answers the getrandom(2) calls of a run from a seeded stream, in whatever language they are made.

Python's own entropy is replaced from inside (`os.entropy`); this reaches what draws beneath Python: Rust's hash maps, C++ libraries,
other programs. `_exec.py` installs a seccomp filter that hands every getrandom call of the run to a thread here
(SECCOMP_RET_USER_NOTIF, Linux 5.0; seccomp_unotify(2)), which writes the bytes into the caller's memory.

The bytes depend on the seed, on the process (its place in the tree of processes), on the thread (its rank by creation) and on the
number of the call in that thread, so they repeat as long as each thread itself does. Not reached: RDRAND, /dev/urandom.

What a hash map needs beside this to have the same order again, as measured:
- tokenizers 0.23 (ahash, std): one rayon thread (`RAYON_NUM_THREADS=1`) and fixed addresses (ahash stirs in the address of its own state);
- polars 2.1 (foldhash): one thread (`POLARS_MAX_THREADS=1`), fixed addresses and the wall clock (its global seed is stirred from
  `clock_gettime` and addresses); what it draws here does not matter to the order.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import secrets
import select
import socket
import struct
import threading
from collections import Counter
from pathlib import Path
from types import TracebackType

from reprotest.factors.base import Launch
from reprotest.run import vdso

_RECEIVE, _SEND, _VALID = 0xC0502100, 0xC0182101, 0x40082102
"""SECCOMP_IOCTL_NOTIF_RECV, _SEND, _ID_VALID of linux/seccomp.h, the same on all 64-bit machines."""
_CONTINUE = 1
"""SECCOMP_USER_NOTIF_FLAG_CONTINUE: let the kernel carry out the call itself."""
_MOST = 1 << 20
"""Bytes given at once; a caller that asks for more than 256 must be ready for fewer (getrandom(2))."""
_TRACED = 512
"""Calls of one process of which the calling library is looked up (the rest cost a third of the time)."""
_SYSTEM_LIBRARIES = ("libc.", "libc-", "ld-linux", "ld-musl", "libpthread", "[vdso]")


class _Thread:
    def __init__(self, process: _Process, rank: int, start: bytes) -> None:
        self.process = process
        self.rank = rank
        self.start = start
        self.calls = 0


class _Process:
    def __init__(self, key: str, program: str) -> None:
        self.key = key
        self.program = program
        self.children = 0
        self.threads = 0
        self.calls = 0
        self.maps: list[tuple[int, int, str]] = []


class Supervisor:
    """Answers getrandom for one run, and tells afterwards who drew and what the system refused.

    A context manager round the whole life of the run. When it is left, or when this process dies, the listener closes: later calls then
    fail with ENOSYS, on which libraries fall back to /dev/urandom; none waits for ever. Any failure to answer lets the kernel
    answer instead and is told in `watch/launcher.json` of the run's folder.
    """

    address: str | None = None
    """Name of the abstract socket at which the filter's listener is handed over; None when nothing is to be answered."""

    def __init__(self, launch: Launch, run_dir: str | Path) -> None:
        self.refusals = Path(run_dir, "refused.txt")
        self._report = Path(run_dir, "watch", "launcher.json")
        self._seed = launch.getrandom_seed
        self._notes: dict[str, None] = {}
        self._drawn: Counter[tuple[str, str, str]] = Counter()
        self._bytes: Counter[tuple[str, str, str]] = Counter()
        self._processes: dict[int, _Process] = {}
        self._threads: dict[int, _Thread] = {}
        self._roots = 0
        self._stub = vdso.getrandom_stub()

    def __enter__(self) -> Supervisor:
        if self._seed is None:
            return self
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        name = f"reprotest-{os.getpid()}-{secrets.token_hex(8)}"
        try:
            self._socket.bind("\0" + name)  # abstract: nothing is left behind in a file system
            self._socket.listen()
        except OSError as error:
            self._socket.close()
            self._notes[f"system entropy drawn by native code could not be held: {error}"] = None
            return self
        self.address = name
        self._wake, self._woken = os.pipe()
        self._thread = threading.Thread(target=self._serve, name="reprotest-getrandom", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.address is not None:
            os.close(self._woken)
            self._thread.join()
            os.close(self._wake)
            self._socket.close()
            self.address = None
        with contextlib.suppress(OSError):
            self._notes |= dict.fromkeys(self.refusals.read_text().splitlines())
        if self._drawn or self._notes:
            self._write()

    @property
    def drawn(self) -> list[dict[str, str | int]]:
        """Who drew system entropy: process (its place in the tree), program, library, calls and bytes."""
        return [
            {"process": process, "program": program, "library": library, "calls": calls, "bytes": self._bytes[who]}
            for who, calls in sorted(self._drawn.items())
            for process, program, library in (who,)
        ]

    @property
    def notes(self) -> list[str]:
        """What could not be done, in sentences."""
        return list(self._notes)

    def _write(self) -> None:
        document = {
            "pid": os.getpid(),
            "key": "launcher",
            "program": [],
            "factors": {},
            "notes": self.notes,
            "extra": {"getrandom": self.drawn},
        }
        with contextlib.suppress(OSError):
            self._report.write_text(json.dumps(document))

    # --- the thread ---------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        poll = select.poll()
        poll.register(self._wake)
        poll.register(self._socket, select.POLLIN)
        listeners: set[int] = set()
        try:
            while True:
                for fd, event in poll.poll():
                    if fd == self._wake:
                        return
                    if fd == self._socket.fileno():
                        listener = self._accept()
                        if listener is not None:
                            listeners.add(listener)
                            poll.register(listener, select.POLLIN)
                    elif event & select.POLLIN:
                        self._answer(fd)
                    else:  # POLLHUP: the last process under this filter is gone
                        poll.unregister(fd)
                        listeners.discard(fd)
                        os.close(fd)
        except Exception as error:  # closing the listeners lets the run go on without us
            self._notes[f"system entropy was no longer held after an internal error: {error!r}"] = None
        finally:
            for fd in listeners:
                os.close(fd)

    def _accept(self) -> int | None:
        link, _ = self._socket.accept()
        with link:
            link.settimeout(5)
            pid, uid, _ = struct.unpack("3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            if uid != os.getuid():
                return None
            try:
                _, fds, _, _ = socket.recv_fds(link, 1, 1)
            except OSError:
                return None
            if not fds:
                return None
            self._processes[pid] = _Process(str(self._roots), "")
            self._roots += 1
            link.sendall(b"k")
            return fds[0]

    def _answer(self, listener: int) -> None:
        notification = bytearray(80)
        try:
            fcntl.ioctl(listener, _RECEIVE, notification)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EINTR, errno.EAGAIN):  # the caller is gone, or a signal came first
                return
            raise
        cookie, tid = struct.unpack_from("=QI", notification)
        buffer, size, flags = struct.unpack_from("=3Q", notification, 32)
        thread: _Thread | None = None
        value, fault, how = 0, 0, _CONTINUE
        if flags & 0xFFFFFFFF < 8:  # else: flags that the kernel refuses
            try:
                thread = self._thread_of(tid)
                value, fault = self._give(listener, cookie, tid, thread, buffer, min(size, _MOST))
                how = 0
            except OSError as error:
                if error.errno != errno.ENOENT and os.path.exists(f"/proc/{tid}"):
                    self._notes[f"system entropy drawn by native code could not be held: {error.strerror or error}"] = (
                        None
                    )
        try:
            fcntl.ioctl(listener, _SEND, struct.pack("=QqiI", cookie, value, fault, how))
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EINPROGRESS):
                return  # interrupted by a signal: the call comes again, and gets the same bytes
            raise
        if thread is not None and how == 0:
            thread.calls += 1

    def _give(self, listener: int, cookie: int, tid: int, thread: _Thread, buffer: int, size: int) -> tuple[int, int]:
        """Write the stream's next bytes into the caller's memory. Returns the call's value and its error number."""
        fd = os.open(f"/proc/{tid}/mem", os.O_RDWR)
        try:
            fcntl.ioctl(listener, _VALID, struct.pack("=Q", cookie))  # only now is the memory surely the caller's
            thread.process.calls += 1
            looked_at = thread.process.calls <= _TRACED
            self._count(thread.process, _caller(fd, tid, thread.process) if looked_at else "not looked up", size)
            if self._stub is not None and looked_at:
                vdso.replace_getrandom(fd, tid, self._stub)
            label = f"{self._seed}|{thread.process.key}|{thread.rank}|{thread.calls}"
            stream = hashlib.shake_128(label.encode()).digest(size)
            try:
                return (os.pwrite(fd, stream, buffer) if size else 0), 0
            except OSError as error:
                if error.errno in (errno.EIO, errno.EFAULT):  # a bad pointer: what the kernel would say
                    return 0, -errno.EFAULT
                raise
        finally:
            os.close(fd)

    # --- who is calling -----------------------------------------------------------------------------------------

    def _thread_of(self, tid: int) -> _Thread:
        start = _stat(tid)[19]
        known = self._threads.get(tid)
        if known is not None and known.start == start:
            return known
        process_id = _thread_group(tid)
        process = self._process_of(process_id)
        for other in sorted(int(name) for name in os.listdir(f"/proc/{process_id}/task")):
            if other > tid:
                break
            try:
                began = start if other == tid else _stat(other)[19]
            except (OSError, IndexError):
                continue
            seen = self._threads.get(other)
            if seen is None or seen.start != began:
                self._threads[other] = _Thread(process, process.threads, began)
                process.threads += 1
        return self._threads[tid]

    def _process_of(self, pid: int) -> _Process:
        known = self._processes.get(pid)
        if known is not None:
            if not known.program:
                known.program = _program(pid)
            return known
        parent = int(_stat(pid)[1])
        above = self._processes.get(parent)
        if above is None and parent > 1:
            try:
                above = self._process_of(parent) if _filtered(parent) else None
            except (OSError, IndexError):
                above = None
        if above is None:  # its parent has ended
            process = _Process(f"orphan{self._roots}", _program(pid))
            self._roots += 1
        else:
            process = _Process(f"{above.key}.{above.children}", _program(pid))
            above.children += 1
        self._processes[pid] = process
        return process

    def _count(self, process: _Process, library: str, size: int) -> None:
        who = (process.key, process.program, library)
        self._drawn[who] += 1
        self._bytes[who] += size


def _stat(tid: int) -> list[bytes]:
    """The fields of /proc/<tid>/stat from the third on: state, parent, …; the start time is number 19."""
    with open(f"/proc/{tid}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()


def _status(tid: int, name: str) -> int:
    with open(f"/proc/{tid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name + ":"))


def _thread_group(tid: int) -> int:
    return _status(tid, "Tgid")


def _filtered(pid: int) -> bool:
    return _status(pid, "Seccomp") == 2 and pid != os.getpid()


def _program(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm") as file:
            return file.read().strip()
    except OSError:
        return ""


def _caller(memory: int, tid: int, process: _Process) -> str:
    """File name of the library that made the call: the innermost return address on the stack outside of the C library."""
    try:
        with open(f"/proc/{tid}/syscall") as file:
            stack, counter = (int(field, 16) for field in file.read().split()[-2:])
        words = struct.unpack("=64Q", os.pread(memory, 512, stack))
    except (OSError, ValueError, struct.error):
        return "unknown"
    for refreshed in (False, True):
        if refreshed or not process.maps:
            process.maps = _code(tid)
        for address in (counter, *words):
            for low, high, name in process.maps:
                if low <= address < high:
                    if not name.startswith(_SYSTEM_LIBRARIES):
                        return name
                    break
    return "unknown"


def _code(tid: int) -> list[tuple[int, int, str]]:
    """Executable mappings of a process: first address, end, name of the file."""
    found = []
    with open(f"/proc/{tid}/maps") as file:
        for line in file:
            fields = line.split(maxsplit=5)
            if "x" in fields[1] and len(fields) == 6:
                low, high = (int(part, 16) for part in fields[0].split("-"))
                found.append((low, high, os.path.basename(fields[5].strip())))
    return found
