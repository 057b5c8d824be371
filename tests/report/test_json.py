from __future__ import annotations

import json
import math
import os
import stat
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reprotest.errors import UsageError
from reprotest.report.files import check_target
from reprotest.report.json import document, write
from reprotest.result import Cause, Difference, Experiment, RunReport, Verdict, Watched

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "schema" / "run.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

text = st.text(max_size=20)
factor = st.sampled_from(["numpy.random", "clock", "threads.schedule"])
place = st.none() | st.just("train.py:3")
size = st.none() | st.floats(min_value=0) | st.just(math.nan)
difference = st.builds(
    Difference,
    step=st.integers(0, 10**9),
    phase=st.sampled_from(["init", "data", "forward", "loss", "backward", "update", "metric", "output"]),
    name=text,
    kind=st.sampled_from(["value", "order", "shape", "dtype", "missing", "extra", "length", "died", "exit"]),
    op=st.none() | text,
    location=place,
    max_abs=size,
    max_rel=size,
    ulp=st.none() | st.integers(0, 2**64),
    note=st.none() | text,
)
words = st.text("abc: =ä", min_size=1, max_size=20).map("x".__add__)
report = st.builds(
    RunReport,
    verdict=st.sampled_from([Verdict.DIFFERENT, Verdict.ERROR]),
    command=st.lists(text, max_size=4),
    runs=st.integers(0, 1000),
    steps=st.integers(0, 10**9),
    seconds=st.floats(0, 1e9),
    first_difference=st.none() | difference,
    causes=st.lists(st.builds(Cause, factor, st.booleans(), place, words, words, st.none() | difference), max_size=2),
    watched=st.lists(st.builds(Watched, factor, place, st.integers(0, 10**9), st.none() | st.booleans()), max_size=2),
    experiments=st.lists(
        st.builds(
            Experiment,
            text,
            st.none() | factor,
            st.sampled_from(["identical", "different", "inconclusive", "failed"]),
            st.floats(0, 1e6),
            st.integers(0, 10),
            st.none() | difference,
            st.none() | text,
        ),
        max_size=2,
    ),
    error=st.none() | text,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(report)
def test_every_result_is_strict_json_of_the_schema(report: RunReport) -> None:
    content = document(report)
    VALIDATOR.validate(content)
    assert json.loads(json.dumps(content, allow_nan=False)) == content


def test_samples(samples: dict[str, RunReport]) -> None:
    for sample in samples.values():
        VALIDATOR.validate(document(sample))


def test_the_promised_keys_and_values(samples: dict[str, RunReport]) -> None:
    content = document(samples["proven"])
    assert list(content)[:9] == [
        "schema",
        "verdict",
        "command",
        "runs",
        "steps",
        "seconds",
        "first_difference",
        "causes",
        "watched",
    ]
    assert content["verdict"] == "different"
    assert list(content["first_difference"])[:8] == SCHEMA["$defs"]["difference"]["required"]
    assert content["causes"][0] | {"first_difference": None} == {
        "factor": "numpy.random",
        "proven": True,
        "location": "train.py:9",
        "evidence": "pinned: identical; left to vary: different",
        "fix": "pass a seed: np.random.seed(…) before the first draw, or np.random.default_rng(seed)",
        "first_difference": None,
    }
    assert content["watched"][1] == {
        "factor": "clock",
        "location": "train.py:4",
        "calls": 12,
        "affects_result": False,
    }


def test_an_identical_result_has_no_difference_and_no_cause(samples: dict[str, RunReport]) -> None:
    content = document(samples["identical"])
    assert content["first_difference"] is None
    assert content["causes"] == []
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(content | {"causes": document(samples["proven"])["causes"]})


def test_secrets_stay_out(samples: dict[str, RunReport]) -> None:
    sample = samples["race"]
    sample.error = "no access for geheim1234"
    assert "geheim1234" not in json.dumps(document(sample))
    assert document(sample)["command"][-1] == "***"


def test_a_file_is_written_whole_with_ordinary_rights(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    target.write_text("old")
    content: dict[str, Any] = {"a": "ä"}
    write(content, str(target))
    assert json.loads(target.read_text()) == content
    assert stat.S_IMODE(target.stat().st_mode) & 0o600 == 0o600
    assert os.listdir(tmp_path) == ["out.json"]


def test_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    write({"a": 1}, "-")
    assert json.loads(capsys.readouterr().out) == {"a": 1}


@pytest.mark.parametrize(("target", "message"), [("missing/out.json", "no folder missing"), (".", "is a folder")])
def test_a_target_that_cannot_be_written_is_refused_before_anything_runs(
    target: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=message):
        check_target("--json", target)
    check_target("--json", "out.json")
    check_target("--json", "-")
