"""podman as the tests use it: runc, a storage of its own that leaves nothing behind, streams that are poured into it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


class Podman:
    """podman with a storage of its own, and the digest of the stream that it loaded."""

    streamed: str

    def __init__(self, storage: Path) -> None:
        self.storage = storage
        self.words = ["podman", "--runtime", "runc", "--root", str(storage / "root"), "--runroot", str(storage / "run")]

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self.words, *words], text=True, capture_output=True, timeout=900)

    def run(
        self, *words: str, entrypoint: str | None = None, mounts: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run the image as it is meant to be run."""
        options = [
            "--rm",
            "--network",
            "none",
            "--read-only",
            "--ulimit",
            "nofile=1024:1024",
            "--ulimit",
            "nproc=1024:1024",
        ]
        options += [word for mount in mounts for word in ("--volume", mount)]
        options += ["--entrypoint", entrypoint] if entrypoint else []
        return self("run", *options, "image:test", *words)


@contextlib.contextmanager
def podman_of_its_own(*others: str) -> Iterator[Podman]:
    """podman with an empty storage. Skips where it, or another program that is named, is not installed, and without root."""
    for program in ("podman", "runc", *others):
        if shutil.which(program) is None and not any(Path(at, program).exists() for at in _HELPERS):
            pytest.skip(f"{program} is not installed; on Debian: apt-get install {program}")
    if os.getuid() != 0:
        pytest.skip("podman is run as root here; a user without rights needs subordinate ids")
    # podman refuses a run directory whose name is longer than 50 characters, as pytest's own folders' can be
    storage = Path(tempfile.mkdtemp(prefix="podman-", dir="/tmp"))
    podman = Podman(storage)
    try:
        yield podman
    finally:
        podman("rm", "--all", "--force", "--time", "0")  # a container outlives the podman that was timed out
        # conmon, which watched over a command in one, stays for minutes.
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if os.fsencode(storage) in file.read_bytes():
                    os.kill(int(file.parent.name), signal.SIGKILL)
        subprocess.run(["umount", storage / "root/overlay"], capture_output=True)
        shutil.rmtree(storage, ignore_errors=True)


def pour(source: list[str], sink: list[str]) -> tuple[str, str]:
    """`source | sink`, both of which must succeed; what the sink says, and the sha256 of what went through.

    When either ends early, so does the other: neither is left with a pipe that nobody reads or writes.
    """
    digest = hashlib.sha256()
    with (
        tempfile.TemporaryFile("w+") as said,
        tempfile.TemporaryFile("w+") as complaint,
        subprocess.Popen(source, stdout=subprocess.PIPE, stderr=complaint) as streamer,
        subprocess.Popen(sink, stdin=subprocess.PIPE, stdout=said, stderr=said) as loader,
    ):
        assert streamer.stdout is not None
        assert loader.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # the sink ended; its own words say why
            while chunk := streamer.stdout.read(1 << 20):
                digest.update(chunk)
                loader.stdin.write(chunk)
        with contextlib.suppress(BrokenPipeError):
            loader.stdin.close()
        streamer.stdout.close()
        statuses = streamer.wait(600), loader.wait(600)
        for file in (said, complaint):
            file.seek(0)
        text = said.read()
        assert statuses == (0, 0), f"{source[0]} and {sink[0]} ended with {statuses}: {complaint.read()[-2000:]}{text}"
    return text, digest.hexdigest()


_HELPERS = ("/usr/lib/podman", "/usr/libexec/podman")
"""Where podman's own helpers lie."""
