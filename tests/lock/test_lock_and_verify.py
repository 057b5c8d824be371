"""`lock` and `verify` from end to end, with real runs of a light script."""

from __future__ import annotations

import tomllib
from pathlib import Path

from reprotest import cli
from reprotest.lock import file, readme
from reprotest.run.catalog import entries
from reprotest.run.store import Store


def test_lock_then_verify_then_a_changed_input(project, call, capsys):
    code, document = call("lock", "--name", "tiny", "train.py", "--seed", "7")
    assert (code, document["verdict"], document["experiments"]["tiny"]["state"]) == (0, "locked", "new")
    text = (project / file.NAME).read_text()
    plain = tomllib.loads(text)["experiments"]["tiny"]
    assert plain["command"] == ["train.py", "--seed", "7"]
    assert plain["seeds"] == {"--seed": "7"}
    assert set(plain["data"]) == {"rate.txt"}
    assert plain["classes"][0]["values"] == {"loss": 0.5314410000000002}

    code, document = call("verify")
    assert (code, document["verdict"]) == (0, "passed")
    assert document["experiments"]["tiny"]["verdict"] == "identical"
    assert call("lock", "--name", "tiny")[1]["experiments"]["tiny"]["state"] == "unchanged"
    assert (project / file.NAME).read_text() == text

    (project / "rate.txt").write_text("0.8")
    code, document = call("verify", "tiny")
    assert (code, document["verdict"]) == (1, "failed")
    found = document["experiments"]["tiny"]
    assert (found["verdict"], found["known_class"], found["repeats"]) == ("different", True, True)
    assert found["first_difference"]["location"] == "train.py:7"
    assert [suspect["factor"] for suspect in found["suspects"]] == ["data"]
    assert (project / file.NAME).read_text() == text

    capsys.readouterr()
    assert cli.main(["verify"]) == 1
    said = capsys.readouterr().out
    assert "tiny: differs from what was locked on this class of machines" in said
    assert "other than when it was locked: data: rate.txt" in said


def test_without_the_locked_record_the_chains_still_tell_where(project, call):
    (project / "train.py").write_text(
        "import reprotest\nfor i in range(9): reprotest.observe('x', i if i < 5 else i / float(open('rate.txt').read()))\n"
    )
    assert call("lock", "train.py")[0] == 0
    assert call("prune", "latest", "latest~1")[0] == 0
    (project / "rate.txt").write_text("0.7")
    found = call("verify")[1]["experiments"]["train"]
    assert found["first_difference"] is None
    assert found["parted"] == {"stream": "main", "agree_until": 0, "differ_at": 0}


def test_an_experiment_is_compared_with_its_own_record_and_no_other_of_the_same_result(project, call):
    program = (project / "train.py").read_text()
    (project / "other.py").write_text(f"# the same result from another line\n\n{program}")
    assert call("lock", "train.py")[0] == 0
    assert call("lock", "other.py")[0] == 0
    (project / "rate.txt").write_text("0.8")
    documents = call("verify")[1]["experiments"]
    assert {name: one["first_difference"]["location"] for name, one in documents.items()} == {
        "train": "train.py:7", "other": "other.py:9",
    }  # fmt: skip
    assert call("prune", *(e.name for e in entries(Store.at(str(project))) if e.command == "train.py"))[0] == 0
    found = call("verify", "train")[1]["experiments"]["train"]
    assert (found["first_difference"], found["parted"]["agree_until"]) == (None, 0)


def test_an_unknown_class_agrees_within_tolerance_and_is_added(project, call, monkeypatch):
    (project / "train.py").write_text(
        "import os, reprotest\nreprotest.observe('loss', 0.5 + 1e-9 * len(os.environ.get('OMP_NUM_THREADS', '')))\n"
    )
    assert call("lock", "--tolerance", "loss=absolute:1e-8", "train.py")[0] == 0
    monkeypatch.setenv("OMP_NUM_THREADS", "77")
    code, document = call("verify")
    found = document["experiments"]["train"]
    assert (code, found["verdict"], found["known_class"]) == (0, "within_tolerance", False)
    assert found["said"].startswith("agrees within tolerance, not bit for bit")
    assert found["suspects"][0]["factor"] == "threads.count"
    code, document = call("lock", "--add")
    assert (code, document["experiments"]["train"]["state"]) == (0, "added")
    assert document["experiments"]["train"]["depends_on"] == ["threads.count"]
    assert call("verify")[1]["experiments"]["train"]["verdict"] == "identical"
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert call("verify")[1]["experiments"]["train"]["verdict"] == "identical"
    monkeypatch.setenv("OMP_NUM_THREADS", "7" * 20)
    assert call("verify")[0] == 1  # beyond the tolerance


def test_what_does_not_repeat_is_not_locked(project, call):
    (project / "train.py").write_text("import reprotest, uuid\nreprotest.observe('x', uuid.uuid4().int % 1000003)\n")
    code, document = call("lock", "train.py")
    assert (code, document["verdict"]) == (1, "refused")
    assert not (project / file.NAME).exists()
    (project / "train.py").write_text("raise SystemExit(5)\n")
    assert call("lock", "train.py")[0] == 3
    assert not (project / file.NAME).exists()


def test_a_command_that_fails_is_an_error_of_its_own(project, call):
    assert call("lock", "train.py")[0] == 0
    (project / "rate.txt").unlink()
    code, document = call("verify")
    assert (code, document["verdict"]) == (3, "error")
    assert "FileNotFoundError" in document["experiments"]["train"]["said"]


def test_vary_finds_what_the_result_depends_on(project, call):
    (project / "train.py").write_text(
        "import os, reprotest\nreprotest.observe('x', os.environ.get('OMP_NUM_THREADS', 'none'))\n"
    )
    code, document = call("lock", "--vary", "train.py")
    assert code == 0
    assert document["experiments"]["train"]["depends_on"] == ["threads.count"]
    assert "threads.count" not in document["experiments"]["train"]["independent_of"]


def test_a_secret_does_not_get_into_the_lock(project, capsys):
    assert cli.main(["lock", "train.py", "--hf-token", "hf_abcdefghijklmnopqrstuvwxyz"]) == 2
    assert "holds a secret" in capsys.readouterr().err
    assert not (project / file.NAME).exists()


def test_the_readme_is_kept_in_step(project, call):
    page = project / "README.md"
    page.write_text("# Title\n")
    assert call("lock", "train.py")[0] == 0
    assert page.read_text() == "# Title\n"
    assert call("lock", "--readme")[0] == 0
    assert page.read_text().startswith("# Title\n\n## Expected results\n\n" + readme.BEGIN)
    assert "| train | `train.py` |" in page.read_text()
    assert call("verify")[1]["readme"] == "current"
    (project / "rate.txt").write_text("0.8")
    assert call("lock", "train.py")[0] == 0
    assert call("verify")[1]["readme"] == "current"
    assert f"loss {0.8**6:.6g}" in page.read_text()
    page.write_text(page.read_text().replace(f"{0.8**6:.6g}", "0.1"))
    assert call("verify")[1]["readme"] == "stale"


def test_wrong_usage(project, capsys):
    for arguments, said in (
        (["verify"], "nothing is locked here"),
        (["lock"], "no command to lock"),
        (["lock", "--name", "x"], "no experiment 'x'"),
        (["lock", "--tolerance", "x=3", "train.py"], "is no tolerance"),
    ):
        assert cli.main(arguments) == 2
        assert said in capsys.readouterr().err
    assert not Path(project, file.NAME).exists()


def test_a_configuration_that_is_resolved_otherwise_is_named(project, call, monkeypatch):
    """The file is the same, and a variable makes another configuration of it."""
    (project / "c.yaml").write_text("lr: ${LR:-0.1}\n")
    (project / "train.py").write_text("import reprotest\nreprotest.observe('x', reprotest.load_config('c.yaml').lr)\n")
    assert call("lock", "train.py")[0] == 0
    [locked] = tomllib.loads((project / file.NAME).read_text())["experiments"].values()
    assert set(locked["config"]) == {"c.yaml", "c.yaml, resolved"}
    assert call("verify")[0] == 0
    monkeypatch.setenv("LR", "0.2")
    code, document = call("verify")
    suspects = document["experiments"]["train"]["suspects"]
    assert code == 1
    assert any(s["factor"] == "config" and "c.yaml, resolved" in str(s) for s in suspects)
    assert not any("'c.yaml sha256" in str(s) for s in suspects)
