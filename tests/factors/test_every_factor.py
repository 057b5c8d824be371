"""What all factors have in common: ids of the vocabulary, plain readings, described perturbations that really change something."""

from __future__ import annotations

import json
import os
import sys
import time

import pytest

from reprotest.factors import Setting, all_factors, factor
from reprotest.factors.base import Factor, Launch

VOCABULARY = """
    python.hash python.random numpy.random torch.random cuda.random tensorflow.random jax.random os.entropy clock process.id
    memory.address memory.uninitialised file.order external.state threads.schedule threads.count dataloader.workers torch.kernels
    cpu.isa gpu.hardware packages interpreter system locale timezone cwd environment checkpoint.state config code data
"""
BY_ENVIRONMENT = ("locale", "timezone", "cwd", "environment", "threads.count", "cpu.isa")

every = pytest.mark.parametrize("one", all_factors(), ids=lambda f: f.id)


def test_there_is_one_factor_for_each_word_of_the_vocabulary() -> None:
    assert sorted(f.id for f in all_factors()) == sorted(VOCABULARY.split())


def test_an_unknown_factor_is_refused_by_name() -> None:
    with pytest.raises(KeyError, match=r"no factor 'python.hsah'; known: .*python.hash"):
        factor("python.hsah")


@every
def test_readings_are_plain_data_quickly_read(one: Factor) -> None:
    before = set(sys.modules)
    begin = time.perf_counter()
    reading = one.read()
    assert time.perf_counter() - begin < 20, "a manifest must not keep anybody waiting"
    assert json.loads(json.dumps(reading)) == reading
    assert not {"torch", "tensorflow", "jax", "numpy"} & (set(sys.modules) - before), "reading imported a framework"


@every
def test_what_and_fix_are_phrases_that_a_report_can_use(one: Factor) -> None:
    for text in (one.what, one.fix):
        assert text == text.strip()
        assert not text.endswith("."), "the report puts the full stop"
        assert 10 < len(text) < 300


@every
def test_perturbations_are_numbered_without_gaps(one: Factor) -> None:
    labels = [one.perturb(k) for k in range(1, 12)]
    known = [label for label in labels if label is not None]
    assert labels[: len(known)] == known
    assert len(set(known[:2])) == len(known[:2])
    if one.repeats and known and not one.frees:
        assert max(one.tries, one.tries_unseen) <= len(known)


@pytest.mark.parametrize("name", BY_ENVIRONMENT)
def test_surroundings_are_left_alone_at_variant_0_and_changed_by_every_perturbation(name: str) -> None:
    one = factor(name)
    assert one.launch(Setting()) == Launch()
    k = 1
    while one.perturb(k) is not None:
        launch = one.launch(Setting(variant=k))
        assert launch.umask is not None or any(os.environ.get(name) != value for name, value in launch.env.items())
        k += 1
    assert one.launch(Setting(variant=k)) == Launch()


def test_locale_reaches_the_program(play) -> None:
    source = "import locale, os; print(os.environ.get('LC_ALL'), locale.setlocale(locale.LC_ALL, '') is not None)"
    label = factor("locale").perturb(1)
    assert label is not None
    assert play(source, {"locale": 1}).out == f"{label.removeprefix('LC_ALL=').partition(',')[0]} True\n"


def test_time_zone_reaches_the_program(play) -> None:
    source = "import time; print(time.timezone // 3600, time.localtime(0).tm_hour)"
    assert play(source, {"timezone": 1}).out == "-14 14\n"
    assert play(source, {"timezone": 2}).out == "9 14\n"


def test_another_thread_count_reaches_the_libraries(play, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("threadpoolctl")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    source = "import numpy, threadpoolctl; print({p['num_threads'] for p in threadpoolctl.threadpool_info()})"
    assert factor("threads.count").perturb(1) == "1"
    assert play(source, {"threads.count": 1}).out == "{1}\n"
    assert play(source).out != "{1}\n"


def test_another_thread_count_is_what_python_counts(play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    source = """
        import multiprocessing, os
        from concurrent.futures import ThreadPoolExecutor

        def show():
            print(os.cpu_count(), len(os.sched_getaffinity(0)), multiprocessing.cpu_count(), flush=True)

        if __name__ == "__main__":
            os.environ["OMP_NUM_THREADS"] = "5"  # for its children; it says nothing of processors
            show()
            process = multiprocessing.get_context("spawn").Process(target=show)
            process.start()
            process.join()
            print(ThreadPoolExecutor()._max_workers)
        """
    assert play(source, {"threads.count": 1}).out == "1 1 1\n1 1 1\n5\n"
    assert play(source, {"threads.count": 0}).out == play(source).out


def test_numpy_accepts_the_instruction_sets(play) -> None:
    """Names of features that this NumPy does not know would be warned about, or stop it."""
    k = 1
    while factor("cpu.isa").perturb(k) is not None:
        out = play(
            "import warnings; warnings.simplefilter('error'); import numpy; print(numpy.ones(3).sum())", {"cpu.isa": k}
        ).out
        assert out == "3.0\n"
        k += 1


@pytest.mark.slow
def test_another_number_of_workers_reaches_the_loader(play) -> None:
    pytest.importorskip("torch")
    source = """
        from torch.utils.data import DataLoader

        print(DataLoader(list(range(4)), num_workers=2, prefetch_factor=2, persistent_workers=True).num_workers)
        print(DataLoader(list(range(4)), 2, False, None, None, 2).num_workers)
    """
    assert play(source, {"dataloader.workers": 0}).out == "2\n2\n"
    assert play(source, {"dataloader.workers": 1}).out == "0\n0\n"
    assert play(source, {"dataloader.workers": 3}).out == "3\n3\n"


@pytest.mark.parametrize(
    "one", [one for one in all_factors() if type(one).pin is not Factor.pin], ids=lambda factor: factor.id
)
def test_what_pinning_changes_can_be_undone(one: Factor) -> None:
    before = json.dumps(one.read(), sort_keys=True), repr(one.state())
    undo = one.undo()
    one.pin(11)
    undo()
    assert (json.dumps(one.read(), sort_keys=True), repr(one.state())) == before


@every
def test_a_state_that_is_handed_out_can_be_put_back(one: Factor) -> None:
    state = one.state()
    if state is None:
        return
    one.reseed(2**63 + 5)
    one.restore(state)
    assert repr(one.state()) == repr(state)


@every
def test_what_is_not_pinned_is_said_in_sentences_for_a_report(one: Factor) -> None:
    undo = one.undo()
    sentences = [*one.unpinned(), *one.pin(11)]
    undo()
    for sentence in sentences:
        assert sentence == sentence.strip()
        assert not sentence.endswith(".")
