"""Environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping

from reprotest.factors.base import Factor, Json, Launch, Setting

_SHOWN = r"""(?:
        (?:PYTHON|LC_|OMP_|GOMP_|KMP_|MKL_|OPENBLAS_|BLIS_|NUMEXPR_|VECLIB_|NPY_|MALLOC_|GLIBC_TUNABLES|RAYON_|POLARS_
         |TORCH|PYTORCH_|ATEN_|DNNL_|ONEDNN_|CUDA_|CUBLAS_|CUDNN_|NVIDIA_|NCCL_|GLOO_|ROCM_|HIP_|HSA_
         |TF_|XLA_|JAX_|KERAS_|TRANSFORMERS_|TOKENIZERS_|ACCELERATE_|HF_DATASETS_|CONDA_|NIX_|SLURM_)\w*
      | LANG|LANGUAGE|TZ|PATH|LD_PRELOAD|LD_LIBRARY_PATH|VIRTUAL_ENV|TMPDIR|HF_HOME|HF_HUB_OFFLINE|SOURCE_DATE_EPOCH
      | RANK|LOCAL_RANK|WORLD_SIZE|LOCAL_WORLD_SIZE|GROUP_RANK|MASTER_PORT
    )"""
"""Variables that libraries of this field read. Only these are shown with their values."""
NOISE = "REPROTEST_NOISE"
"""The variable that a variation adds for the program to see."""
_LENGTH = 3_001
_UMASK = 0o077
_MORE, _CLOSED = 1, 2


class Environment(Factor):
    """The variables themselves, and the room that they take on the stack."""

    id = "environment"
    what = "environment variables: switches that libraries read, and the size of the environment, which moves the stack; and the umask"
    fix = "set the variables that matter in one place (the flake, the image, .env) and record them with the run"
    order = 73

    def read(self) -> Mapping[str, Json]:
        """Values of variables that matter; of the rest the names, so that a missing one can be seen."""
        import re

        from reprotest.secrets import MASK, is_secret_name, mask_text

        matters = re.compile(_SHOWN, re.VERBOSE)
        shown = {}
        for name, value in sorted(os.environ.items()):
            if name.startswith("REPROTEST_"):
                continue
            known = matters.fullmatch(name) is not None and not is_secret_name(name)
            shown[name] = mask_text(value) if known else MASK
        return shown

    def launch(self, setting: Setting) -> Launch:
        if setting.variant == _MORE:
            return Launch(env={NOISE: "x" * _LENGTH})
        return Launch(umask=_UMASK) if setting.variant == _CLOSED else Launch()

    def remedy(self, variant: int) -> str:
        return (
            "let nothing depend on who may read a file, or set the umask for every run"
            if variant == _CLOSED
            else self.fix
        )

    def perturb(self, k: int) -> str | None:
        return {_MORE: "3 kB more of environment variables", _CLOSED: f"umask {_UMASK:03o}"}.get(k)
