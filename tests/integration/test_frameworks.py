"""Frameworks that have a probe of their own, unedited programs with the real packages: seeded they repeat, unseeded the cause is proven."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import reprotest
from reprotest.result import RunReport, Verdict

pytestmark = [pytest.mark.slow, pytest.mark.integration, pytest.mark.timeout(900)]

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))

    def run(*words: str, **options: object) -> RunReport:
        for program in PROGRAMS.glob("*.py"):
            shutil.copy(program, tmp_path)
        return reprotest.run(list(words), **options)  # type: ignore[arg-type]

    return run


def told(report: RunReport) -> list[tuple[str, bool, str | None]]:
    return [(cause.factor, cause.proven, cause.location) for cause in report.causes]


def test_keras_fit(run) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("tensorflow")
    report = run("keras_fit.py")
    assert report.verdict is Verdict.IDENTICAL, report
    assert report.steps == 4
    assert {"init", "data", "loss", "update", "metric"} <= report.observed.keys()


@pytest.mark.parametrize(
    ("backend", "phases"),
    [("jax", {"init", "data", "loss", "update"}), ("torch", {"init", "loss", "backward", "update"})],
)
def test_keras_on_other_backends(run, monkeypatch: pytest.MonkeyPatch, backend: str, phases: set[str]) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("tensorflow")  # setting Keras's seed imports it
    monkeypatch.setenv("KERAS_BACKEND", backend)
    report = run("keras_any.py", "--seed", "1")
    assert report.verdict is Verdict.IDENTICAL, report
    assert report.steps == 4
    assert phases <= report.observed.keys()
    report = run("keras_any.py", diagnose=False)
    assert report.first_difference is not None
    assert (report.first_difference.step, report.first_difference.phase) == (0, "init")


def test_keras_loop_without_a_seed(run) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("tensorflow")
    report = run("keras_loop.py", steps=1)
    assert report.verdict is Verdict.DIFFERENT, report
    assert told(report) == [("tensorflow.random", True, "keras_loop.py:26")]


def test_jax_and_optax_with_a_fixed_key(run) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("optax")
    report = run("jax_train.py", "--seed", "1")
    assert report.verdict is Verdict.IDENTICAL, report
    assert report.steps == 4
    assert {"init", "data", "loss", "update", "output"} <= report.observed.keys()
    assert not report.unobserved


def test_jax_with_a_key_from_an_unseeded_generator(run) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("optax")
    report = run("jax_train.py", steps=1)
    assert report.verdict is Verdict.DIFFERENT, report
    assert told(report) == [("python.random", True, "jax_train.py:12")]


def test_a_batch_for_jax_is_data_in_the_first_call_too(run) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("optax")
    report = run("jax_batches.py", steps=1)
    first = report.first_difference
    assert first is not None, report
    assert (first.step, first.phase, first.name) == (0, "data", "train_step(batch)[0]")
    assert told(report) == [("numpy.random", True, "jax_batches.py:17")]


def test_each_of_two_causes_at_its_own_line(run) -> None:  # type: ignore[no-untyped-def]
    """What differs first is where its own cause acts, and that cause is told first."""
    pytest.importorskip("optax")
    report = run("jax_batches.py", "drawn", steps=1)
    first = report.first_difference
    assert first is not None, report
    assert (first.phase, first.name, first.location) == ("init", "train_step(params)['w']", "jax_batches.py:9")
    assert told(report) == [("python.random", True, "jax_batches.py:9"), ("numpy.random", True, "jax_batches.py:17")]


def test_flax_nnx(run) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("flax")
    report = run("nnx_train.py")
    assert report.verdict is Verdict.IDENTICAL, report
    assert report.steps == 3
    assert {"loss", "update"} <= report.observed.keys()
    assert not report.unobserved


def test_rows_of_datasets(run) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("datasets")
    report = run("hf_datasets.py", diagnose=False)
    assert report.verdict is Verdict.DIFFERENT, report
    assert report.first_difference is not None
    assert report.first_difference.name.startswith("Dataset.shuffle.first")
    assert report.first_difference.location == "hf_datasets.py:7"


def test_catboost(run) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("catboost")
    report = run("catboost_fit.py", "--seed", "1")
    assert report.verdict is Verdict.IDENTICAL, report
    assert {"update", "output"} <= report.observed.keys()
    report = run("catboost_fit.py")
    assert report.first_difference is not None
    assert report.first_difference.name == "CatBoostClassifier.fit.trees"
    assert told(report) == [("numpy.random", True, "catboost_fit.py:15")]


def test_the_rank_that_brings_other_numbers(run, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("NOISE", "1")
    report = run("--", "torchrun", "--nproc-per-node", "2", "ddp_train.py", diagnose=False)
    first = report.first_difference
    assert first is not None, report
    assert (first.step, first.stream, first.op) == (2, "rank1", "all_reduce.input")
    assert first.note is not None
    assert "rank1 brings other numbers to the reduction" in first.note
