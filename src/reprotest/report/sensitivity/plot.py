"""The sensitivity table as a picture: how far the result moves under each variation, at the first difference and at the end."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprotest.errors import UsageError
from reprotest.report.sensitivity import words as said

if TYPE_CHECKING:
    from reprotest.vary.result import Sensitivity, VaryReport

FORMATS = (".svg", ".png", ".pdf")
_LEAST = 1e-8
"""Relative sizes below this are drawn here, at the edge."""
_FIRST, _END, _NONE = "#0072B2", "#D55E00", "#999999"
"""Colours that colour-blind readers tell apart (Okabe and Ito)."""


def check(target: str) -> None:
    """Can it be drawn? Raises UsageError."""
    path = Path(target).absolute()
    if not path.parent.is_dir():
        raise UsageError(f"--plot {target}: there is no folder {path.parent}: make it first")
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"--plot {target}: expected a file name that ends with {', '.join(FORMATS)}")
    if importlib.util.find_spec("matplotlib") is None:
        raise UsageError("--plot needs matplotlib: pip install matplotlib, or leave it out and use --markdown")


def draw(report: VaryReport, target: str) -> None:
    """Write the picture; the report must be presentable. The same report gives the same bytes of SVG."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = report.sensitive_to
    with mpl.rc_context({"svg.hashsalt": "reprotest", "font.family": "sans-serif", "svg.fonttype": "none"}):
        quiet = report.insensitive_to
        height = 1.6 + 0.42 * (len(rows) + len(quiet))
        figure: Any = Figure(figsize=(8.5, height), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        labels = [_label(item) for item in rows] + list(quiet)
        for place, item in enumerate(rows):
            _row(axes, place, item)
        for place in range(len(rows), len(labels)):
            axes.plot([_LEAST], [place], "o", color=_NONE, markersize=4)
        axes.set_yticks(range(len(labels)), labels)
        axes.set_ylim(len(labels) - 0.4, -0.6)
        axes.set_xscale("log")
        axes.set_xlim(_LEAST / 2, 10)
        axes.set_xlabel("relative difference (log scale)")
        axes.grid(axis="x", color="#dddddd")
        axes.set_axisbelow(True)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.set_title(f"{said.headline(report)}: {said.one_line(report).partition(':')[0]}", loc="left", fontsize=10)
        for colour, text in ((_FIRST, "where it differs first"), (_END, "at the end"), (_NONE, "the same bits")):
            axes.plot([], [], "o", color=colour, label=text)
        axes.legend(loc="lower right", fontsize=8, frameon=False, ncols=3, bbox_to_anchor=(1, 1))
        kind = Path(target).suffix.lower()[1:]
        metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}[kind]
        figure.savefig(target, format=kind, metadata=metadata, dpi=150)


def _label(item: Sensitivity) -> str:
    to = item.to + "".join(f" + {other.factor} {other.to}" for other in item.beside)
    return f"{item.factor}\n{item.start} → {to}" if len(to) < 40 else f"{item.factor}\n→ {to}"


def _row(axes: Any, place: int, item: Sensitivity) -> None:
    first = item.first_difference.max_rel if item.first_difference is not None else None
    end = item.final.distance if item.final.distance is not None else item.final.max_rel
    sizes = [max(size, _LEAST) for size in (first, end) if size is not None]
    if len(sizes) == 2:
        axes.plot(sizes, [place, place], "-", color="#bbbbbb", zorder=1)
    for size, colour in ((first, _FIRST), (end, _END)):
        if size is not None:
            axes.plot([max(size, _LEAST)], [place], "o", color=colour if size else _NONE, markersize=7, zorder=2)
    if not sizes:
        axes.text(_LEAST, place, said.place(item.first_difference)[:60], va="center", fontsize=8)
