"""`compare`: two machines are simulated by two environments, and the guilty factor comes first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.documents import checked

from reprotest import cli
from reprotest.across.environment import HARMLESS, MATTERS, differences, informed
from reprotest.result import Difference

ROOT = Path(__file__).parents[2]


def compare(project, *arguments):
    target = project / ".git" / "compare.json"
    code = cli.main(["compare", "--quiet", "--json", str(target), *arguments])
    return code, checked(target)


def test_another_number_of_threads(project, record, monkeypatch):
    (project / "t.py").write_text(
        "import torch, reprotest\ntorch.manual_seed(0)\nx = torch.randn(400_000)\n"
        "for i in range(3): x = x * 1.0001; reprotest.observe('mean', x.mean())\n"
    )
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    a = record("t.py")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("TZ", "UTC")  # what differs too
    monkeypatch.setenv("EDITOR", "vi")
    b = record("t.py")
    code, document = compare(project, a, b)
    assert (code, document["verdict"], document["kind"]) == (1, "different", "records")
    first = document["environment"][0]
    assert (first["factor"], first["a"], first["b"], first["known"]) == ("threads.count", "2", "1", "matters")
    assert {finding["factor"] for finding in document["environment"]} >= {"timezone", "environment"}
    assert document["first_difference"]["location"] == "t.py:4"
    assert document["growth"]


def test_another_instruction_set(project, record, monkeypatch):
    (project / "t.py").write_text(
        "import torch, reprotest\ntorch.manual_seed(0)\nreprotest.observe('x', torch.randn(4096).exp().softmax(0))\n"
    )
    a = record("t.py")
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    monkeypatch.setenv("LC_ALL", "C")
    b = record("t.py")
    code, document = compare(project, a, b)
    assert code == 1
    first = document["environment"][0]
    assert (first["factor"], first["known"]) == ("cpu.isa", "matters")
    assert first["b"].startswith("default")
    assert compare(project, a, a)[0] == 0


def test_another_version_of_one_package(project, record, monkeypatch):
    (project / "t.py").write_text(
        "import meanlib, reprotest\nreprotest.observe('mean', meanlib.mean([0.1, 0.2, 0.3]))\n"
    )
    names = []
    for version, body in (("1.0", "sum(x) / len(x)"), ("2.0", "sum(sorted(x, reverse=True)) / len(x)")):
        site = project / f"site{version}"
        for name, text in (("meanlib", version), ("otherlib", version)):
            info = site / f"{name}-{text}.dist-info"
            info.mkdir(parents=True)
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {text}\n")
        (site / "meanlib.py").write_text(f"def mean(x): return {body}\n")
        with monkeypatch.context() as patch:
            patch.syspath_prepend(str(site))
            patch.setenv("PYTHONPATH", str(site))
            names.append(record("t.py"))
    code, document = compare(project, *names)
    assert code == 1
    first = document["environment"][0]
    assert (first["factor"], first["known"]) == ("packages", "matters")
    assert "imports meanlib" in first["evidence"] or "two records differ" in first["evidence"]
    assert {"key": "meanlib", "a": "1.0", "b": "2.0"} in first["changes"]


def test_prove_makes_this_machine_like_the_other_one(project, record, monkeypatch, capsys):
    (project / "t.py").write_text(
        "import os, reprotest\nreprotest.observe('x', 1.0 + len(os.environ.get('OMP_NUM_THREADS', '')) * 1e-9)\n"
    )
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "avx2")
    a = record("t.py")
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.delenv("ATEN_CPU_CAPABILITY")
    b = record("t.py")
    code, document = compare(project, "--prove", a, b)
    assert code == 1
    found = {finding["factor"]: finding for finding in document["environment"]}
    assert document["environment"][0]["factor"] == "threads.count"
    assert "it is A's exactly" in found["threads.count"]["evidence"]
    assert found["cpu.isa"]["known"] == "harmless"
    assert [row["outcome"] for row in document["experiments"]] == ["reference", "different", "identical"]
    assert cli.main(["compare", a, b]) == 1
    said = capsys.readouterr().out
    assert said.index("1. threads.count") < said.index("First difference: step 0")


def test_two_manifests(project, capsys):
    readings = {"threads.count": {"usable_cores": 2, "variables": {}}, "packages": {"torch": "2.13", "rich": "13"}}
    other = {"threads.count": {"usable_cores": 8, "variables": {}}, "packages": {"torch": "2.13", "rich": "14"}}
    for name, factors in (("a", readings), ("b", other)):
        (project / f"{name}.json").write_text(json.dumps({"schema": "reprotest.env/1", "factors": factors}))
    code, document = compare(project, "a.json", "b.json")
    assert (code, document["kind"], document["first_difference"]) == (1, "manifests", None)
    assert {f["factor"] for f in document["environment"]} == {"threads.count", "packages"}
    assert compare(project, "a.json", "a.json")[0] == 0


def test_what_is_known_ranks_before_what_is_likely():
    a = {"threads.count": {"torch": 2}, "gpu.hardware": {"gpus": ["A"]}, "system": {"memory_kib": 1}}
    b = {"threads.count": {"torch": 1}, "gpu.hardware": {"gpus": ["B"]}, "system": {"memory_kib": 2}}
    found = differences(a, b)
    assert [f.factor for f in found] == ["gpu.hardware", "threads.count", "system"]
    told = informed(found, {"threads.count": (MATTERS, "shown"), "gpu.hardware": (HARMLESS, "shown")})
    assert [f.factor for f in told] == ["threads.count", "system", "gpu.hardware"]


def test_the_size_of_the_first_difference_counts():
    a = {"threads.count": {"torch": 2}, "config": {"c.yaml": "1"}}
    b = {"threads.count": {"torch": 1}, "config": {"c.yaml": "2"}}
    rounding = Difference(3, "backward", "w", max_abs=1e-8, max_rel=1e-7)
    drift = Difference(0, "data", "batch", max_abs=1.0, max_rel=1.0)
    assert differences(a, b, first=rounding)[0].factor == "threads.count"
    assert differences(a, b, first=drift)[0].factor == "config"


def test_packages_that_are_not_imported_cannot_have_changed_it():
    a = {"packages": {"torch": "2.12", "rich": "13"}, "locale": {"LC_ALL": "C"}}
    b = {"packages": {"torch": "2.12", "rich": "14"}, "locale": {"LC_ALL": "tr"}}
    assert [f.factor for f in differences(a, b, modules=frozenset({"torch"}))] == ["locale", "packages"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a"], "expected two things to compare"),
        (["nowhere", "here"], "neither a file nor a folder"),
        (["bad.json", "bad.json"], "is no manifest"),
        (["x.lock", "ok.json"], "expected two of a kind"),
        (["--prove", "ok.json", "ok.json"], "two records"),
        (["--rev", "HEAD", "HEAD"], "needs a command"),
    ],
)
def test_wrong_usage(project, capsys, arguments, said):
    (project / "bad.json").write_text("[" * 100_000)
    (project / "ok.json").write_text('{"factors": {}}')
    (project / "x.lock").write_text('schema = "reprotest.lock/1"\n')
    assert cli.main(["compare", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_two_locks(project):
    (project / "t.py").write_text("import reprotest\nreprotest.observe('loss', float(open('x.txt').read()))\n")
    for name, value in (("a.lock", "1"), ("b.lock", "2")):
        (project / "x.txt").write_text(value)
        assert cli.main(["lock", "--quiet", "t.py"]) == 0
        (project / "reprotest.lock").rename(project / name)
    code, document = compare(project, "a.lock", "b.lock")
    assert (code, document["kind"]) == (1, "locks")
    assert "loss 1 → 2" in document["locked"]["t"]
    assert "data x.txt" in document["locked"]["t"]
    assert compare(project, "a.lock", "a.lock")[0] == 0
