"""Operating system, C library, kernel, container."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from reprotest.factors.base import Factor, Json, Seen


class System(Factor):
    """What the program runs on, beneath Python."""

    id = "system"
    what = "operating system, C library, kernel and container"
    fix = "run in the flake's shell or image, which pins everything down to the C library"
    order = 82

    def read(self) -> Mapping[str, Json]:
        uname = os.uname()
        return {
            "os": _os_release(),
            "kernel": f"{uname.sysname} {uname.release}",
            "machine": uname.machine,
            "libc": _libc(),
            "container": _container(),
            "cpu_limit": _cpu_limit(),
            "memory_kib": _memory(),
            "file_system": _file_system(os.getcwd()),
        }

    def facet(self, reading: Mapping[str, Json], modules: frozenset[str]) -> str | None:
        """The machine and its C library, whose mathematical functions differ from version to version."""
        known = [str(reading[name]) for name in ("machine", "libc") if reading.get(name)]
        return ", ".join(known) or None

    def perturb(self, k: int) -> str | None:
        return None

    def variations(self, seen: Seen) -> Sequence[int] | str:
        return "it takes another system: run this there too, and compare the records"


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _os_release() -> str | None:
    import platform

    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME")
    except OSError:
        return None


def _libc() -> str | None:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (ValueError, OSError):  # musl
        import platform

        return " ".join(platform.libc_ver()).strip() or None


def _container() -> str | None:
    """docker | podman | kubernetes | … as far as it shows; None on the machine itself."""
    if os.environ.get("KUBERNETES_SERVICE_HOST"):
        return "kubernetes"
    if os.path.exists("/.dockerenv"):
        return "docker"
    if os.path.exists("/run/.containerenv"):
        return "podman"
    if os.environ.get("APPTAINER_NAME") or os.environ.get("SINGULARITY_NAME"):
        return "apptainer"
    for word in ("docker", "kubepods", "lxc"):
        if word in _text("/proc/1/cgroup"):
            return word
    return None


def _cpu_limit() -> float | None:
    """Cores that the control group grants (cgroup v2); None without a limit."""
    quota, _, period = _text("/sys/fs/cgroup/cpu.max").strip().partition(" ")
    return round(int(quota) / int(period), 3) if quota.isdigit() and period.isdigit() and int(period) else None


def _memory() -> int | None:
    for line in _text("/proc/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1])
    return None


def _file_system(path: str) -> str | None:
    """Type of the file system that holds a path: decides in which order names are listed."""
    best, kind = "", None
    for line in _text("/proc/self/mounts").splitlines():
        _, mount, found, *_ = line.split(" ")
        mount = mount.replace("\\040", " ")
        inside = path == mount or path.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, found
    return kind
