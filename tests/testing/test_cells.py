"""A notebook's cells as plain Python. IPython's own transformation is used, without a kernel."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from reprotest.testing.cells import cells_of, plain


@pytest.fixture(scope="module")
def transform() -> Any:
    from IPython.core.inputtransformer2 import TransformerManager

    return TransformerManager().transform_cell


def test_plain_cells_stay_as_they_are(transform: Any) -> None:
    assert plain(1, "x = 1\n\nx\n", transform).source == "x = 1\n\nx\n"


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ("%matplotlib inline\nx = 1", 2),
        ("!pip list\nx = 1", 2),
        ("files = !ls\n\nx = 1", 3),
        ("len?\nx = 1", 2),
        ("%%time\n\nx = 1", 3),
        ("%%reproducible --runs 3\nx = 1", 2),
        ("\n\nx = 1", 3),
    ],
)
def test_lines_keep_their_numbers(raw: str, line: int, transform: Any) -> None:
    cell = plain(4, raw, transform)
    (statement,) = ast.parse(cell.source).body
    assert (ast.unparse(statement), statement.lineno) == ("x = 1", line)


def test_what_is_left_out_is_said(transform: Any) -> None:
    assert plain(3, "%matplotlib inline\nx = 1", transform).left_out == (
        "'%matplotlib inline' of In[3] is for the notebook alone and is left out of the repetition",
    )
    whole = plain(3, "%%bash\nls", transform)
    assert (whole.source, len(whole.left_out)) == ("", 1)
    assert plain(1, "%load_ext reprotest", transform).left_out == ()


def test_what_is_no_python_is_left_for_python_to_refuse(transform: Any) -> None:
    assert plain(1, "x = = 1", transform).source.strip() == "x = = 1"


def test_order_of_execution_without_what_failed(transform: Any) -> None:
    class History:
        input_hist_raw = ("", "a = 1", "broken", "", "a = 2", "%%reproducible\na")

    class Shell:
        history_manager = History()
        transform_cell = staticmethod(transform)

    cells = cells_of(Shell(), "a\n", failed={2})
    assert [(cell.number, cell.source.strip()) for cell in cells] == [(1, "a = 1"), (4, "a = 2"), (5, "a")]
    assert cells[-1].source == "\na\n"
