"""Reports of `vary` against golden files. To renew them after a wanted change: `REPROTEST_GOLDEN=1 pytest tests/report`."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from tests.documents import checked

from reprotest.errors import UsageError
from reprotest.factors import factor
from reprotest.report import markdown, sensitivity
from reprotest.report.sensitivity import plot, terminal
from reprotest.report.sensitivity.presentable import presentable
from reprotest.report.trees import tree_of
from reprotest.result import Difference
from reprotest.vary.result import Final, Other, Sensitivity, Skipped, Trial, VaryReport, Verdict

SECRET = "sk-abcdefghijklmnopqrstuvwxyz"
GRADIENT = Difference(
    step=0, phase="backward", name="conv1.weight", op="aten::convolution_backward", location="train.py:31",
    max_abs=2.98e-08, max_rel=1.2e-07, ulp=1,
)  # fmt: skip
BATCH = Difference(step=0, phase="data", name="batch[0]", kind="order", location="train.py:12", note="the same rows in another order")  # fmt: skip
FAILS = Difference(
    step=0, phase="output", name="", kind="exit", note=f"the program exited with code 1: no key {SECRET}"
)
OUTPUT = Difference(step=0, phase="output", name="stdout line 3", max_abs=0.2, max_rel=0.3, ulp=123_456_789)
LOSS = Difference(step=2, phase="loss", name="loss", location="train.py:33", max_abs=1e-7, max_rel=3e-7, ulp=4)


def item(name: str, start: str, to: str, difference: Difference | None, final: Final, *beside: Other) -> Sensitivity:
    return Sensitivity(name, start, to, difference, final, factor(name).fix, beside)


SENSITIVE = VaryReport(
    Verdict.SENSITIVE,
    ["train.py", "--epochs", "2", "--api-key", SECRET],
    steps=72,
    seconds=167.4,
    sensitive_to=[
        item("threads.count", "2", "1", GRADIENT, Final(4.1e-06, 0.02, 91_234, 3.4e-07)),
        item("cpu.isa", "AVX-512", "SSE only", LOSS, Final(0.31, 12.5, 2**31, 0.21)),
        item("dataloader.workers", "num_workers=2", "num_workers=0", BATCH, Final(0.52, 31.0, 2**31, 0.34)),
        item("torch.kernels", "PyTorch's default kernels", "evaluation batches split", LOSS, Final(0.0, 0.0, 0, 0.0)),
        item("locale", "LC_ALL=C.UTF-8", "LC_ALL=de_DE.UTF-8, pretended in Python", OUTPUT, Final(0.2, 0.3, 123_456_789)),
        item("environment", "as it is", "3 kB more of environment variables, umask 077", FAILS, Final()),
        item("timezone", "TZ=UTC", "TZ=REPROA-14 (UTC+14)", BATCH, Final(), Other("cwd", "another, an empty home directory")),
    ],
    insensitive_to=["python.hash", "clock", "file.order", "cwd"],
    skipped=[
        Skipped("cuda.random", "no GPU"),
        Skipped("gpu.hardware", "no GPU"),
        Skipped("code", "yours to change"),
        Skipped("config", "yours to change"),
    ],
    untried=[Skipped("torch.kernels", f"the program exited with code 1: no key {SECRET}", "torch.compile")],
    trials=[
        Trial(("clock: another date", "cwd: another home directory"), "identical", 2.1),
        Trial(("threads.count: 1",), "different", 2.4, GRADIENT),
        Trial(("torch.kernels: torch.compile",), "inconclusive", 9.0, FAILS, "it exited with code 1"),
    ],
    observed={"loss": 72, "update": 600},
    unobserved=["what the worker threads of a pool do is not compared"],
    records=[".reprotest/runs/20260101T000000.000000-abcdef"],
)  # fmt: skip
REPORTS = {
    "sensitive": SENSITIVE,
    "insensitive": replace(SENSITIVE, verdict=Verdict.INSENSITIVE, sensitive_to=[], untried=[], unobserved=[]),
    "unstable": replace(SENSITIVE, verdict=Verdict.UNSTABLE, first_difference=BATCH, sensitive_to=SENSITIVE.sensitive_to[2:3], untried=[]),
    "error": VaryReport(Verdict.ERROR, ["train.py"], seconds=0.4, error="the command exited with code 7:\nTraceback\nno such file"),
    "interrupted": replace(SENSITIVE, sensitive_to=SENSITIVE.sensitive_to[:1], interrupted=True, complete=False, resumed=2,
                           untried=[Skipped("locale", "interrupted before it was tried", "LC_ALL=C")]),
}  # fmt: skip


def in_terminal(report: VaryReport, width: int = 130, encoding: str = "utf-8") -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    terminal.show(presentable(report), Console(file=file, width=width, color_system=None, legacy_windows=False))
    file.flush()
    return file.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("name", REPORTS)
def test_terminal(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"vary_{name}.txt", in_terminal(REPORTS[name]))


def test_a_narrow_terminal_and_one_of_plain_letters(golden: Callable[[str, str], None]) -> None:
    golden("vary_narrow.txt", in_terminal(SENSITIVE, width=60, encoding="ascii"))


@pytest.mark.parametrize("name", ["sensitive", "unstable"])
def test_markdown(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"vary_{name}.md", markdown.text(tree_of(sensitivity.document(REPORTS[name]))))


def test_document(golden: Callable[[str, str], None]) -> None:
    golden("vary_sensitive.json", json.dumps(sensitivity.document(SENSITIVE), indent=2) + "\n")


@pytest.mark.parametrize("name", REPORTS)
def test_every_document_is_as_its_schema_says_and_without_secrets(name: str) -> None:
    text = json.dumps(sensitivity.document(REPORTS[name]))
    checked(text)
    assert SECRET not in text + in_terminal(REPORTS[name])


def test_plot(tmp_path: Path) -> None:
    """The same report gives the same picture, which names every factor, and none has a secret in it."""
    pytest.importorskip("matplotlib")
    shown = presentable(SENSITIVE)
    for name in ("a.svg", "b.svg", "c.png", "d.pdf"):
        plot.draw(shown, str(tmp_path / name))
    text = (tmp_path / "a.svg").read_text()
    assert text == (tmp_path / "b.svg").read_text()
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "d.pdf").read_bytes().startswith(b"%PDF")
    for name in (*(one.factor for one in SENSITIVE.sensitive_to), *SENSITIVE.insensitive_to):
        assert name in text
    assert "train.py: sensitive to 7 of 11 factors" in text
    assert SECRET not in text
    plot.draw(presentable(REPORTS["insensitive"]), str(tmp_path / "e.svg"))
    assert "train.py: insensitive to 4 factors" in (tmp_path / "e.svg").read_text()


@pytest.mark.parametrize(("target", "said"), [("picture.gif", ".svg, .png, .pdf"), ("nowhere/a.svg", "no folder")])
def test_a_picture_that_cannot_be_drawn_is_refused_at_once(tmp_path: Path, target: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        sensitivity.check_plot(str(tmp_path / target))
