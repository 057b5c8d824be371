"""PyTorch's CPU generators: first draws are seen with their line and held, seeded programs and the compiler are left alone."""

from __future__ import annotations

import pytest

from reprotest.factors import Setting, factor

pytest.importorskip("torch")

FIRST_DRAWS = {
    "a model class": (
        """
        import torch

        class Net(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = torch.nn.Linear(2, 2)

        def build():
            return Net()

        print(torch.empty(1).shape, build().layer.weight)
        """,
        "main.py:10",
    ),
    "a function": ("import torch\nx = torch.empty(2)\nprint(torch.randn(2), torch.randint(9, (3,)))\n", "main.py:3"),
    "a loader": (
        """
        from torch.utils.data import DataLoader

        for batch in DataLoader(list(range(9)), 9, shuffle=True):
            print(batch)
        """,
        "main.py:4",
    ),
    "seed": ("import torch\ntorch.manual_seed(1)\ntorch.seed()\nprint(torch.rand(2))\n", "main.py:3"),
    "a generator's seed": (
        """
        import torch
        torch.manual_seed(1)
        g = torch.Generator()
        g.seed()
        print(torch.rand(2, generator=g), g.initial_seed())
        """,
        "main.py:5",
    ),
    "a state put back": (
        """
        import torch
        with torch.random.fork_rng():
            torch.manual_seed(1)
            torch.rand(2)
        print(torch.zeros(2).uniform_())
        """,
        "main.py:6",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", FIRST_DRAWS)
def test_the_first_unseeded_draw_is_named_and_varied(play, case: str) -> None:
    source, line = FIRST_DRAWS[case]
    first = play(source, {"torch.random": 0})
    assert first.uses["torch.random"] == {line: 1}
    assert play(source, {"torch.random": Setting(seed=7, variant=1, only=(line,))}).out != first.out


@pytest.mark.slow
def test_a_pinned_program_repeats(play) -> None:
    source = (
        "import torch\nprint(torch.nn.Linear(2, 2).weight, torch.rand(2), torch.seed(), torch.Generator().seed())\n"
    )
    first = play(source, {"torch.random": 0}).out
    assert play(source, {"torch.random": 0}).out == first
    assert play(source, {"torch.random": 1}).out != first


def test_seeded_programs_are_left_alone(play) -> None:
    played = play(
        """
        import copy, pickle
        import torch
        from torch.utils.data import DataLoader

        torch.manual_seed(0)
        print(torch.rand(1).item(), torch.nn.Linear(1, 1).weight.item())
        g = torch.Generator()
        print(torch.rand(1, generator=g).item(), type(g) is torch._C.Generator)
        for generator in (g, torch.Generator().manual_seed(3)):
            same = pickle.loads(pickle.dumps(generator))
            print(torch.rand(1, generator=same).item() == torch.rand(1, generator=generator).item())
        for batch in DataLoader(list(range(4)), shuffle=True, num_workers=1):
            pass
        print(type(torch.rand).__name__, type(torch.Tensor.normal_).__name__, type(torch._C.Generator.manual_seed).__name__)
        """,
        {"torch.random": 1},
    )
    assert "torch.random" not in played.uses
    lines = played.out.splitlines()
    assert lines[0].startswith("0.4962565898895")
    assert lines[1].endswith("True")
    assert lines[2:] == ["True", "True", "builtin_function_or_method method_descriptor method_descriptor"]


def test_a_draw_that_nothing_shows_is_found_by_the_state(play) -> None:
    played = play("import torch\nprint(torch.nn.functional.dropout(torch.ones(20)))\n")
    assert played.uses["torch.random"] == {"": 1}


@pytest.mark.slow
def test_the_compilers_meet_the_programs_own_functions(play) -> None:
    source = """
        import torch

        @torch.jit.script
        def scripted(n: int):
            return torch.randn(n)

        def compiled(x, g):
            return x + torch.rand(3, generator=g)

        def drawing(x):
            return x + torch.randn(3)

        print(scripted(2).shape)
        print(torch.compile(compiled, backend="aot_eager")(torch.zeros(3), torch.Generator().manual_seed(3)).shape)
        print(torch.compile(drawing, backend="aot_eager", fullgraph=True)(torch.zeros(3)).shape)
        torch.manual_seed(0)

        @torch.jit.script
        def again(n: int):
            return torch.randn(n) + torch.rand(n)

        print(again(2).shape)
    """
    assert play(source).out == "torch.Size([2])\ntorch.Size([3])\ntorch.Size([3])\ntorch.Size([2])\n"


@pytest.mark.slow
def test_child_processes_have_streams_of_their_own(play) -> None:
    source = """
        import multiprocessing
        import torch

        def work(queue):
            queue.put(torch.rand(1).item())

        if __name__ == "__main__":
            context = multiprocessing.get_context("spawn")
            queue = context.Queue()
            print(torch.rand(1).item())
            for _ in range(2):
                child = context.Process(target=work, args=(queue,))
                child.start()
                print(queue.get())
                child.join()
    """
    first = play(source, {"torch.random": 0}).out
    assert play(source, {"torch.random": 0}).out == first
    assert len(set(first.split())) == 3


def test_pin_seeds_every_device() -> None:
    import torch

    state = torch.get_rng_state()
    try:
        assert factor("torch.random").pin(0) == ("PyTorch: every device's generator seeded with 0",)
        assert torch.rand(1).item() == pytest.approx(0.4962565898895264)
    finally:
        torch.set_rng_state(state)
