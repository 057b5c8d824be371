"""`compare --rev` and `bisect` on a real repository: which commit changed the numbers?"""

from __future__ import annotations

import subprocess

from tests.documents import checked

from reprotest import cli

PLAIN = "def f(x, i): return x / 49 + i\n"
RENAMED = "# a comment\ndef f(x, i): return x / 49 + i\n"
OTHER = "def f(x, i): return x * (1 / 49) + i\n"
BROKEN = "raise RuntimeError\n"


def run(tmp_path, *arguments):
    target = tmp_path / ".git" / "result.json"
    code = cli.main([arguments[0], "--quiet", "--json", str(target), *arguments[1:]])
    return code, checked(target)


def test_did_a_commit_change_the_numbers(tmp_path, repository, capsys):
    first, second, third = repository(PLAIN), repository(RENAMED), repository(OTHER, "Multiply instead")
    (tmp_path / "lib.py").write_text("work in progress")
    before = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, cwd=tmp_path).stdout
    code, document = run(tmp_path, "compare", "--rev", first, second, "train.py")
    assert (code, document["verdict"], document["kind"]) == (0, "identical", "revisions")
    code, document = run(tmp_path, "compare", "--rev", second[:8], "HEAD", "--", "python", "train.py")
    assert (code, document["verdict"]) == (1, "different")
    assert document["environment"][0]["factor"] == "code"
    assert document["environment"][0]["changes"] == [{"key": "lib.py", "a": second[:12], "b": third[:12]}]
    assert document["first_difference"]["ulp"] == 1
    after = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, cwd=tmp_path).stdout
    assert after == before
    assert (tmp_path / "lib.py").read_text() == "work in progress"
    assert not (tmp_path / ".reprotest" / "trees").exists()
    assert cli.main(["compare", "--rev", "nowhere", "HEAD", "train.py"]) == 2
    assert "no commit 'nowhere'" in capsys.readouterr().err


def test_the_commit_that_changed_the_numbers_is_found(tmp_path, repository, capsys):
    good = repository(PLAIN)
    commits = [repository(text, f"number {n}") for n, text in enumerate([RENAMED, PLAIN, OTHER, OTHER + "#", OTHER])]
    code, document = run(tmp_path, "bisect", "--markdown", ".git/result.md", "--good", good, "train.py")
    assert (code, document["verdict"], document["commit"]) == (1, "found", commits[2])
    assert document["title"].endswith("number 2")
    said = (tmp_path / ".git" / "result.md").read_text()
    assert said.startswith("## ❌ A commit changed the numbers: ")
    assert f"`{document['title']}`" in said
    assert f"| `{commits[2][:12]}` | ✗ other numbers |" in said
    assert document["first_difference"]["name"] == "x"
    assert len(document["tried"]) <= 4
    capsys.readouterr()
    assert cli.main(["bisect", "--good", good, "--bad", commits[1], "train.py"]) == 0
    assert "nothing to find" in capsys.readouterr().out
    assert cli.main(["bisect", "--good", commits[4], "--bad", good, "train.py"]) == 2
    assert "older commit first" in capsys.readouterr().err


def test_commits_that_cannot_be_run_are_passed_over(tmp_path, repository, capsys):
    good = repository(PLAIN)
    commits = [repository(text) for text in [BROKEN, BROKEN + "#", OTHER]]
    code, document = run(tmp_path, "bisect", "--markdown", ".git/result.md", "--good", good, "train.py")
    assert (code, document["verdict"], document["commit"]) == (1, "found", commits[2])
    assert document["candidates"] == commits
    assert "or in one of the 2 commits before it that cannot be run" in (tmp_path / ".git" / "result.md").read_text()
    assert cli.main(["compare", "--rev", good, commits[0], "train.py"]) == 3
    assert "fails at" in capsys.readouterr().err


def test_a_good_commit_that_does_not_repeat_is_said(tmp_path, repository):
    good = repository("import uuid\ndef f(x, i): return uuid.uuid4().int\n")
    repository(OTHER)
    assert run(tmp_path, "bisect", "--good", good, "train.py")[1]["verdict"] == "unstable"


def test_modules_on_the_path_come_from_the_commit(tmp_path, repository, monkeypatch):
    """An editable installation, or PYTHONPATH, leads into the working folder; a run at a commit must not see that."""
    (tmp_path / "src").mkdir()
    (tmp_path / "train.py").write_text("import inner, reprotest\nreprotest.observe('v', inner.V)\n")
    (tmp_path / "src" / "inner.py").write_text("V = 1\n")
    first = repository("")
    (tmp_path / "src" / "inner.py").write_text("V = 2\n")
    second = repository("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "src"))
    assert run(tmp_path, "compare", "--rev", first, second, "train.py")[1]["verdict"] == "different"
