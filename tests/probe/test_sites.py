"""Which line of the user's code is named."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

import pytest

import reprotest
from reprotest.probe.sites import Sites


def run(tmp_path: Path, source: str, **names: object) -> dict[str, object]:
    """Execute source as a user's file; `frame()` in it hands the current frame to `seen`."""
    path = tmp_path / "train.py"
    path.write_text(source)
    seen: list[FrameType] = []
    scope: dict[str, object] = {"__name__": "__main__", "frame": lambda: seen.append(sys._getframe(1)), **names}
    exec(compile(source, str(path), "exec"), scope)
    scope["seen"] = seen
    return scope


def test_a_user_line_is_shown_relative_to_the_start(tmp_path: Path) -> None:
    sites = Sites(str(tmp_path))
    found: list[str | None] = []
    run(tmp_path, "def f():\n    here()\n\nf()\n", here=lambda: found.append(sites.here(sys._getframe(1))))
    assert found == ["train.py:2"]


def test_libraries_are_passed_over(tmp_path: Path) -> None:
    sites = Sites(str(tmp_path))
    found: list[str | None] = []

    def here(*_: object) -> int:
        found.append(sites.here(sys._getframe(0)))
        return 0

    run(
        tmp_path,
        "import functools\nfunctools.reduce(\n    here, [1, 2])\nimport heapq\nheapq.nsmallest(1, [3, 1], key=here)\n",
        here=here,
    )
    # `here` itself lies in this test file, outside of the start folder, and is user code of its own.
    assert all(site is not None and "test_sites.py" in site for site in found)


def test_the_standard_library_and_installed_packages_are_not_the_users() -> None:
    import json

    import numpy

    sites = Sites("/nowhere")
    assert sites.shown(json.dumps.__code__) is None
    assert sites.shown(numpy.linalg.norm.__wrapped__.__code__) is None
    assert sites.shown(test_libraries_are_passed_over.__code__) == __file__


def test_a_module_constructor_is_named_by_the_line_that_builds_the_model(tmp_path: Path) -> None:
    import torch

    sites = Sites(str(tmp_path))
    found: list[str | None] = []
    real = torch.nn.Linear.reset_parameters

    def reset(self: torch.nn.Linear) -> None:
        frame = sys._getframe(1)  # torch's own constructor
        found.append(sites.here(frame))
        real(self)

    source = (
        "class Block(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(2, 2)\n\n"
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.block = Block()\n\n"
        "def main():\n    model = Net()\n    head = nn.Linear(2, 1)\n\nmain()\n"
    )
    torch.nn.Linear.reset_parameters = reset  # type: ignore[method-assign]
    try:
        run(tmp_path, source, nn=torch.nn)
    finally:
        torch.nn.Linear.reset_parameters = real  # type: ignore[method-assign]
    assert found == ["train.py:12", "train.py:13"]


def test_programs_of_an_environment_behind_a_link_are_no_user_code(tmp_path: Path) -> None:
    link = tmp_path / "venv"
    link.symlink_to(sys.prefix)
    sites = Sites(str(tmp_path))
    assert sites.shown(compile("", str(link / "bin" / "torchrun"), "exec")) is None
    assert sites.shown(compile("", str(tmp_path / "train.py"), "exec")) == "train.py"


def test_what_torch_compile_has_written_is_no_user_code(tmp_path: Path) -> None:
    name = "ch5ly77ps6g74gf5iopwsm5cw4rgrtehlhunki57u7lg5nghecag.py"
    sites = Sites(str(tmp_path))
    assert sites.of_file(f"/tmp/torchinductor_me/h5/{name}") is None
    assert sites.of_file(str(tmp_path / "cache" / "h5" / name)) is None
    assert sites.of_file(str(tmp_path / "h6" / name)) == f"h6/{name}"
    assert sites.of_file(str(tmp_path / "h5" / "train.py")) == "h5/train.py"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_cell_of_a_notebook_is_named_by_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    monkeypatch.chdir(tmp_path)
    cells = ["import random\nimport reprotest", "# a seed is missing\nreprotest.observe('x', random.random())"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, tmp_path / "train.ipynb")
    code = "import nbclient, nbformat; nbclient.NotebookClient(nbformat.read('train.ipynb', 4), kernel_name='python3').execute()"
    (tmp_path / "execute.py").write_text(code)
    report = reprotest.run("execute.py")
    assert [(c.factor, c.proven, c.location) for c in report.causes] == [("python.random", True, "In[2]:2")]


def test_a_clock_is_held_in_a_text_that_the_user_executes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "settings.py").write_text("import time\nseed = hash(time.time())\n")
    (tmp_path / "train.py").write_text(
        'import reprotest\nexec(open("settings.py").read())\nreprotest.observe("seed", seed)\n'
    )
    report = reprotest.run("train.py")
    assert [(c.factor, c.proven, c.location) for c in report.causes] == [("clock", True, "train.py:2")]
