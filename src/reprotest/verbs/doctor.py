"""The verb `doctor`."""

from __future__ import annotations

from pathlib import Path

import click

from reprotest.verbs._shared import outputs, reports


@click.command(
    epilog="""\b
Examples:
  python -m reprotest doctor
  python -m reprotest doctor --fix
  python -m reprotest doctor --sarif doctor.sarif --json known.json
  python -m reprotest doctor --baseline known.json
  python -m reprotest doctor --junit doctor.xml --markdown summary.md"""
)
@click.argument("folder", default=".")
@click.option("--fix", is_flag=True, help="Mend what is safe to mend, then check again.")
@click.option("--undo", is_flag=True, help="Take the last --fix back.")
@click.option("--baseline", metavar="FILE", help="Do not count what this earlier --json document has.")
@click.option("--sarif", metavar="FILE", help="Write the findings as SARIF 2.1.0; - for standard output.")
@reports
@outputs
def doctor(
    folder: str,
    fix: bool,
    undo: bool,
    baseline: str | None,
    sarif: str | None,
    json_: str | None,
    quiet: bool,
    **forms: str | None,
) -> int:
    """Check that a repository has what repeating its results takes.

    Dependencies, seeds and the order in which they are set, deterministic settings, images, README, CI and more, each with the
    place, the reason and the remedy (docs/doctor.md lists them). Only reads: nothing of the project is imported or run. Exits with
    1 when there is an error or a warning. FOLDER is the repository, the present one by default.
    """
    from reprotest.audit import mend, terminal
    from reprotest.audit import sarif as sarif_format
    from reprotest.audit.examine import examine, read_baseline, refuse_unknown
    from reprotest.audit.repository import Repository
    from reprotest.config.doctor import DoctorSettings
    from reprotest.config.project import find
    from reprotest.errors import UsageError
    from reprotest.report.files import check_target
    from reprotest.report.json import write
    from reprotest.report.output import Output

    output = Output(json_, quiet, **forms)
    output.check()
    if sarif is not None:
        check_target("--sarif", sarif)
    if output.piped and sarif == "-":
        raise UsageError("--sarif - and another form cannot both have standard output: name a file for one of them")
    root = Path(folder)
    if not root.is_dir():
        raise UsageError(f"{folder} is no folder: give the root of a repository")
    aside = output.piped or sarif == "-"

    def say(text: str) -> None:
        if not quiet:
            click.echo(text, err=aside)

    if undo:
        if fix:
            raise UsageError("--fix and --undo exclude each other")
        for name in mend.undo(root):
            say(f"{name}: as it was before --fix")
        return 0
    known = read_baseline(Path(baseline)) if baseline is not None else None
    project = find(root)
    own = project.doctor if project is not None else DoctorSettings()
    refuse_unknown(own.ignore, project.file if project is not None else None)
    commands = [experiment.words for experiment in project.experiments] if project is not None else []

    def look() -> Repository:
        return Repository(root, own.exclude, commands)

    repository = look()
    audit = examine(repository, own.ignore, known)
    if fix:
        changed = mend.mend(repository, audit.findings)
        for name, old, new in changed:
            say(f"{name}: {'written' if old is None else 'changed'}")
            say("".join(f"    {line}\n" for line in mend.difference(name, old, new).splitlines()[2:]).rstrip("\n"))
        if changed:
            audit = examine(look(), own.ignore, known)
    output.document(audit.to_json)
    output.forms(audit.to_json(), root)
    if sarif is not None:
        write(sarif_format.document(audit), sarif)
    if not quiet:
        for line in terminal.lines(audit):
            say(line)
    elif not aside:
        click.echo(terminal.summary(audit))
    return 0 if audit.passed else 1
