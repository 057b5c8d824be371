"""Memory that was never written holds what the variant says; memory that was is left alone."""

from __future__ import annotations

import pytest

from reprotest.factors.memory_uninitialised import MemoryUninitialised, fill_byte

ID = "memory.uninitialised"

EMPTIES = """
    import numpy as np, torch
    made = [
        torch.empty(5), torch.empty(3, 4, dtype=torch.float64), torch.empty_like(torch.zeros(70)), torch.zeros(2).new_empty(300),
        torch.empty_strided((2, 3), (1, 2)), torch.Tensor(4), torch.Tensor(3, 3), torch.empty(3, dtype=torch.bfloat16),
        torch.empty(1_000_000), torch.empty(3, dtype=torch.int64), torch.empty(2, requires_grad=True).detach(),
    ]
    raw = {b for t in made for b in t.contiguous().view(torch.uint8).flatten().tolist()}
    arrays = [
        np.empty(5), np.empty((3, 4), np.float32), np.empty_like(np.zeros(70)), np.empty(3, dtype=[("a", "i4"), ("b", "f8")]),
        np.empty((4, 5), order="F"), np.empty(1_000_000, np.int8), np.empty(3, np.float16),
    ]
    raw |= {b for a in arrays for b in a.tobytes("A")}
    flags = torch.empty(5, dtype=torch.bool).tolist() + np.empty(5, bool).tolist()
    print(sorted(raw), set(flags), np.empty(2, object), torch.Tensor([7.0]), np.empty(0).size, torch.empty(0).numel())
"""


@pytest.mark.parametrize("variant", [0, 1, 2, 3])
def test_every_kind_of_empty_holds_the_variant_s_byte(play, variant: int) -> None:
    pytest.importorskip("torch")
    byte = fill_byte(variant)
    out = play(EMPTIES, {ID: variant}).out
    assert out == f"[{byte}] {{{bool(byte & 1)}}} [None None] tensor([7.]) 0 0\n"


def test_what_libraries_and_native_code_allocate_is_filled_too(play) -> None:
    numpy = pytest.importorskip("numpy")
    out = play(
        """
        import ctypes, numpy as np
        libc = ctypes.CDLL(None); libc.malloc.restype = ctypes.c_void_p
        raw = set()
        for size in (24, 100, 1000, 5000, 200_000, 5_000_000):
            for _ in range(3):
                block = libc.malloc(ctypes.c_size_t(size))
                raw |= set(ctypes.string_at(block, size))
                ctypes.memset(block, 1, size)
                libc.free(ctypes.c_void_p(block))
        print(raw, set(np.ndarray((3000,), np.uint8).tolist()))
        """,
        {ID: 1},
    ).out
    assert numpy
    assert out == "{63} {63}\n"


def test_the_lines_that_ask_for_it_are_noted_and_one_of_them_can_be_varied(play) -> None:
    pytest.importorskip("torch")
    source = """
        import numpy as np
        import torch
        print(torch.empty(2).tolist(),
              np.empty(2).tolist())
        torch.nn.Linear(3, 3)
        np.linalg.inv(np.eye(3))
    """
    assert play(source).uses[ID] == {"main.py:4": 1, "main.py:5": 1}
    from reprotest.factors import Setting

    out = play(source, {ID: Setting(variant=1, only=("main.py:5",))}).out
    assert out.startswith("[0.0, 0.0] [0.000")
    assert "[0.0, 0.0] [0.0, 0.0]" not in out


def test_the_fills_are_modest_numbers_of_every_float() -> None:
    numpy = pytest.importorskip("numpy")
    for variant in range(5):
        raw = bytes([fill_byte(variant)] * 8)
        for dtype in ("f2", "f4", "f8"):
            values = numpy.frombuffer(raw, dtype)
            assert numpy.isfinite(values).all()
            assert (abs(values.astype("f8")) < 1e7).all()
    assert len({fill_byte(v) for v in range(5)}) == 5
    assert MemoryUninitialised().perturb(5) is None


def test_a_program_s_own_tunables_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    from reprotest.factors import Setting

    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=3:glibc.malloc.arena_max=1")
    env = MemoryUninitialised().launch(Setting()).env
    assert env["GLIBC_TUNABLES"] == "glibc.malloc.arena_max=1:glibc.malloc.tcache_count=0"
    assert env["MALLOC_PERTURB_"] == "255"


@pytest.mark.slow
@pytest.mark.parametrize("hold", [{}, {ID: 1}])
def test_compilers_and_tracers_take_the_functions_for_pytorch_s(play, hold: dict[str, int]) -> None:
    pytest.importorskip("torch")
    out = play(
        """
        import copy, pickle, torch
        from torch._subclasses.fake_tensor import FakeTensorMode
        def fill(x):
            y = torch.empty(3)
            y.copy_(x)
            z = torch.empty_like(x).fill_(1) + x.new_empty(3).zero_()
            return y * 2 + z
        print(torch.compile(fill, backend="aot_eager", fullgraph=True)(torch.ones(3)))
        print(torch.jit.script(fill)(torch.ones(3)))
        print(torch.fx.symbolic_trace(lambda x: torch.empty_like(x).fill_(2) + x)(torch.ones(3)))
        print(torch.func.vmap(lambda x: torch.empty_like(x).copy_(x) + 2)(torch.ones(2, 3)))
        with FakeTensorMode(): print(type(torch.empty(3)).__name__)
        print(torch.empty(2, device="meta").shape, torch.empty(2, out=torch.ones(2)).tolist(), pickle.loads(pickle.dumps(torch.empty)) is torch.empty)
        class Mine(torch.Tensor): pass
        print(type(Mine(3)).__name__, type(torch.empty_like(torch.ones(2).as_subclass(Mine))).__name__)
        print(torch.nn.Parameter(torch.Tensor(2).zero_()).data, copy.deepcopy(torch.Tensor(1).zero_()))
        """,
        hold,
        timeout=200,
    ).out.splitlines()
    assert out[:3] == ["tensor([3., 3., 3.])"] * 3
    assert out[3:5] == ["tensor([[3., 3., 3.],", "        [3., 3., 3.]])"]
    assert out[5] == "FakeTensor"
    assert out[6] == "torch.Size([2]) [1.0, 1.0] True"
    assert out[7:] == ["Mine Mine", "tensor([0., 0.]) tensor([0.])"]
