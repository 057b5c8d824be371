"""The verb `report`, and the forms that every verb with a verdict writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import click
import pytest

from reprotest import api, cli
from reprotest.result import RunReport, Verdict


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "train.py").write_text("print(1)\n")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def identical(monkeypatch: pytest.MonkeyPatch) -> None:
    def session(command: object, options: object, on_event: object = None) -> RunReport:
        return RunReport(Verdict.IDENTICAL, ["train.py"], 2, 4, 1.5, exit_codes=[0, 0])

    monkeypatch.setattr(api, "session", session)


def test_run_writes_every_form(identical: None, capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["run", "--html", "r.html", "--junit", "r.xml", "--markdown", "r.md", "--json", "-", "train.py"])
    assert code == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["verdict"] == "identical"
    assert "Reproducible" in said.err
    assert "<h1" in Path("r.html").read_text()
    assert ElementTree.parse("r.xml").getroot().get("tests") == "1"
    assert Path("r.md").read_text().startswith("## ✅ Reproducible: `train.py`")


def test_configured_experiments_write_every_form(identical: None) -> None:
    Path("reprotest.yaml").write_text("experiments:\n  a: {command: train.py}\n  b: {command: train.py}\n")
    assert cli.main(["--html", "r.html", "--junit", "r.xml", "--quiet"]) == 0
    assert [suite.get("name") for suite in ElementTree.parse("r.xml").getroot()] == [
        "reprotest.run: a",
        "reprotest.run: b",
    ]
    assert "2 of 2 experiments passed." in Path("r.html").read_text()


@pytest.mark.parametrize("verb", ["run", "vary", "resume", "verify", "compare", "report"])
def test_every_verb_with_a_verdict_has_every_form(verb: str) -> None:
    command = cli.reprotest.get_command(click.Context(cli.reprotest), verb)
    assert command is not None
    assert {"html", "junit", "markdown", "json_", "quiet"} <= {param.name for param in command.params}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run", "--html", "no/r.html", "train.py"], "--html no/r.html: there is no folder no"),
        (["run", "--junit", ".", "train.py"], "--junit . is a folder"),
        (["run", "--json", "-", "--markdown", "-", "train.py"], "--json and --markdown both want standard output"),
        (["--html", "r.html", "run", "train.py"], "--html belongs after the verb"),
        (["report"], "no result is kept"),
        (["report", "nothing"], "no record or result 'nothing'"),
        (["report", "train.py"], "not a result of reprotest"),
        (["report", ".git"], "holds no record"),
    ],
)
def test_what_is_refused(
    arguments: list[str], expected: str, identical: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    assert expected in capsys.readouterr().err


def test_last_result_becomes_a_page_in_the_store(identical: None, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["run", "--quiet", "train.py"])
    capsys.readouterr()
    assert cli.main(["report"]) == 0
    said = capsys.readouterr().out
    (page,) = Path(".reprotest/reports").glob("*.html")
    assert said == f"The page is {page}\n"
    assert "Reproducible" in page.read_text()


def test_two_records_are_compared(recorded: Callable[..., list[Path]], capsys: pytest.CaptureFixture[str]) -> None:
    recorded(part=12)
    assert cli.main(["report", "abc121", "abc122", "--json", "-", "--html", "r.html", "--junit", "r.xml"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["schema"], said["verdict"]) == ("reprotest.compare/1", "different")
    assert (said["first_difference"]["step"], said["first_difference"]["name"]) == (12, "loss")
    page = Path("r.html").read_text()
    assert "From step 12 on the runs differ" in page
    assert "threads.count" in page


def test_several_records_are_compared_with_the_first(
    recorded: Callable[..., list[Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = recorded(part=12)
    assert cli.main(["report", str(first), str(first), str(second), "--json", "-"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["verdict"], said["runs"], said["first_difference"]["step"]) == ("different", 3, 12)


def test_one_record_is_shown(recorded: Callable[..., list[Path]], capsys: pytest.CaptureFixture[str]) -> None:
    path, _ = recorded(part=None)
    assert cli.main(["report", str(path), "--html", "-"]) == 0
    assert "One record" in capsys.readouterr().out
