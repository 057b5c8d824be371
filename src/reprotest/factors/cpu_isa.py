"""The processor's instruction set, by which libraries choose their code."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import cache

from reprotest.factors.base import Factor, Json, Launch, Seen, Setting

_SWITCHES = (
    "ATEN_CPU_CAPABILITY",
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "OPENBLAS_CORETYPE",
    "NPY_DISABLE_CPU_FEATURES",
    "NPY_ENABLE_CPU_FEATURES",
)
_LEVELS: tuple[tuple[str, str, dict[str, str]], ...] = (
    (
        "avx512f",
        "AVX2",
        {
            "ATEN_CPU_CAPABILITY": "avx2",
            "ONEDNN_MAX_CPU_ISA": "AVX2",
            "MKL_CBWR": "AVX2",
            "OPENBLAS_CORETYPE": "Haswell",
        },
    ),
    (
        "avx2",
        "SSE only",
        {
            "ATEN_CPU_CAPABILITY": "default",
            "ONEDNN_MAX_CPU_ISA": "SSE41",
            "MKL_CBWR": "COMPATIBLE",
            "OPENBLAS_CORETYPE": "Nehalem",
        },
    ),
)
"""What this processor must have for the level to be another one, its name, and the switches of the libraries."""
_INTERESTING = ("sse4_2", "avx", "avx2", "fma", "f16c", "avx512", "amx", "avx_vnni", "asimd", "sve", "bf16", "i8mm")


class CpuIsa(Factor):
    """AVX2, AVX-512, oneDNN, MKL and OpenBLAS code paths: another one adds in another order."""

    id = "cpu.isa"
    what = "the processor's instruction set, by which PyTorch, oneDNN, MKL, OpenBLAS and NumPy choose their code"
    fix = "pin the level that all your machines have (ATEN_CPU_CAPABILITY, ONEDNN_MAX_CPU_ISA, MKL_CBWR), or lock results per class of machine"
    inside = True
    likely = True
    order = 61

    def read(self) -> Mapping[str, Json]:
        model, flags = _cpuinfo()
        torch = sys.modules.get("torch")
        return {
            "processor": model,
            "features": sorted(flag for flag in flags if flag.startswith(_INTERESTING)),
            "switches": {name: os.environ[name] for name in _SWITCHES if name in os.environ},
            "torch": torch.backends.cpu.get_cpu_capability() if torch is not None else None,
            "blas": sorted(_loaded_blas()),
        }

    def facet(self, reading: Mapping[str, Json], modules: frozenset[str]) -> str | None:
        """The level that PyTorch chose or the processor has, with all switches that lower it for one library or another."""
        features = set(reading.get("features") or ())
        level = next((name for needed, name in _CLASSES if needed in features), None)
        said = [str(reading.get("torch") or level or reading.get("processor") or "unknown").lower()]
        said += [f"{name}={value}" for name, value in sorted((reading.get("switches") or {}).items())]
        return " ".join(said)

    def emulate(self, reading: Mapping[str, Json]) -> Mapping[str, str | None] | None:
        switches = reading.get("switches") or {}
        env: dict[str, str | None] = {**dict.fromkeys(_SWITCHES), **switches}
        theirs, (_, ours) = set(reading.get("features") or ()), _cpuinfo()
        for needed, _, wanted in _LEVELS:
            if needed in ours and needed not in theirs:
                env |= {name: value for name, value in wanted.items() if name not in switches}
        return env

    def launch(self, setting: Setting) -> Launch:
        levels = _levels()
        if not 1 <= setting.variant <= len(levels):
            return Launch()
        _, switches = levels[setting.variant - 1]
        return Launch(env=switches)

    def perturb(self, k: int) -> str | None:
        levels = _levels()
        return levels[k - 1][0] if 1 <= k <= len(levels) else None

    def usual(self, seen: Seen) -> str:
        given = {name: os.environ[name] for name in _SWITCHES if name in os.environ}
        if given:
            return ", ".join(f"{name}={value}" for name, value in given.items())
        _, flags = _cpuinfo()
        return "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "this processor's own"


_CLASSES = (
    ("avx512f", "avx512"),
    ("avx2", "avx2"),
    ("avx", "avx"),
    ("sse4_2", "sse4"),
    ("sve", "sve"),
    ("asimd", "neon"),
)
_BLAS = ("libopenblas", "libscipy_openblas", "libmkl_", "libblis", "libatlas", "libaccelerate")


def _loaded_blas() -> set[str]:
    """Linear algebra libraries that this process has loaded, by the names of their files."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
            names = {os.path.basename(line.rstrip()) for line in file if ".so" in line}
    except OSError:
        return set()
    return {name for name in names if name.startswith(_BLAS)}


def _levels() -> list[tuple[str, dict[str, str]]]:
    """Levels below this processor's own; none where the switches are not for its kind."""
    if os.uname().machine not in ("x86_64", "AMD64"):
        return []
    _, flags = _cpuinfo()
    return [
        (name, {**switches, "NPY_DISABLE_CPU_FEATURES": _numpy_features(needed)})
        for needed, name, switches in _LEVELS
        if needed in flags
    ]


def _numpy_features(needed: str) -> str:
    """NumPy's own names for what is to be left unused; 2.4 groups them by x86-64 level."""
    version = _numpy_version()
    if version >= (2, 4):
        return "X86_V4" if needed == "avx512f" else "X86_V4 X86_V3"
    avx512 = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL"
    return avx512 if needed == "avx512f" else f"{avx512} AVX2 FMA3"


@cache
def _numpy_version() -> tuple[int, ...]:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return tuple(int(part) for part in version("numpy").split(".")[:2])
    except (PackageNotFoundError, ValueError):
        return (0,)


@cache
def _cpuinfo() -> tuple[str | None, frozenset[str]]:
    """Model name and feature flags of the first processor."""
    fields: dict[str, str] = {}
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                name, _, value = line.partition(":")
                fields.setdefault(name.strip(), value.strip())
    except OSError:
        pass
    flags = fields.get("flags") or fields.get("Features") or ""
    return fields.get("model name") or fields.get("CPU part") or None, frozenset(flags.split())
