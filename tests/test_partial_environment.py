"""What a test of an absent package becomes, and that nothing else is skipped."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def test_only_what_a_test_imports_itself_is_skipped(tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    shutil.copy(HERE / "partial_environment.py", tests)
    (tmp_path / "program.py").write_text("import no_such_package\n")
    modules = {
        "skipped_module": "import no_such_package.part\ndef test_unreached(): assert False\n",
        "skipped_function": "def test_it(): import no_such_package\n",
        "skipped_fixture": "import pytest\n@pytest.fixture\ndef absent(): import no_such_package\n"
        "def test_it(absent): pass\n",
        "passes": "def test_it(): pass\n",
        "fails_program": "def test_it(): import program\n",
        "fails_module": "import program\n",
        "fails_ours": "def test_it(): import reprotest.gone\n",
        "fails_assertion": "def test_it(): assert False\n",
    }
    for name, text in modules.items():
        (tests / f"test_{name}.py").write_text(text)
    options = ["-p", "tests.partial_environment", "-p", "no:cacheprovider", "--continue-on-collection-errors", "-rA"]
    command = [sys.executable, "-m", "pytest", *options]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, text=True, capture_output=True)
    said = done.stdout.splitlines()
    for name, outcome in {"fails_program": "FAILED", "fails_module": "ERROR", "fails_ours": "FAILED"}.items():
        assert any(line.startswith(f"{outcome} tests/test_{name}.py") for line in said), done.stdout
    assert "no_such_package is not in this environment" in done.stdout
    assert "3 failed, 1 passed, 3 skipped, 1 error" in done.stdout
