"""Bit for bit on a class that is known, within tolerances on another."""

from __future__ import annotations

import pytest

from reprotest.compare.outcome import Outcome
from reprotest.errors import UsageError
from reprotest.lock.file import Locked, PlatformClass
from reprotest.lock.judge import Agreement, judge
from reprotest.lock.make import Made, merged
from reprotest.lock.tolerance import Tolerance
from reprotest.result import RunReport, Verdict

HERE = {"cpu.isa": "avx512", "threads.count": "2", "packages": "torch 2.13"}
OTHER = {**HERE, "cpu.isa": "avx2"}


def outcome(digest="a", algorithm="xxh3_128", **values):
    return Outcome(digest, algorithm, 3, {"main": ((1, digest), (3, digest))}, values or {"loss": 0.5})


def locked(*classes, **more):
    made = tuple(PlatformClass(platform, result) for platform, result in classes)
    return Locked(("train.py",), classes=made, tolerances={"*": Tolerance("relative", 0.01)}, **more)


def test_equal_bits_pass_wherever_they_come_from():
    judged = judge(locked((HERE, outcome())), outcome(), HERE)
    assert (judged.agreement, judged.known) == (Agreement.IDENTICAL, True)
    judged = judge(locked((HERE, outcome())), outcome(), OTHER)
    assert (judged.agreement, judged.known, judged.differing) == (Agreement.IDENTICAL, False, ("cpu.isa",))


def test_other_bits_on_a_known_class_fail_however_near_they_are():
    judged = judge(locked((HERE, outcome())), outcome("b", loss=0.5000001), HERE)
    assert (judged.agreement, judged.known) == (Agreement.DIFFERENT, True)
    [value] = judged.values
    assert value.holds


def test_other_bits_on_an_unknown_class_are_measured():
    lock = locked((HERE, outcome()))
    judged = judge(lock, outcome("b", loss=0.501), OTHER)
    assert judged.agreement is Agreement.WITHIN
    assert "lock --add" in judged.said
    assert judge(lock, outcome("b", loss=0.51), OTHER).agreement is Agreement.DIFFERENT
    assert judge(lock, outcome("b", loss=0.5, more=1.0), OTHER).agreement is Agreement.DIFFERENT
    assert judge(lock, outcome("b", acc=0.5), OTHER).agreement is Agreement.DIFFERENT


def test_a_factor_that_was_shown_harmless_makes_no_other_class():
    lock = locked((HERE, outcome()), independent_of=("cpu.isa",))
    assert judge(lock, outcome("b", loss=0.5000001), OTHER).agreement is Agreement.DIFFERENT


def test_the_class_most_like_this_machine_is_compared():
    lock = locked(
        ({"cpu.isa": "avx512", "threads.count": "8"}, outcome("a", loss=1.0)),
        ({"cpu.isa": "avx2", "threads.count": "2"}, outcome("b", loss=2.0)),
        depends_on=("cpu.isa",),
    )
    judged = judge(lock, outcome("c", loss=2.0), {"cpu.isa": "avx2", "threads.count": "4"})
    assert judged.nearest is lock.classes[1]
    assert judged.differing == ("threads.count",)


def test_what_cannot_be_compared_is_an_error():
    assert judge(locked((HERE, outcome())), outcome(algorithm="output"), HERE).agreement is Agreement.ERROR
    assert judge(locked(), outcome(), HERE).agreement is Agreement.ERROR
    without = Outcome("b", "output", 0, {}, {})
    lock = locked((HERE, Outcome("a", "output", 0, {}, {})))
    assert "no number" in judge(lock, without, OTHER).said


# --- what becomes of a lock when another result is locked -----------------------------------------------------------


def merge(old, platform, result, *, add=False, **more):
    made = Made("x", RunReport(Verdict.IDENTICAL, ["train.py"], 2, 3, 1.0))
    fresh = Locked(("train.py",), **more)
    return made, merged(made, old, fresh, PlatformClass(platform, result), add=add)


def test_a_first_result():
    made, lock = merge(None, HERE, outcome())
    assert made.state == "new"
    assert lock.tolerances == {"*": Tolerance("relative", 0.01)}
    assert lock.depends_on == ()


def test_another_machine_is_added_and_shows_what_matters():
    _, lock = merge(None, HERE, outcome())
    made, lock = merge(lock, OTHER, outcome("b"), add=True)
    assert made.state == "added"
    assert lock.depends_on == ("cpu.isa",)
    assert [c.name(lock.depends_on) for c in lock.classes] == ["avx512", "avx2"]
    # Two facets differ, of which one explains the difference: nothing is shown of the other.
    _, lock = merge(lock, {**OTHER, "cpu.isa": "sse4", "packages": "torch 2.14"}, outcome("c"), add=True)
    assert lock.depends_on == ("cpu.isa",)


def test_an_equal_result_needs_no_class_of_its_own():
    _, lock = merge(None, HERE, outcome())
    made, lock = merge(lock, OTHER, outcome(), add=True)
    assert (made.state, len(lock.classes)) == ("unchanged", 1)


def test_another_result_on_the_same_class_is_not_added():
    _, lock = merge(None, HERE, outcome())
    with pytest.raises(UsageError, match="another result"):
        merge(lock, HERE, outcome("b"), add=True)


def test_locking_anew_drops_the_results_of_other_classes_only_when_they_changed():
    _, lock = merge(None, HERE, outcome())
    _, lock = merge(lock, OTHER, outcome("b"), add=True)
    made, same = merge(lock, HERE, outcome())
    assert (made.state, len(same.classes)) == ("unchanged", 2)
    made, changed = merge(lock, HERE, outcome("c"))
    assert (made.state, [c.outcome.digest for c in changed.classes]) == ("changed", ["c"])
    assert "1 other classes" in made.notes[0]


def test_declared_tolerances_stay():
    _, lock = merge(None, HERE, outcome(), tolerances={"loss": Tolerance("ulp", 4)})
    _, lock = merge(lock, HERE, outcome("c"), tolerances={"acc": Tolerance("absolute", 1)})
    assert set(lock.tolerances) == {"loss", "acc"}
