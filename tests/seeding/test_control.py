"""`set_seed` and `seeded`, with PyTorch, NumPy and Python."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import numpy as np
import pytest
import torch

import reprotest
from reprotest.factors import all_factors

KERNELS = "CUBLAS_WORKSPACE_CONFIG"


def draws() -> list[float]:
    return [random.random(), float(np.random.rand()), float(torch.rand(())), float(np.random.randn())]


def choose_kernels(deterministic: bool) -> None:
    """As torch.use_deterministic_algorithms, which imports the compiler and takes seconds."""
    torch._C._set_deterministic_algorithms(deterministic, warn_only=False)


def said(sentences: tuple[tuple[str, str], ...]) -> dict[str, str]:
    return dict(sentences)


def test_equal_seeds_draw_equal_numbers_and_others_do_not() -> None:
    reprotest.set_seed(42)
    first = draws()
    reprotest.set_seed(42)
    assert draws() == first
    reprotest.set_seed(43)
    assert draws() != first


def test_every_factor_that_can_be_pinned_is_and_nothing_stands_beside_them() -> None:
    report = reprotest.set_seed(1)
    by_themselves = [(one.id, what) for one in all_factors() for what in one.pin(1)]
    assert list(report.pinned) == by_themselves
    assert {"python.random", "numpy.random", "torch.random", "torch.kernels", "memory.uninitialised"} <= said(
        report.pinned
    ).keys()


def test_algorithms_are_deterministic_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KERNELS, raising=False)
    choose_kernels(False)
    torch.backends.cudnn.benchmark = True
    reprotest.set_seed(1, deterministic=False)
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.backends.cudnn.benchmark
    assert KERNELS not in os.environ
    reprotest.set_seed(1)
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.is_deterministic_algorithms_warn_only_enabled()
    assert torch.backends.cudnn.deterministic
    assert not torch.backends.cudnn.benchmark
    assert os.environ[KERNELS] == ":4096:8"
    reprotest.set_seed(1, warn_only=True)
    assert torch.is_deterministic_algorithms_warn_only_enabled()


def test_filling_of_memory_is_a_setting_of_its_own() -> None:
    reprotest.set_seed(1)
    assert torch.empty(1000).isnan().all(), "PyTorch's own choice under deterministic algorithms"
    assert "is filled" in said(reprotest.set_seed(1).pinned)["memory.uninitialised"]
    report = reprotest.set_seed(1, fill_uninitialised=False)
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.utils.deterministic.fill_uninitialized_memory
    assert "not filled" in said(report.pinned)["memory.uninitialised"]


def test_the_report_is_data_and_can_be_read() -> None:
    report = reprotest.set_seed(7, warn_only=True)
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["seed"] == 7
    assert plain["warn_only"] is True
    assert {"factor": "python.random", "what": "random: seeded with 7"} in plain["pinned"]
    lines = str(report).splitlines()
    assert lines[0] == "seed 7"
    assert "  pinned      random: seeded with 7" in lines


def test_a_hash_seed_that_is_not_pinned_is_said(python) -> None:
    source = "import reprotest; print(reprotest.set_seed(42))"
    assert "not pinned  hash() of text" in python(source).stdout
    pinned = python(source, env={"PYTHONHASHSEED": "3"}).stdout
    assert "pinned      hash(): Python was started with PYTHONHASHSEED=3" in pinned
    assert "not pinned  hash()" not in pinned


def test_setting_the_variable_inside_is_not_taken_for_pinned(python) -> None:
    source = "import os; os.environ['PYTHONHASHSEED'] = '42'; import reprotest; print(reprotest.set_seed(42))"
    assert "not pinned  hash() of text" in python(source).stdout
    assert "started with PYTHONHASHSEED=3" in python(source, env={"PYTHONHASHSEED": "3"}).stdout
    assert "started with PYTHONHASHSEED=0" in python(source, env={"PYTHONHASHSEED": "0"}).stdout
    assert "not pinned  hash() of text" in python(source, env={"PYTHONHASHSEED": "random"}).stdout


def test_the_number_of_threads_is_said_to_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert f"split over {torch.get_num_threads()} here" in said(reprotest.set_seed(1).not_pinned)["threads.count"]
    assert "threads.count" not in said(reprotest.set_seed(1, deterministic=False).not_pinned)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert "threads.count" not in said(reprotest.set_seed(1).not_pinned)


def test_a_workspace_that_comes_too_late_is_said_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KERNELS, raising=False)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "default_generators", ())
    monkeypatch.setattr(torch.cuda, "get_rng_state_all", list)
    for _ in range(2):
        with_cuda = said(reprotest.set_seed(1).not_pinned)
        assert "CUDA had started before CUBLAS_WORKSPACE_CONFIG was set" in with_cuda["torch.kernels"]


def test_a_workspace_with_which_cublas_does_not_repeat_is_left_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KERNELS, ":0:0")
    assert "CUBLAS_WORKSPACE_CONFIG=:0:0" in said(reprotest.set_seed(1).not_pinned)["torch.kernels"]
    assert os.environ[KERNELS] == ":0:0"


def test_draws_on_a_gpu_before_the_seed_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class Generator:
        def get_offset(self) -> int:
            return 8

    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "default_generators", (Generator(),))
    monkeypatch.setattr(torch.cuda, "get_rng_state_all", list)
    assert "drawn on device 0 before" in said(reprotest.set_seed(1).not_pinned)["cuda.random"]


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "42", None, True])
def test_a_seed_that_not_every_framework_takes_is_refused(seed: object) -> None:
    with pytest.raises(reprotest.UsageError, match=r"expected a whole number from 0 to 4294967295"):
        reprotest.set_seed(seed)  # type: ignore[arg-type]


def test_numpy_integers_are_seeds() -> None:
    assert reprotest.set_seed(np.int64(3)).seed == 3


# --- undone -------------------------------------------------------------------------------------------------------


def test_after_the_block_all_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KERNELS, raising=False)
    choose_kernels(False)
    torch.utils.deterministic.fill_uninitialized_memory = True
    torch.backends.cudnn.benchmark = True
    reprotest.set_seed(1, deterministic=False)
    draws()
    following = draws()
    reprotest.set_seed(1, deterministic=False)
    draws()
    with reprotest.seeded(42, fill_uninitialised=False) as report:
        inside = draws()
        assert report.seed == 42
        assert torch.are_deterministic_algorithms_enabled()
    assert draws() == following
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.utils.deterministic.fill_uninitialized_memory
    assert torch.backends.cudnn.benchmark
    assert KERNELS not in os.environ
    reprotest.set_seed(42)
    assert draws() == inside


def test_blocks_nest_and_survive_errors() -> None:
    reprotest.set_seed(1)
    expected = draws()
    reprotest.set_seed(1)
    inside = []

    def nested() -> None:
        with reprotest.seeded(2):
            with reprotest.seeded(3):
                draws()
            inside.append(draws())
            raise KeyError

    with pytest.raises(KeyError):
        nested()
    assert draws() == expected
    reprotest.set_seed(2)
    assert [draws()] == inside


def test_as_a_decorator_every_call_draws_the_same() -> None:
    @reprotest.seeded(5)
    def initial() -> list[float]:
        return draws()

    before = draws
    assert initial() == initial()
    assert before() != initial()


def test_a_bad_seed_changes_nothing() -> None:
    state = random.getstate()
    with pytest.raises(reprotest.UsageError), reprotest.seeded(-1):
        pass
    assert random.getstate() == state


# --- imported later -----------------------------------------------------------------------------------------------


def test_what_is_imported_later_is_seeded_then_and_nothing_else_is(python) -> None:
    source = """
        import random, sys, reprotest
        report = reprotest.set_seed(42)
        assert not {"torch", "numpy"} & set(sys.modules), "imported for no reason"
        print(report.later)
        random.random()
        second = random.random()
        reprotest.set_seed(42)
        random.random()
        import numpy, torch
        assert random.random() == second, "an import started Python's generator again"
        a = float(numpy.random.rand()), float(torch.rand(())), torch.are_deterministic_algorithms_enabled()
        reprotest.set_seed(42)
        print(a == (float(numpy.random.rand()), float(torch.rand(())), True))
    """
    done = python(source)
    assert done.returncode == 0, done.stderr
    announced, agree = done.stdout.splitlines()
    assert "'numpy'" in announced
    assert "'torch'" in announced
    assert agree == "True"


def test_the_compiler_is_told_when_it_comes_and_not_fetched_for_that(python) -> None:
    source = """
        import sys, torch, reprotest
        reprotest.set_seed(42)
        assert "torch._inductor" not in sys.modules
        import torch._inductor.config as compiler
        print(compiler.deterministic)
        with reprotest.seeded(1):
            pass
        torch.use_deterministic_algorithms(False)
        with reprotest.seeded(1):
            print(compiler.deterministic)
        print(compiler.deterministic)
    """
    assert python(source).stdout == "True\nTrue\nFalse\n"


def test_what_is_imported_after_a_block_is_left_alone(python) -> None:
    source = """
        import reprotest
        with reprotest.seeded(42):
            pass
        import numpy
        drawn = numpy.random.rand()
        reprotest.set_seed(42)
        print(drawn == numpy.random.rand())
    """
    assert python(source).stdout == "False\n"


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    reprotest.set_seed(1)
    assert not list(tmp_path.iterdir())
