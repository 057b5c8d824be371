"""The words of a sensitivity table. All its presenters use these."""

from __future__ import annotations

from reprotest.report import words
from reprotest.result import Difference
from reprotest.vary.result import Course, Final, Sensitivity, VaryReport, Verdict

_KINDS = {
    "order": "another order",
    "length": "another number of steps",
    "shape": "another shape",
    "dtype": "another type",
    "extra": "something more",
    "missing": "something less",
}
COLUMNS = ("factor", "change", "differs first", "by", "at the end")


def headline(report: VaryReport) -> str:
    """The verdict in a few words."""
    if report.interrupted:
        return "Interrupted"
    match report.verdict:
        case Verdict.INSENSITIVE:
            return "Insensitive" if report.complete else "Insensitive so far"
        case Verdict.SENSITIVE:
            return "Sensitive" if report.complete else "Sensitive, as far as was tried"
        case Verdict.UNSTABLE:
            return "Unstable"
        case Verdict.ERROR:
            return "The command failed"


def sentence(report: VaryReport) -> str:
    """The whole result in a sentence or two."""
    name = words.program(report.command)
    if report.verdict is Verdict.ERROR:
        return f"{name}: {words.first_line(report.error) or 'it did not run through'}."
    tried = len(report.insensitive_to) + len({item.factor for item in report.sensitive_to})
    if report.verdict is Verdict.UNSTABLE:
        said = f"{name} differs when it is merely repeated"
        if report.first_difference is not None:
            said += f", first at {words.place(report.first_difference)}"
        return f"{said}. Find out why with `python -m reprotest run`, mend it, then vary it again."
    factors = words.count(tried, "factor")
    if report.verdict is Verdict.INSENSITIVE:
        return f"{name} gives the same bits whatever was changed: {factors}, {words.count(len(report.trials), 'run')}."
    names = words.listing(list(dict.fromkeys(map(_together, report.sensitive_to))), 30)
    return f"{name} gives the same bits whenever it is repeated here, but they depend on {names} ({factors} varied)."


def _together(item: Sensitivity) -> str:
    """A factor, or several that change the result only together, in the same words whichever of them it is told of."""
    return " together with ".join(sorted({item.factor, *(other.factor for other in item.beside)}))


def one_line(report: VaryReport) -> str:
    """For --quiet and logs."""
    said = f"{report.verdict}: "
    if report.verdict is Verdict.ERROR:
        return said + (words.first_line(report.error) or "the command failed")
    if report.verdict is Verdict.UNSTABLE:
        where = f" at {words.place(report.first_difference)}" if report.first_difference else ""
        said += f"it differs when it is merely repeated{where}"
    elif report.sensitive_to:
        said += ", ".join(f"{item.factor} ({item.start} → {item.to})" for item in report.sensitive_to)
    else:
        said += f"{words.count(len(report.insensitive_to), 'factor')} varied without effect"
    return said if report.complete else f"{said}; not finished: the same call goes on"


def row(item: Sensitivity) -> tuple[str, ...]:
    """One line of the table, as text, in the order of COLUMNS."""
    to = item.to + "".join(f", with {other.factor}: {other.to}" for other in item.beside)
    where, size = place(item.first_difference), by(item.first_difference)
    return item.factor, f"{item.start} → {to}", where, size, end(item.final)


def place(difference: Difference | None) -> str:
    """Where two runs differ first."""
    if difference is None:
        return "not seen again"
    if difference.kind in ("died", "exit"):
        return difference.note or "the program fails"
    return words.place(difference)


def by(difference: Difference | None) -> str:
    """How large the first difference is, in short."""
    if difference is None or difference.kind in ("died", "exit"):
        return "-"
    if difference.kind != "value":
        return _KINDS.get(difference.kind, difference.kind)
    return _size(difference.ulp, difference.max_rel)


def end(final: Final) -> str:
    """How far apart the runs end, in short."""
    match final.course:
        case None:
            return "-"
        case Course.SAME:
            return "the same bits"
        case Course.DRIFT:
            said = "drifts"
        case Course.ELSEWHERE:
            said = "elsewhere"
    apart = f"{words.number(final.distance)} apart" if final.distance is not None else _size(final.ulp, final.max_rel)
    return f"{said}: {apart}"


def _size(ulp: int | None, relative: float | None) -> str:
    parts = [f"{words.number(ulp) if ulp >= 100_000 else ulp} ULP"] if ulp is not None else []
    parts += [f"{words.number(relative)} relative"] if relative is not None else []
    return ", ".join(parts) or "other values"
