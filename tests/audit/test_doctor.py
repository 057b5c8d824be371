"""`python -m reprotest doctor` as its users see it."""

from __future__ import annotations

import html
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.documents import checked

Doctor = Callable[..., tuple[int, str, str]]
Copy = Callable[[str], Path]
GOLDEN = Path(__file__).parent / "golden"


def snapshot(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("name", "code"), [("good", 0), ("mixed", 1), ("bad", 1)])
def test_reports(name: str, code: int, doctor: Doctor, copy: Copy) -> None:
    folder = copy(name)
    before = snapshot(folder)
    assert doctor(folder) == (code, (GOLDEN / f"{name}.txt").read_text(), "")
    assert snapshot(folder) == before, "it only reads"


def test_forms_for_ci(doctor: Doctor, copy: Copy, tmp_path: Path) -> None:
    folder = copy("mixed")
    before = snapshot(folder)
    targets = {form: tmp_path / f"result.{form}" for form in ("json", "junit", "markdown", "html")}
    code, _, _ = doctor(folder, *(word for form, path in targets.items() for word in (f"--{form}", path)))
    assert snapshot(folder) == before, "it only reads"
    content = checked(targets["json"])
    suite = ElementTree.parse(targets["junit"]).getroot().find("testsuite")
    assert suite is not None
    cases = {str(case.get("name")): case for case in suite}
    assert list(cases) == [check["id"] for check in content["checks"]]
    failing = {f["id"] for f in content["findings"] if f["severity"] != "note" and f["ignored"] is None}
    assert failing
    assert {name for name, case in cases.items() if case.find("failure") is not None} == failing
    first = next(f for f in content["findings"] if f["id"] in failing)
    assert f"{first['file']}:{first['line']}: {first['severity']}" in "".join(cases[first["id"]].itertext())
    assert code == 1
    assert targets["markdown"].read_text().startswith("## ❌ Not passed: ")
    page = targets["html"].read_text()
    assert first["message"] in html.unescape(page)


def test_nothing_of_the_project_is_imported(doctor: Doctor, copy: Copy) -> None:
    folder = copy("bad")
    (folder / "train.py").write_text("import torch\nopen('ran', 'w')\n" + (folder / "train.py").read_text())
    doctor(folder)
    assert not (folder / "ran").exists()
    assert not list(folder.rglob("__pycache__"))


def test_json(doctor: Doctor, copy: Copy) -> None:
    code, out, err = doctor(copy("bad"), "--json", "-")
    content = checked(out)
    assert code == 1
    assert "failed: " in err
    assert content["schema"] == "reprotest.doctor/1"
    assert content["verdict"] == "failed"
    late = next(finding for finding in content["findings"] if finding["id"] == "seed.late")
    assert (late["file"], late["line"], late["severity"], late["factor"]) == ("model.py", 7, "error", "torch.random")
    assert late["source"].startswith("https://")
    assert {check["id"] for check in content["checks"] if not check["passed"]} == {f["id"] for f in content["findings"]}
    assert content["counts"]["error"] == sum(finding["severity"] == "error" for finding in content["findings"])


def test_quiet_is_one_line(doctor: Doctor, copy: Copy) -> None:
    assert doctor(copy("good"), "--quiet") == (0, "passed: 0 errors, 0 warnings, 0 notes in 40 checks\n", "")


def test_a_baseline_leaves_only_what_is_new(doctor: Doctor, copy: Copy, tmp_path: Path) -> None:
    folder, baseline = copy("bad"), tmp_path / "known.json"
    assert doctor(folder, "--json", baseline)[0] == 1
    code, out, _ = doctor(folder, "--baseline", baseline)
    assert (code, "in the baseline: " in out) == (0, True)
    train = folder / "train.py"
    train.write_text("# a line more, above all others\n" + train.read_text())
    assert doctor(folder, "--baseline", baseline)[0] == 0, "lines may move"
    train.write_text(train.read_text().replace("train()\n", "train()\nrandom.Random()\n"))
    code, out, _ = doctor(folder, "--baseline", baseline)
    assert code == 1
    assert "random.Random without a seed [seed.generator]" in out
    assert "failed: 1 error, 0 warnings" in out


@pytest.mark.parametrize("content", [None, "{}", "[1", '{"schema": "other", "findings": []}'])
def test_what_is_no_baseline_is_refused(content: str | None, doctor: Doctor, copy: Copy, tmp_path: Path) -> None:
    baseline = tmp_path / "known.json"
    if content is not None:
        baseline.write_text(content)
    code, _, err = doctor(copy("good"), "--baseline", baseline)
    assert code == 2
    assert "python -m reprotest doctor --json" in err


def test_an_ignored_check_needs_a_reason_and_a_known_id(doctor: Doctor, copy: Copy) -> None:
    folder = copy("mixed")
    settings = folder / "pyproject.toml"
    text = settings.read_text()
    settings.write_text(text.replace("readme.hardware", "readme.hardwear"))
    code, _, err = doctor(folder)
    assert code == 2
    assert "there is no check 'readme.hardwear'; did you mean readme.hardware?" in err
    settings.write_text(text.replace('"runs on any laptop"', '" "'))
    code, _, err = doctor(folder)
    assert code == 2
    assert "expected a reason" in err


def test_excluded_files_are_not_looked_at(doctor: Doctor, copy: Copy) -> None:
    folder = copy("mixed")
    settings = folder / "pyproject.toml"
    settings.write_text(settings.read_text() + '\n[tool.reprotest.doctor]\nexclude = ["src/mixed/*"]\n')
    assert "src/mixed" not in doctor(folder)[1]


def test_fix_mends_what_is_safe_and_undo_takes_it_back(doctor: Doctor, copy: Copy) -> None:
    folder = copy("bad")
    before = snapshot(folder)
    code, out, _ = doctor(folder, "--fix")
    assert code == 1, "not all can be mended"
    assert ".env.example: written\n" in out
    assert "    +API_KEY=your_api_key_here" in out
    assert not {"env.ignored", "env.example", "ignored.data"} & {
        line.rpartition("[")[2].rstrip("]") for line in out.splitlines()
    }
    assert (folder / ".gitignore").read_text().startswith("*.lock\n"), "nothing is taken away"
    assert "+.env" in (folder / ".reprotest" / "doctor-fix.patch").read_text()
    assert doctor(folder, "--undo") == (
        0,
        ".env.example: as it was before --fix\n.gitignore: as it was before --fix\n",
        "",
    )
    after = snapshot(folder)
    assert {path: text for path, text in after.items() if not path.startswith(".reprotest/")} == before
    assert doctor(folder, "--undo")[0] == 2


def test_undo_does_not_lose_later_work(doctor: Doctor, copy: Copy) -> None:
    folder = copy("bad")
    doctor(folder, "--fix")
    (folder / ".gitignore").write_text("mine\n")
    code, _, err = doctor(folder, "--undo")
    assert code == 2
    assert ".gitignore was changed after `doctor --fix`" in err
    assert (folder / ".gitignore").read_text() == "mine\n"


def test_secrets_of_a_dot_env_are_in_no_report(doctor: Doctor, copy: Copy) -> None:
    folder = copy("bad")
    (folder / ".env").write_text("API_KEY=hunter2hunter2\nMORE_PASSWORD=hunter3hunter3\n")
    _, out, err = doctor(folder, "--fix")
    assert "hunter" not in out + err
    assert "MORE_PASSWORD=your_more_password_here" in (folder / ".env.example").read_text()
    assert "hunter" not in "".join(path.read_text() for path in (folder / ".reprotest").rglob("*") if path.is_file())


def test_in_a_git_repository(doctor: Doctor, copy: Copy) -> None:
    folder = copy("good")
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for name, text in {".env": "A=1\n", "data/train.csv": "1,2\n", "old.pt": "x"}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    for command in (("init", "-q"), ("add", "-f", ".")):
        subprocess.run(["git", *command], cwd=folder, env=environment, check=True)
    code, out, _ = doctor(folder)
    assert code == 1
    for said in (
        ".env is committed [env.ignored]",
        "data/train.csv is committed [ignored.data]",
        "old.pt is committed",
    ):
        assert said in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere",), "nowhere is no folder"),
        (("--fix", "--undo"), "exclude each other"),
        (("--json", "-", "--sarif", "-"), "cannot both have standard output"),
        (("--junit", "-", "--sarif", "-"), "cannot both have standard output"),
        (("--sarif", "no/such/folder/a.sarif"), "--sarif no/such/folder/a.sarif: there is no folder"),
    ],
)
def test_wrong_usage(
    arguments: tuple[str, ...], said: str, doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = doctor(*arguments)
    assert code == 2
    assert said in err


def test_an_empty_folder(doctor: Doctor, tmp_path: Path) -> None:
    code, out, _ = doctor(tmp_path)
    assert code == 1
    assert "there is no README" in out
    assert "seed." not in out
