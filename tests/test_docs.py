"""The documents say what the program does: generated parts are in step, examples are real, links lead somewhere."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OTHERS = {"reprotest.lock/1", "reprotest.seal/1", "reprotest.rng/1"}
"""What is no document of a verb: the lock, a record's seal, a generator's state."""
SCHEMA = json.loads((ROOT / "docs" / "schema" / "run.schema.json").read_text())


def test_the_generated_parts_of_the_readme_are_in_step() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "readme", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_readme_lists_every_factor() -> None:
    from reprotest.factors import all_factors

    text = (ROOT / "README.md").read_text()
    assert all(f"| `{factor.id}` |" in text for factor in all_factors())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_reports_that_are_explained_are_the_golden_ones() -> None:
    text = (ROOT / "docs" / "reading-a-report.md").read_text()
    blocks = re.findall(r"<!-- golden: (\w+) -->\n```text\n(.*?)\n```", text, re.DOTALL)
    assert len(blocks) >= 8
    for name, block in blocks:
        assert block == (ROOT / "tests" / "report" / "golden" / f"{name}.txt").read_text().strip("\n"), name


@pytest.mark.parametrize(
    ("heading", "definition"),
    [
        ("## `run`", SCHEMA),
        ("### A difference", SCHEMA["$defs"]["difference"]),
        ("### A cause", SCHEMA["$defs"]["cause"]),
    ],
)
def test_every_key_of_the_schema_is_explained(heading: str, definition: dict[str, object]) -> None:
    part = (ROOT / "docs" / "json.md").read_text().partition(heading)[2]
    table = part.partition("| key | meaning |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    explained = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(explained) == sorted(definition["properties"])  # type: ignore[call-overload]


def test_options_in_the_readme_are_those_of_the_command_line() -> None:
    from reprotest.verbs.run import run

    options = {option for parameter in run.params for option in parameter.opts if option.startswith("--")}
    named = set(re.findall(r"^\| `(--[a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert named == options


def test_the_configuration_in_the_readme_is_understood(tmp_path: Path) -> None:
    from reprotest.config.project import find

    [block] = re.findall(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (tmp_path / "pyproject.toml").write_text(block)
    project = find(tmp_path)
    assert project is not None
    assert [experiment.name for experiment in project.experiments] == ["digits"]


def test_every_document_has_a_schema_that_is_one_and_is_explained() -> None:
    from tests.documents import FOLDER, schemas, validator

    sources = "\n".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    written = set(re.findall(r'"(reprotest\.[a-z]+/\d+)"', sources)) - OTHERS
    assert written == schemas().keys()
    explained = (ROOT / "docs" / "json.md").read_text()
    for name, schema in schemas().items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert name in explained
        with pytest.raises(jsonschema.ValidationError):
            validator(name).validate({"schema": name})
    assert all(f"(schema/{path.name})" in explained for path in FOLDER.glob("*.json"))
