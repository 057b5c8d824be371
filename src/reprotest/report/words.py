"""The words of a report: plain sentences about differences, causes and numbers. All presenters use these."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

from reprotest.result import Cause, Difference, Experiment, RunReport, Verdict
from reprotest.secrets import mask_command

_PHASES = {
    "init": "initial parameters",
    "data": "input data",
    "forward": "forward pass",
    "loss": "loss",
    "backward": "gradients",
    "update": "update of the parameters",
    "metric": "observed values",
    "output": "output",
}
ROUNDING_ULP = 64
"""Up to so many units in the last place a difference looks like another order of summation, not like other data."""
DRIFT = 1e-3
"""From this relative size on a difference is called large."""


def program(words: Sequence[str]) -> str:
    """The shortest name that tells a command: the script, the module or the function."""
    rest = [word for word in mask_command(words) if word != "--"]
    if rest[:1] == ["-m"]:
        return rest[1] if len(rest) > 1 else "-m"
    return rest[0] if rest else "the command"


def number(value: float) -> str:
    """A measured number in at most three digits: "0.31", "1.2e-07", "inf"."""
    return f"{value:.3g}"


def count(n: int, thing: str, things: str | None = None) -> str:
    """ "1 step", "40 steps"."""
    return f"{grouped(n)} {thing if n == 1 else things or thing + 's'}"


def grouped(n: int) -> str:
    """A whole number with its thousands apart: "1 000 000"."""
    return f"{n:,}".replace(",", " ")


def times(seconds: float) -> str:
    """A duration for people: "0.4 s", "12 s", "3 min 05 s", "2 h 10 min"."""
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def phase(name: str) -> str:
    """A phase of training in words."""
    return _PHASES.get(name, name)


def place(difference: Difference) -> str:
    """Where a difference is: "step 3, gradients: conv1.weight (aten::mm at train.py:31, rank1)"."""
    if difference.kind in ("died", "exit", "length"):
        where = f"step {difference.step}"
    else:
        where = f"step {difference.step}, {phase(difference.phase)}"
    if difference.name:
        where += f": {difference.name}"
    details = [
        " at ".join(part for part in (difference.op, difference.location) if part),
        difference.stream if difference.stream != "main" else "",
    ]
    inside = ", ".join(detail for detail in details if detail)
    return f"{where} ({inside})" if inside else where


def size(difference: Difference) -> str | None:
    """How large a difference is, in words that tell one bit from real drift; None when there is no size to tell."""
    match difference.kind:
        case "order":
            return difference.note or "the same rows in another order"
        case "shape":
            return difference.note or "another shape"
        case "dtype":
            return difference.note or "another data type"
        case "missing":
            return difference.note or "missing in the other run"
        case "extra":
            return difference.note or "only in the other run"
        case "length" | "died" | "exit":
            return difference.note
    figures = _figures(difference)
    if not figures:
        return None
    ulp, relative = difference.ulp, difference.max_rel
    if any(value is not None and not math.isfinite(value) for value in (difference.max_abs, relative)):
        what = "one run has a NaN or an infinity where the other has none"
    elif ulp == 1:
        what = "one bit, the last one: rounding"
    elif ulp is not None and ulp <= ROUNDING_ULP:
        what = "only the last bits: rounding"
    elif ulp is None and relative is not None and difference.phase != "output":  # whole numbers: ids, labels, counts
        what = "other values"
    elif relative is not None and relative < DRIFT:
        what = "small, as when sums are added in another order"
    elif relative is None:
        what = "more than rounding"
    else:
        what = "real drift, far beyond rounding"
    return f"{what} ({figures})"


def _figures(difference: Difference) -> str:
    parts = []
    if difference.max_abs is not None:
        parts.append(f"up to {number(difference.max_abs)} absolute")
    if difference.max_rel is not None:
        parts.append(f"{number(difference.max_rel)} relative")
    if difference.ulp is not None:
        parts.append(f"{number(difference.ulp) if difference.ulp >= 100_000 else difference.ulp} ULP")
    return ", ".join(parts)


def cause(item: Cause) -> str:
    """A cause in one clause: "numpy.random at train.py:22 (proven)"."""
    at = f" at {item.location}" if item.location else ""
    return f"{item.factor}{at} ({'proven' if item.proven else 'not proven'})"


def headline(report: RunReport) -> str:
    """The verdict in three words or fewer."""
    if report.interrupted:
        return "Interrupted"
    match report.verdict:
        case Verdict.IDENTICAL:
            return "Reproducible"
        case Verdict.DIFFERENT:
            return "Not reproducible"
        case Verdict.ERROR:
            return "The command failed"


def one_line(report: RunReport) -> str:
    """The whole result in one line, for --quiet, logs and assertion messages."""
    if report.interrupted:
        said = f"interrupted after {count(len(report.exit_codes), 'run')}"
        return f"{said}; until then: {report.verdict}" if len(report.exit_codes) > 1 else said
    if report.verdict is Verdict.ERROR:
        return f"error: {first_line(report.error) or 'the command failed'}"
    if report.verdict is Verdict.IDENTICAL:
        return f"identical: {compared(report.runs, report.steps)} agree bit for bit"
    where = place(report.first_difference) if report.first_difference else "place unknown"
    if not report.causes:
        return f"different: {where}; cause not found"
    return f"different: {where}; cause: {', '.join(cause(item) for item in report.causes)}"


def compared(runs: int, steps: int, of: str = "") -> str:
    """ "2 runs of train.py (40 steps each)"; runs without training steps are just counted."""
    said = count(runs, "run") + (f" of {of}" if of else "")
    return f"{said} ({count(steps, 'step')} each)" if steps else said


def first_line(text: str | None) -> str:
    """The first line of a text that says something."""
    return next((line.strip() for line in (text or "").splitlines() if line.strip()), "")


def outcome(experiment: Experiment) -> str:
    """An experiment's outcome, with the place where it first differed."""
    if experiment.difference is not None and experiment.outcome == "different":
        return f"different from step {experiment.difference.step} on"
    return experiment.outcome


def listing(items: Sequence[str], limit: int = 12) -> str:
    """ "a, b and c"; cut after `limit` items with the number of those left out."""
    if len(items) > limit:
        return f"{', '.join(items[:limit])} and {len(items) - limit} more"
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def relative(path: str) -> str:
    """A path as seen from here, where that is shorter."""
    try:
        seen = os.path.relpath(path)
    except (ValueError, OSError):
        return path
    return seen if len(seen) < len(path) else path


def sentence(text: str) -> str:
    """A text as a sentence: a capital first (unless a name such as numpy.random begins it), a full stop last."""
    text = text.strip()
    if not text:
        return text
    first = text.split(maxsplit=1)[0]
    if first.rstrip(",:;").isalpha() and first.islower():
        text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?" else text + "."


def what(factor_id: str) -> str | None:
    """What a factor is, in its own words; None for one that this version does not know."""
    from reprotest.factors import factor

    try:
        return factor(factor_id).what
    except KeyError:
        return None


def whether_it_matters(affects_result: bool | None) -> str:
    """What a factor that the program uses does to the result; None: not tried, or tried where runs differ by something else."""
    if affects_result is None:
        return "not known"
    return "changes the result" if affects_result else "does not change the result"
