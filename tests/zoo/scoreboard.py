"""The scoreboard of the zoo: every case run once by the verb that shows it (`run`, `vary`, `resume`, `compare`), and how much of it was told rightly.

    python -m tests.zoo [--only TEXT] [--markdown] [--json FILE] [--keep FOLDER] [--zoo FOLDER] [-j N]

Exit code 1 when a target is missed: every verdict right, no false alarm, and in nine of ten cases that differ every cause
proven, with its line, and no wrong one beside it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.table import Table
from tests.zoo.cases import STEADY, ZOO, Case, Outcome, all_cases, run_case

EXPLAINED_TARGET = 0.9
COLUMNS = ("case", "verdict", "cause", "proven", "line", "wrong extra", "seconds", "said")


def mark(value: bool | None) -> str:
    return {True: "yes", False: "NO", None: "-"}[value]


def row(outcome: Outcome) -> tuple[str, ...]:
    """One line of the table, as text."""
    verdict = outcome.verdict if outcome.verdict_right else f"{outcome.verdict} (NO: {outcome.expected})"
    said = ", ".join(outcome.said) or (outcome.error or "").splitlines()[-1:] or "-"
    return (
        outcome.case,
        verdict,
        mark(outcome.cause),
        mark(outcome.proven),
        mark(outcome.line),
        ", ".join(outcome.wrong_causes) or "-",
        f"{outcome.seconds:.1f}",
        said if isinstance(said, str) else said[0],
    )


def summary(outcomes: Sequence[Outcome]) -> tuple[list[str], bool]:
    """The totals as sentences, and whether every target is met."""
    different = [o for o in outcomes if o.expected not in STEADY]
    identical = [o for o in outcomes if o.expected in STEADY]
    explained = sum(o.explained for o in different)
    verdicts = sum(o.verdict_right for o in outcomes)
    alarms = sum(o.false_alarm for o in identical)
    lines = [
        f"verdicts right: {verdicts} of {len(outcomes)} (target: all)",
        f"false alarms: {alarms} in {len(identical)} cases that repeat (target: none)",
        f"cause proven, line right, no wrong extra: {explained} of {len(different)} (target: {EXPLAINED_TARGET:.0%})",
        f"seconds: {sum(o.seconds for o in outcomes):.0f}",
    ]
    met = verdicts == len(outcomes) and alarms == 0 and explained >= EXPLAINED_TARGET * len(different)
    return lines, met


def markdown(outcomes: Sequence[Outcome]) -> str:
    """Totals and table in Markdown, without what the report said."""
    lines = ["| " + " | ".join(COLUMNS[:-1]) + " |", "| --- " * (len(COLUMNS) - 1) + "|"]
    lines += ["| " + " | ".join(row(outcome)[:-1]) + " |" for outcome in outcomes]
    return "\n".join([*(f"- {line}" for line in summary(outcomes)[0]), "", *lines])


def print_table(outcomes: Sequence[Outcome], console: Console) -> None:
    table = Table(*COLUMNS, title="The zoo")
    for outcome in outcomes:
        table.add_row(*row(outcome), style=None if outcome.right else "bold red")
    console.print(table)
    for line in summary(outcomes)[0]:
        console.print(line)


def run_all(cases: Sequence[Case], jobs: int, keep: Path | None, console: Console) -> list[Outcome]:
    """Run the cases, saying each as it ends. One at a time by default: some are races, which neighbours disturb."""

    def one(case: Case) -> Outcome:
        outcome = run_case(case, keep)
        console.print(
            f"{'right' if outcome.right else 'MISS ':5} {outcome.seconds:6.1f} s  {case.name}", highlight=False
        )
        return outcome

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        return list(pool.map(one, cases))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.zoo", description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="TEXT", action="append", help="cases whose name contains TEXT (repeatable)")
    parser.add_argument("--markdown", action="store_true", help="print the table in Markdown")
    parser.add_argument("--json", metavar="FILE", help="write the outcomes to FILE ('-': standard output, no table)")
    parser.add_argument("--keep", metavar="FOLDER", type=Path, help="keep each case's working folder and report there")
    parser.add_argument(
        "--zoo", metavar="FOLDER", type=Path, default=ZOO, help="another folder of cases in the same form"
    )
    parser.add_argument("-j", "--jobs", metavar="N", type=int, default=1, help="cases run side by side (default 1)")
    options = parser.parse_args(arguments)

    cases = [
        case for case in all_cases(options.zoo) if not options.only or any(text in case.name for text in options.only)
    ]
    if not cases:
        parser.error(f"no case has {' or '.join(options.only)} in its name; the cases are the folders of tests/zoo")
    progress = Console(stderr=True)
    for case in cases:
        if not case.can_show:
            progress.print(f"skip             {case.name}: no GPU here", highlight=False)
    outcomes = run_all([case for case in cases if case.can_show], options.jobs, options.keep, progress)

    document = json.dumps([outcome.to_json() for outcome in outcomes], indent=2)
    if options.json == "-":
        print(document)
    else:
        if options.json:
            Path(options.json).write_text(document + "\n")
        if options.markdown:
            print(markdown(outcomes))
        else:
            print_table(outcomes, Console(width=None if sys.stdout.isatty() else 160))
    return 0 if summary(outcomes)[1] else 1
