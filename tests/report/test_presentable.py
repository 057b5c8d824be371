from __future__ import annotations

from dataclasses import replace

from reprotest.report.presentable import presentable
from reprotest.result import Difference, RunReport


def test_nothing_from_the_program_reaches_a_presenter_as_it_is(samples: dict[str, RunReport]) -> None:
    dirty = "\x1b[2Jgeheim1234\x07"
    found = Difference(0, "output", dirty, note=dirty)
    sample = samples["proven"]
    sample.first_difference = found
    sample.located = [found]
    sample.causes = [replace(sample.causes[0], evidence=dirty, first_difference=found)]
    sample.experiments = [replace(sample.experiments[0], note=dirty, difference=found)]
    sample.unobserved = [dirty]
    sample.masked = [dirty]
    sample.error = f"first\n{dirty}"
    clean = presentable(sample)
    assert "geheim1234" not in repr(clean)
    assert "\x1b" not in str(clean.to_json())
    assert clean.error == "first\n***"
    assert clean.unobserved == ["***"]


def test_the_result_itself_is_not_changed(samples: dict[str, RunReport]) -> None:
    sample = samples["race"]
    before = repr(sample)
    presentable(sample)
    assert repr(sample) == before


def test_what_is_clean_stays_as_it_is(samples: dict[str, RunReport]) -> None:
    sample = replace(samples["two_causes"], command=["train.py"])
    assert presentable(sample) == sample
