"""Prepares the present process for the command under test, then becomes it. Run as `python -I -S _exec.py OPTION=VALUE… -- ARGV…`.

Kept to what starts fast (no json, no socket module): a run waits for it. What the kernel or a container refuses is appended to the file
`notes`, one sentence a line, and the command is started all the same.
"""

import os
import sys

ADDR_NO_RANDOMIZE = 0x0040000
PAD = b"REPROTEST_PAD"
_BLOCK = 1 << 15
"""Arguments and environment are padded to a multiple of this, so that their length does not move the stack (bytes)."""
_SLACK = 1 << 13
_MOST_SHIFT = 1 << 16
"""No string of an environment may exceed 128 KiB (MAX_ARG_STRLEN)."""
_GAP = 127 << 20
"""The kernel keeps at least 128 MiB (1 of them the guard gap) between stack and mappings; a larger stack limit moves the mappings down."""


def main() -> None:
    split = sys.argv.index("--")
    options = dict(option.split("=", 1) for option in sys.argv[1:split])
    argv = [os.fsencode(argument) for argument in sys.argv[split + 1 :]]
    environ = _environment()
    shift = int(options.get("shift", 0))
    refused = []
    if "addresses" in options:
        refused += _fix_addresses()
        if shift:
            refused += _shift_mappings(shift)
        environ = _padded(argv, environ, shift)
    if "getrandom" in options:
        refused += _filter_getrandom(options["getrandom"])
    if refused:
        with open(options["notes"], "a") as file:
            file.writelines(line + "\n" for line in refused)
    _become(argv, environ)


def _environment() -> dict[bytes, bytes]:
    """The environment as it was handed to us: Python itself may have added LC_CTYPE to its own (PEP 538)."""
    try:
        with open("/proc/self/environ", "rb") as file:
            entries = file.read().split(b"\0")
    except OSError:
        return dict(os.environb)
    return dict(entry.split(b"=", 1) for entry in entries if b"=" in entry)


def _fix_addresses() -> list[str]:
    """Switch address randomisation off for what is executed next and all its descendants (personality(2))."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    libc.personality.argtypes = [ctypes.c_ulong]
    now = libc.personality(0xFFFFFFFF)
    if now != -1 and libc.personality(now | ADDR_NO_RANDOMIZE) != -1:
        return []
    why = os.strerror(ctypes.get_errno())
    return [
        f"address randomisation could not be switched off ({why}): containers often forbid personality(2); "
        "start the container with --security-opt seccomp=unconfined to have addresses held"
    ]


def _shift_mappings(shift: int) -> list[str]:
    """Move all memory mappings down by whole pages, by way of the stack's size limit (mmap_base in arch/x86/mm/mmap.c)."""
    import resource

    page = resource.getpagesize()
    wanted = _GAP + -(-shift // page) * page
    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    try:
        resource.setrlimit(resource.RLIMIT_STACK, (wanted, hard))
    except (OSError, ValueError) as error:
        return [f"memory mappings could not be moved ({error}): the hard limit of the stack size is {hard} bytes"]
    return []


def _padded(argv: list[bytes], environ: dict[bytes, bytes], shift: int) -> dict[bytes, bytes]:
    """Fill the environment up to a round size, so that only `shift` decides where the stack begins."""
    environ = {name: value for name, value in environ.items() if not name.startswith(PAD)}
    environ[PAD] = b""
    if (len(argv) + len(environ)) % 2:  # an even number of pointers keeps the 16-byte alignment out of the sum
        environ[PAD + b"2"] = b""
    used = sum(len(argument) + 9 for argument in argv) + sum(len(k) + len(v) + 10 for k, v in environ.items())
    used += len(argv[0])  # the kernel keeps the executed path, too
    environ[PAD] = b"." * (-(used + _SLACK) % _BLOCK + _SLACK + min(shift, _MOST_SHIFT) // 16 * 16)
    return environ


def _filter_getrandom(address: str) -> list[str]:
    """Let the supervisor at this abstract socket answer getrandom(2) for this process and all its descendants."""
    import ctypes
    import struct

    machine = os.uname().machine
    known = {"x86_64": (0xC000003E, 318, 317), "aarch64": (0xC00000B7, 278, 277)}
    if machine not in known:
        return [f"system entropy could not be held: getrandom(2) is not known for {machine}"]
    architecture, getrandom, seccomp = known[machine]

    def statement(code: int, yes: int, no: int, value: int) -> bytes:
        return struct.pack("<HBBI", code, yes, no, value)

    load, equal, leave = 0x20, 0x15, 0x06
    program = b"".join(
        (
            statement(load, 0, 0, 4),  # seccomp_data.arch
            statement(equal, 0, 3, architecture),
            statement(load, 0, 0, 0),  # seccomp_data.nr
            statement(equal, 0, 1, getrandom),
            statement(leave, 0, 0, 0x7FC00000),  # SECCOMP_RET_USER_NOTIF
            statement(leave, 0, 0, 0x7FFF0000),  # SECCOMP_RET_ALLOW
        )
    )
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    why = ""
    try:
        import _socket

        link = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        link.connect("\0" + address)
        if libc.prctl(38, 1, 0, 0, 0):  # PR_SET_NO_NEW_PRIVS, without which only root may filter
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_NO_NEW_PRIVS)")
        # NEW_LISTENER, with WAIT_KILLABLE_RECV (Linux 5.19) so that signals do not restart an answered call.
        for flags in (1 << 3 | 1 << 5, 1 << 3):
            listener = libc.syscall(seccomp, 1, flags, header)
            if listener >= 0:
                break
        else:
            raise OSError(ctypes.get_errno(), "seccomp(SECCOMP_SET_MODE_FILTER)")
        link.sendmsg([b"l"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("i", listener))])
        os.close(listener)  # with the supervisor gone, the call must fail (ENOSYS: use /dev/urandom), not wait for ever
        link.recv(1)
        link.close()
        return []
    except OSError as error:
        why = f"{error.strerror or error}, {os.strerror(error.errno)}" if error.errno else str(error)
    return [
        f"system entropy drawn by native code could not be held ({why}): the kernel or the container forbids a seccomp listener"
    ]


def _become(argv: list[bytes], environ: dict[bytes, bytes]) -> None:
    import _signal  # type: ignore[import-not-found]  # the module without its enumerations

    for name in ("SIGPIPE", "SIGXFSZ"):  # Python ignores these; the command must not inherit that
        _signal.signal(getattr(_signal, name), _signal.SIG_DFL)
    failure: OSError = FileNotFoundError(2, "No such file or directory")
    path = environ.get(b"PATH", os.defpath.encode())
    folders = [b""] if b"/" in argv[0] else [folder or b"." for folder in path.split(b":")]
    for folder in folders:
        try:
            os.execve(os.path.join(folder, argv[0]) if folder else argv[0], argv, environ)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            failure = error
    name = os.fsdecode(argv[0])
    os.write(2, os.fsencode(f"reprotest: cannot start {name}: {failure.strerror}\n"))
    os._exit(127 if isinstance(failure, FileNotFoundError) else 126)


if __name__ == "__main__":
    main()
