"""Whole reports against golden files. To renew them after a wanted change: `REPROTEST_GOLDEN=1 pytest tests/report`."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from reprotest.report import terminal, words
from reprotest.result import RunReport

GOLDEN = Path(__file__).with_name("golden")
KINDS = [
    "proven",
    "two_causes",
    "identical",
    "error",
    "unproven",
    "race",
    "interrupted",
    "interrupted_early",
    "output_only",
    "died",
]


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "HF_TOKEN", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    # The factors' own words may change without these reports.
    monkeypatch.setattr(words, "what", {"numpy.random": "what NumPy draws, which differs in every process"}.get)


class _Ascii(io.StringIO):
    encoding = "ascii"  # type: ignore[assignment]


def rendered(report: RunReport, width: int = 80, file: io.StringIO | None = None) -> str:
    file = file or io.StringIO()
    terminal.show(report, Console(file=file, width=width, color_system=None, legacy_windows=False))
    return "\n".join(line.rstrip() for line in file.getvalue().split("\n"))


def check(name: str, text: str) -> None:
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("REPROTEST_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_report(kind: str, samples: dict[str, RunReport], project: Path) -> None:
    check(kind, rendered(samples[kind]))


def test_every_sample_has_a_golden_file(samples: dict[str, RunReport]) -> None:
    assert sorted(samples) == sorted(KINDS)


def test_narrow_terminal(samples: dict[str, RunReport], project: Path) -> None:
    text = rendered(samples["proven"], width=44)
    check("narrow", text)
    assert max(map(len, text.split("\n"))) <= 44


def test_wide_terminal_keeps_prose_readable(samples: dict[str, RunReport], project: Path) -> None:
    text = rendered(samples["two_causes"], width=220)
    assert max(map(len, text.split("\n"))) <= terminal.PROSE


def test_ascii_terminal(samples: dict[str, RunReport], project: Path) -> None:
    text = rendered(samples["proven"], file=_Ascii())
    check("ascii", text)
    assert text.isascii()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_secret_is_shown(kind: str, samples: dict[str, RunReport], project: Path) -> None:
    text = rendered(samples[kind])
    assert "geheim1234" not in text
    assert "sk-abcdefghijklmnopqrstuvwxyz" not in text


def test_colour_in_a_terminal_and_none_where_it_is_not_wanted(
    samples: dict[str, RunReport], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def escapes() -> str:
        file = io.StringIO()
        terminal.show(samples["proven"], Console(file=file, width=80, force_terminal=True, color_system="standard"))
        return file.getvalue()

    assert "\x1b[1;31m" in escapes()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[1;31m" not in escapes()


def test_a_guilty_line_that_is_gone_is_named_without_an_excerpt(samples: dict[str, RunReport], project: Path) -> None:
    (project / "train.py").unlink()
    text = rendered(samples["proven"])
    assert "train.py:9" in text
    assert "│" not in text


def test_a_finer_pass_is_shown_only_where_it_says_more(samples: dict[str, RunReport], project: Path) -> None:
    sample = samples["proven"]
    first = sample.first_difference
    assert first is not None
    sample.located = [replace(first, name="input")]
    assert "Observed more finely" not in rendered(sample)
    sample.located = [replace(first, op="aten::index")]
    assert "batch[0] (aten::index at train.py:11)" in rendered(sample)
