"""PyTorch's deterministic algorithms: on where they are held, whatever the program says, and without their side effect."""

from __future__ import annotations

import pytest

from reprotest.factors import Seen, Setting, factor
from reprotest.factors.torch_kernels import TorchKernels

pytest.importorskip("torch")
ID = "torch.kernels"
HELD = {ID: 0}


def test_the_program_s_own_calls_make_it_stricter_but_not_weaker(play) -> None:
    source = """
        import os, torch, warnings
        warnings.simplefilter("error")
        def state():
            cudnn = torch.backends.cudnn
            return [torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled(),
                    torch.utils.deterministic.fill_uninitialized_memory, cudnn.deterministic, cudnn.benchmark]
        print(state())
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.deterministic = False
        torch.use_deterministic_algorithms(False)
        print(state())
        torch.set_deterministic_debug_mode("default")
        with torch.backends.cudnn.flags(enabled=True, benchmark=True): print(state())
        torch.use_deterministic_algorithms(True)
        print(state())
        print(os.environ["CUBLAS_WORKSPACE_CONFIG"])
    """
    lax, strict = [True, True, False, True, False], [True, False, False, True, False]
    assert play(source, HELD).out.splitlines() == [str(lax), str(lax), str(lax), str(strict), ":4096:8"]
    free = play(source.replace('os.environ["CUBLAS_WORKSPACE_CONFIG"]', "0")).out.splitlines()
    assert free[0] == "[False, False, True, False, False]"


RACE = """
    import torch
    torch.set_num_threads(2)
    torch.manual_seed(0)
    w = torch.randn(50, requires_grad=True)
    index, values = torch.randint(0, 50, (80_000,)), torch.randn(80_000)
    for step in range(5):
        (w[index] * values).sum().backward()
    x = torch.zeros(50).index_put_((torch.randint(0, 50, (1_000_000,)),), torch.randn(1_000_000), accumulate=True)
    print(w.grad.numpy().tobytes().hex(), x.numpy().tobytes().hex())
"""


@pytest.mark.slow
def test_races_of_indexed_sums_are_gone(play) -> None:
    assert len({play(RACE, HELD).out for _ in range(4)}) == 1


def test_its_state_is_read_without_an_import(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    assert TorchKernels().read() == {"CUBLAS_WORKSPACE_CONFIG": ":16:8"}
    assert TorchKernels().launch(Setting()).env == {"CUBLAS_WORKSPACE_CONFIG": ":16:8"}
    assert TorchKernels().pin(0) == ()


def test_what_a_gpu_is_told_depends_on_what_the_program_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variations of a program that was seen on one GPU, and on several; no GPU is needed to ask for them."""
    kernels = factor("torch.kernels")

    def labels(*told: str) -> set[str | None]:
        tried = kernels.variations(Seen(frozenset({"torch"}), told=[list(told)]))
        assert not isinstance(tried, str)
        return {kernels.perturb(k) for k in tried}

    assert labels("gpu") - labels() == {"TF32 allowed", "cuDNN's autotuning", "CUBLAS_WORKSPACE_CONFIG=:16:8"}
    assert labels("gpu", "tf32") - labels("gpu") == {"TF32 forbidden"}
    assert labels("gpu", "nccl") - labels("gpu") == {"another NCCL_ALGO (Tree, or Ring)"}
    (k,) = (n for n in range(20) if (kernels.perturb(n) or "").startswith("another NCCL"))
    monkeypatch.delenv("NCCL_ALGO", raising=False)
    assert kernels.launch(Setting(variant=k)).env == {"NCCL_ALGO": "Tree"}
    monkeypatch.setenv("NCCL_ALGO", "Tree")
    assert kernels.launch(Setting(variant=k)).env == {"NCCL_ALGO": "Ring"}
