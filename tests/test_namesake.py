from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import reprotest
from reprotest import namesake

PACKAGE = Path(reprotest.__file__).parent


def _install_debians(folder: Path) -> None:
    """What Debian's reprotest leaves in a site-packages folder, as far as it matters here."""
    package = folder / "reprotest"
    package.mkdir(exist_ok=True)
    for name in ("build.py", "presets.py", "shell_syn.py", "mdiffconf.py"):
        (package / name).write_text("")
    info = folder / "reprotest-0.7.33.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: reprotest\nVersion: 0.7.33\n")


def test_nothing_is_said_where_nothing_is_wrong() -> None:
    assert namesake.problem() is None
    assert namesake.notice() is None


def test_both_in_one_folder_is_an_error_with_the_way_out(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    _install_debians(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    said = namesake.problem(tmp_path / "reprotest")
    assert said is not None
    assert said.startswith("Debian's reprotest 0.7.33 is installed into the same folder")
    assert "pip uninstall reprotest reprotest-ml" in said
    assert namesake.notice(tmp_path / "reprotest") is None


def test_elsewhere_it_is_worth_a_note(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    _install_debians(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    said = namesake.notice()
    assert said is not None
    assert said.startswith("note: Debian's reprotest 0.7.33 is in this environment too")


def test_the_command_line_refuses_to_go_on(tmp_path: Path) -> None:
    package = tmp_path / "reprotest"
    package.symlink_to(PACKAGE, target_is_directory=True)
    shared = tmp_path / "mixed"
    shared.mkdir()
    (shared / "reprotest").mkdir()
    for entry in PACKAGE.iterdir():
        (shared / "reprotest" / entry.name).symlink_to(entry)
    _install_debians(shared)
    done = subprocess.run(
        [sys.executable, "-c", "import sys, reprotest.cli; sys.exit(reprotest.cli.main(['--help']))"],
        env={"PYTHONPATH": str(shared)},
        capture_output=True,
        text=True,
        check=False,
    )
    # Module files are found through their links, so the folder that is judged is the mixed one.
    assert done.returncode == 2
    assert "Debian's reprotest" in done.stderr
    assert done.stdout == ""
