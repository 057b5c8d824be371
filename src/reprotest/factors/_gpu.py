"""Is there a GPU? Told without starting CUDA, and without a framework."""

from __future__ import annotations

import os


def is_there() -> bool:
    """Has this machine a GPU that PyTorch could use (NVIDIA's driver, or AMD's)? Hidden ones do not count."""
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0") in ("", "-1"):
        return False
    return any(os.path.exists(path) for path in ("/dev/nvidiactl", "/dev/nvidia0", "/dev/kfd", "/dev/dxg"))
