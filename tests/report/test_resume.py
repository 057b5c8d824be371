"""Reports of `resume` against golden files. To renew them after a wanted change: `REPROTEST_GOLDEN=1 pytest tests/report`."""

from __future__ import annotations

import io
import json
import os
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from rich.console import Console

from reprotest.report import resume as presenter
from reprotest.report.output import Output
from reprotest.result import Difference, Experiment, Verdict
from reprotest.resume.details import DETAILS, detail
from reprotest.resume.report import Lost, ResumeReport

GOLDEN = Path(__file__).with_name("golden")
ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "schema" / "resume.schema.json").read_text())

FIRST = Difference(
    step=16,
    phase="data",
    name="batch[0]",
    kind="order",
    note="the resumed run is given the batch of step 0 again",
)
DIFFERENT = ResumeReport(
    verdict=Verdict.DIFFERENT,
    commands={"full": ["train.py", "--api-key", "sk-abcdefghijklmnopqrstuvwxyz"], "first": ["train.py"], "second": ["train.py", "--resume"]},
    steps=32,
    resumed_at=16,
    seconds=31.2,
    first_difference=FIRST,
    causes=[
        Lost("optimizer", True, "put back: identical", detail("optimizer").fix),
        Lost("torch.random", False, "not tried: the run failed with sk-abcdefghijklmnopqrstuvwxyz", detail("torch.random").fix),
    ],
    experiments=[Experiment("put back: optimizer and torch.random", None, "identical", 4.0)],
    held=["numpy.random"],
    unobserved=["a thread was not seen"],
    records=[".reprotest/runs/a", ".reprotest/runs/b"],
)  # fmt: skip
IDENTICAL = ResumeReport(Verdict.IDENTICAL, {"full": ["hf.py"]}, steps=12, resumed_at=6, compared=6, seconds=3.0)
ERROR = ResumeReport(Verdict.ERROR, {"full": ["hf.py"]}, error="the second command exited with code 1:\nno such file")
REPORTS = {
    "different": DIFFERENT,
    "identical": IDENTICAL,
    "error": ERROR,
    "interrupted": replace(ERROR, error=None, interrupted=True),
}


class _Here(Output):
    def __init__(self, console: Console) -> None:
        super().__init__()
        object.__setattr__(self, "_console", console)

    def console(self) -> Console:
        found: Console = self.__dict__["_console"]
        return found


def rendered(report: ResumeReport, width: int = 80, encoding: str = "utf-8") -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    presenter.show(report, _Here(Console(file=file, width=width, color_system=None, legacy_windows=False)))
    file.flush()
    return file.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("name", REPORTS)
def test_reports(name: str) -> None:
    text = rendered(REPORTS[name])
    golden = GOLDEN / f"resume_{name}.txt"
    if os.environ.get("REPROTEST_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("name", REPORTS)
def test_documents(name: str) -> None:
    document = presenter.document(REPORTS[name])
    jsonschema.validate(document, SCHEMA)
    assert "sk-abc" not in json.dumps(document)


def test_plain_terminals_are_given_plain_letters() -> None:
    assert rendered(DIFFERENT, encoding="ascii").isascii()


def test_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for report in REPORTS.values():
        presenter.show(report, Output(quiet=True))
    assert capsys.readouterr().out.splitlines() == [
        "different: step 16, input data: batch[0]; cause: checkpoint.state: optimizer (proven), torch.random (not proven)",
        "identical: 6 steps after the resumption agree bit for bit",
        "error: the second command exited with code 1:",
        "interrupted",
    ]


def test_the_details_are_those_of_the_schema_and_of_the_page() -> None:
    known = {each.id for each in DETAILS}
    assert set(SCHEMA["$defs"]["cause"]["properties"]["detail"]["enum"]) == known
    page = (ROOT / "docs" / "resume.md").read_text()
    assert all(f"`{name}`" in page for name in known)
