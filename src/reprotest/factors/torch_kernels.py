"""Kernels that add in no fixed order, are chosen by timing, or round by TF32."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

from reprotest.factors import _compiled, _patch, _row_split
from reprotest.factors._source import InSource
from reprotest.factors.base import PINNING, Factor, Inside, Json, Launch, Pinning, Seen, Setting

_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
_REPEATING = (":4096:8", ":16:8")
"""The two workspaces with which cuBLAS repeats (cuBLAS documentation, "Results reproducibility")."""
_ALGORITHM = "NCCL_ALGO"
_DETERMINISTIC, _DEFAULT, _COMPILE, _EAGER, _SPLIT, _TF32, _NO_TF32, _AUTOTUNE, _WORKSPACES, _NCCL = range(10)
_LABELS = {
    _DETERMINISTIC: "deterministic algorithms",
    _DEFAULT: "PyTorch's default kernels",
    _COMPILE: "torch.compile",
    _EAGER: "without torch.compile",
    _SPLIT: "evaluation batches split",
    _TF32: "TF32 allowed",
    _NO_TF32: "TF32 forbidden",
    _AUTOTUNE: "cuDNN's autotuning",
    _WORKSPACES: f"{_WORKSPACE}={_REPEATING[1]}",
    _NCCL: f"another {_ALGORITHM} (Tree, or Ring)",
}


_ALIKE = "compile the model in all runs that are to be compared, or in none"
_PRECISION = "set torch.backends.cuda.matmul.allow_tf32 and torch.backends.cudnn.allow_tf32 in the program"
_REMEDIES = {
    _COMPILE: _ALIKE,
    _EAGER: _ALIKE,
    _SPLIT: "evaluate with one batch size everywhere, and record it with the result: kernels are chosen by the shape of the batch",
    _TF32: _PRECISION,
    _NO_TF32: _PRECISION,
    _NCCL: f"set {_ALGORITHM}, and keep the number of ranks and the size of DDP's buckets",
}
_INDUCTOR = "torch._inductor.config"


class TorchKernels(Factor):
    """Held by torch's deterministic algorithms, without their habit of filling uninitialised memory: that is another factor.

    What the program itself sets cannot make a held run less deterministic; if it asks for errors instead of warnings it gets them.
    A pinned run leaves TF32 alone: it rounds the same way every time, and to set it by one interface makes PyTorch refuse the other.

    `vary` starts from the kernels that the program itself asks for. Its variations are all ways of having other kernels chosen for the
    same arithmetic: the deterministic ones, compiled ones, those for another number of rows, and on a GPU TF32, autotuning, another
    workspace of cuBLAS, and another order in which NCCL adds up what several GPUs have.
    """

    id = "torch.kernels"
    what = "in which order PyTorch's kernels add up, and which kernel is chosen"
    fix = (
        "call torch.use_deterministic_algorithms(True) at the start; on a GPU also set CUBLAS_WORKSPACE_CONFIG=:4096:8 before the "
        "start and torch.backends.cudnn.benchmark = False"
    )
    repeats = True
    frees = 3
    source = InSource(
        packages=("torch", "torchvision", "lightning", "pytorch_lightning", "accelerate", "transformers", "timm"),
        seeds=(
            "torch.use_deterministic_algorithms",
            "torch.set_deterministic_debug_mode",
            "reprotest.set_seed",
            "reprotest.seeded",
            "transformers.enable_full_determinism",
            "transformers.trainer_utils.enable_full_determinism",
            "monai.utils.set_determinism",
        ),
    )
    start = _DEFAULT
    likely = True
    order = 35
    reaches = ("torch", _INDUCTOR)

    def acts_unseen(self, modules: frozenset[str]) -> bool:
        return "torch" in modules

    def read(self) -> Mapping[str, Json]:
        found: dict[str, Json] = {_WORKSPACE: os.environ.get(_WORKSPACE)}
        torch = sys.modules.get("torch")
        if torch is None:
            return found
        found["deterministic"] = torch.are_deterministic_algorithms_enabled()
        found["warn_only"] = torch.is_deterministic_algorithms_warn_only_enabled()
        found["fill_uninitialized_memory"] = torch.utils.deterministic.fill_uninitialized_memory
        cudnn = torch.backends.cudnn
        found["cudnn"] = {"deterministic": cudnn.deterministic, "benchmark": cudnn.benchmark}
        found["tf32"] = {"cudnn": torch._C._get_cudnn_allow_tf32(), "matmul": torch._C._get_cublas_allow_tf32()}
        return found

    def launch(self, setting: Setting) -> Launch:
        given = os.environ.get(_WORKSPACE)
        match setting.variant:
            case k if k == _DETERMINISTIC:
                return Launch(env={_WORKSPACE: given if given in _REPEATING else _REPEATING[0]})
            case k if k == _COMPILE:
                return Launch(env=_compiled.ON)
            case k if k == _EAGER:
                return Launch(env=_compiled.OFF)
            case k if k == _TF32:
                return Launch(env={"NVIDIA_TF32_OVERRIDE": None})
            case k if k == _NO_TF32:
                return Launch(env={"NVIDIA_TF32_OVERRIDE": "0"})
            case k if k == _WORKSPACES:
                return Launch(env={_WORKSPACE: _REPEATING[given == _REPEATING[0] or given is None]})
            case k if k == _NCCL:
                return Launch(env={_ALGORITHM: "Ring" if os.environ.get(_ALGORITHM, "").startswith("Tree") else "Tree"})
        return Launch()

    def pin(self, seed: int, how: Pinning = PINNING) -> Sequence[str]:
        torch = sys.modules.get("torch")
        if torch is None or not how.deterministic:
            return ()
        os.environ.setdefault(_WORKSPACE, _REPEATING[0])
        _choose_algorithms(torch, True, how.warn_only)
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False
        otherwise = "a warning" if how.warn_only else "an error"
        return (
            f"PyTorch: deterministic algorithms, {otherwise} where there is none; cuDNN does not try kernels out; "
            f"{_WORKSPACE}={os.environ[_WORKSPACE]}",
        )

    def pin_imported(self, module: str, seed: int, how: Pinning = PINNING) -> Sequence[str]:
        if module != _INDUCTOR:
            return self.pin(seed, how)
        torch = sys.modules["torch"]  # by now the program may have chosen otherwise
        _tell_compiler(torch.are_deterministic_algorithms_enabled())
        return ()

    def unpinned(self, how: Pinning = PINNING) -> Sequence[str]:
        torch = sys.modules.get("torch")
        if torch is None or not how.deterministic:
            return ()
        given = os.environ.get(_WORKSPACE)
        if given is not None and given not in _REPEATING:
            return (f"cuBLAS: does not repeat with {_WORKSPACE}={given}, which is left as it is: {_wanted()}",)
        if torch.cuda.is_initialized() and (given is None or self._late):
            self._late = True
            return (f"cuBLAS: CUDA had started before {_WORKSPACE} was set, which may be too late: {_wanted()}",)
        return ()

    _late = False
    """The workspace was set by `pin`, after CUDA had started."""

    def undo(self) -> Callable[[], None]:
        torch = sys.modules.get("torch")
        if torch is None:
            return lambda: None
        before, late, cudnn = os.environ.get(_WORKSPACE), self._late, torch.backends.cudnn
        chosen = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
        kernels = cudnn.deterministic, cudnn.benchmark

        def back() -> None:
            self._late = late
            if before is None:
                os.environ.pop(_WORKSPACE, None)
            else:
                os.environ[_WORKSPACE] = before
            _choose_algorithms(torch, *chosen)
            cudnn.deterministic, cudnn.benchmark = kernels

        return back

    def perturb(self, k: int) -> str | None:
        return _LABELS.get(k)

    def remedy(self, variant: int) -> str:
        return _REMEDIES.get(variant, self.fix)

    def compiles(self, variant: int) -> bool:
        return variant == _COMPILE

    def other_operators(self, variant: int) -> bool:
        return variant in (_COMPILE, _SPLIT)

    def may_fail(self, variant: int) -> bool:
        return True

    def usual(self, seen: Seen) -> str:
        asked = {ask for told in seen.told for ask in told}
        said = [_LABELS[_DETERMINISTIC]] if "deterministic" in asked else []
        said += [_LABELS[_COMPILE]] if "compile" in asked else []
        return ", ".join(said) or _LABELS[_DEFAULT]

    def variations(self, seen: Seen) -> Sequence[int] | str:
        if "torch" not in seen.modules:
            return "PyTorch is not used"
        asked = {ask for told in seen.told for ask in told}
        found = [] if "deterministic" in asked else [_DETERMINISTIC]
        found.append(_SPLIT)
        if "gpu" in asked:
            found += [_NO_TF32 if "tf32" in asked else _TF32, _AUTOTUNE, _WORKSPACES]
        if "nccl" in asked:
            found.append(_NCCL)
        if "compile" in asked:
            found.append(_EAGER)
        elif _compiled.can_compile():
            found.append(_COMPILE)
        return found

    def watch(self, inside: Inside) -> None:
        setting = inside.setting(self.id)
        if setting is None:
            return
        if setting.variant == _DETERMINISTIC:
            inside.on_import("torch", _hold)
        else:
            inside.on_import("torch", lambda torch: _vary(inside, torch, setting.variant))


def _vary(inside: Inside, torch: Any, variant: int) -> None:
    """Have other kernels chosen, and tell what the program asks for by itself."""
    asked: list[str] = []

    def told(what: str) -> None:
        if what not in asked:
            asked.append(what)
            inside.put(TorchKernels.id, asked)

    if variant == _DEFAULT:
        _compiled.tell(torch, lambda: told("compile"))
        inside.on_import("torch.distributed.distributed_c10d", lambda module: _tell_of_nccl(module, told))
        inside.at_exit(lambda: _tell_rest(torch, told))
    elif variant == _COMPILE:
        _compiled.turn_on(torch)
    elif variant == _SPLIT:
        _row_split.install(inside, torch)
    elif variant == _TF32:
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    elif variant == _AUTOTUNE:
        torch._C._set_cudnn_benchmark(True)
        _keep_cudnn(torch, "benchmark")


def _tell_of_nccl(module: Any, told: Any) -> None:
    original = module.init_process_group

    @_patch.like(original)
    def init_process_group(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        if "nccl" in str(module.get_backend()):
            told("nccl")
        return result

    module.init_process_group = init_process_group


def _tell_rest(torch: Any, told: Any) -> None:
    if torch.are_deterministic_algorithms_enabled():
        told("deterministic")
    if torch.cuda.is_initialized():
        told("gpu")
        if torch._C._get_cublas_allow_tf32():
            told("tf32")


def _choose_algorithms(torch: Any, deterministic: bool, warn_only: bool) -> None:
    """What torch.use_deterministic_algorithms does, but for importing the compiler, which takes seconds: it is told if it comes."""
    torch._C._set_deterministic_algorithms(deterministic, warn_only=warn_only)
    _tell_compiler(deterministic)


def _tell_compiler(deterministic: bool) -> None:
    compiler: Any = sys.modules.get(_INDUCTOR)
    if hasattr(compiler, "deterministic"):
        compiler.deterministic = deterministic


def _wanted() -> str:
    return f"set {_WORKSPACE}={_REPEATING[0]} before the start"


def _hold(torch: ModuleType) -> None:
    # Through _C, as torch.use_deterministic_algorithms would import all of torch._inductor.
    core: Any = torch._C
    warnings.filterwarnings("ignore", message=".*does not have a deterministic implementation", category=UserWarning)
    core._set_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    core._set_cudnn_deterministic(True)
    core._set_cudnn_benchmark(False)
    _keep_algorithms(core)
    _keep_cudnn(torch)


def _keep_algorithms(core: Any) -> None:
    """The program may make the rule stricter, not weaker."""
    real = core._set_deterministic_algorithms

    def set_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
        real(True, warn_only=warn_only if mode else True)

    core._set_deterministic_algorithms = set_deterministic_algorithms


def _keep_cudnn(torch: Any, *names: str) -> None:
    """`torch.backends.cudnn.benchmark = True` has no effect, by whichever of the two ways it is set."""
    core, flags = torch._C, vars(type(torch.backends.cudnn))

    def ignore(value: bool) -> None:
        if not isinstance(value, bool):
            raise TypeError(f"expected a bool, but got {type(value).__name__}")

    for name in names or ("deterministic", "benchmark"):
        setattr(core, f"_set_cudnn_{name}", ignore)
        if hasattr(flags.get(name), "setter"):
            flags[name].setter = ignore
