"""GPU model, compute capability, driver."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from reprotest.factors import _gpu
from reprotest.factors.base import Factor, Json, Seen

_PROC = "/proc/driver/nvidia"


class GpuHardware(Factor):
    """Which GPU computes. Other models split the same sum otherwise, and choose other kernels."""

    id = "gpu.hardware"
    what = "GPU model, compute capability and driver"
    fix = "compare results on one model of GPU with one driver only, and lock them per class of machine"
    inside = True
    order = 83

    def read(self) -> Mapping[str, Json]:
        """From the driver's own files, without starting CUDA; from torch too when that has started it already."""
        from glob import glob

        torch: Json = sys.modules.get("torch")
        started = torch is not None and torch.cuda.is_initialized()
        return {
            "driver": _driver(),
            "gpus": [_model(path) for path in sorted(glob(f"{_PROC}/gpus/*/information"))],
            "torch_devices": [_device(torch, i) for i in range(torch.cuda.device_count())] if started else None,
            "cuda": torch.version.cuda if torch is not None else None,
            "cudnn": torch.backends.cudnn.version() if torch is not None and torch.version.cuda else None,
        }

    def facet(self, reading: Mapping[str, Json], modules: frozenset[str]) -> str | None:
        """Models that the program computes on; "none" where there is no GPU, or where nothing uses it."""
        devices = reading.get("torch_devices")
        if devices:
            said = [f"{device['name']} sm_{str(device['capability']).replace('.', '')}" for device in devices]
            versions = [f"{name} {reading[name]}" for name in ("driver", "cuda", "cudnn") if reading.get(name)]
            return ", ".join([*dict.fromkeys(said), *versions])
        if modules & {"jax", "tensorflow", "cupy", "xgboost", "lightgbm"} or not modules:
            return ", ".join(str(model) for model in dict.fromkeys(reading.get("gpus") or ())) or "none"
        return "none"

    def perturb(self, k: int) -> str | None:
        return None

    def variations(self, seen: Seen) -> Sequence[int] | str:
        if not _gpu.is_there():
            return "no GPU"
        return "it takes another GPU: run this there too, and compare the records"


def _driver() -> str | None:
    first = _lines(f"{_PROC}/version")[:1]
    return next((word for word in " ".join(first).split() if word[0].isdigit() and "." in word), None)


def _model(path: str) -> str | None:
    return next((line.partition(":")[2].strip() for line in _lines(path) if line.startswith("Model:")), None)


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return []


def _device(torch: Json, index: int) -> Json:
    properties = torch.cuda.get_device_properties(index)
    return {
        "name": properties.name,
        "capability": f"{properties.major}.{properties.minor}",
        "multiprocessors": properties.multi_processor_count,
        "memory": properties.total_memory,
    }
