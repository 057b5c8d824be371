"""The sensitivity table as a picture: how far the result moves under each variation, at the first difference and at the end."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprotest.errors import UsageError
from reprotest.report import words
from reprotest.report.sensitivity import words as said
from reprotest.vary.result import DRIFT, Verdict

if TYPE_CHECKING:
    from reprotest.vary.result import Sensitivity, VaryReport

FORMATS = (".svg", ".png", ".pdf")
_SAME, _LEAST, _MOST = 1e-9, 1e-8, 10.0
"""Equal ends are drawn at the first; sizes are drawn between the others, and get an arrow where they are beyond."""
_FIRST, _END, _NONE = "#0072B2", "#D55E00", "#888888"
"""Colours that colour-blind readers tell apart (Okabe and Ito)."""
_LINE, _GREY = "#dddddd", "#555555"
_ROW, _QUIET_ROW = 1.0, 0.6
"""Height of a row for what changes the result, and for what does not."""
_WIDEST = 46
"""Letters of a label; the rest is left out, or the labels would take all the room."""


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

    rows, quiet = report.sensitive_to, report.insensitive_to
    places = [number * _ROW for number in range(len(rows))]
    below = len(rows) * _ROW - (_ROW - _QUIET_ROW) / 2 * bool(rows)
    quiet_places = [below + number * _QUIET_ROW for number in range(len(quiet))]
    bottom = max([*places, *quiet_places], default=0.0) + 0.5
    with mpl.rc_context({"svg.hashsalt": "reprotest", "font.family": "sans-serif", "svg.fonttype": "none"}):
        figure: Any = Figure(figsize=(8.5, 1.5 + 0.42 * (bottom + 0.6)), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        _frame(axes, bottom)
        for place, item in zip(places, rows, strict=True):
            _label(axes, place, item)
            _row(axes, place, item)
        for place, name in zip(quiet_places, quiet, strict=True):
            axes.text(
                -0.02,
                place,
                name,
                transform=axes.get_yaxis_transform(),
                ha="right",
                va="center",
                color=_GREY,
                fontsize=9,
            )
            axes.plot([_SAME], [place], "o", color=_NONE, markersize=4)
        axes.set_title(_title(report), loc="left", fontsize=11, pad=16)
        for colour, text in ((_FIRST, "where it differs first"), (_END, "at the end"), (_NONE, "the same bits")):
            axes.plot([], [], "o", color=colour, label=text)
        figure.legend(loc="outside lower right", fontsize=8, frameon=False, ncols=3)
        kind = Path(target).suffix.lower()[1:]
        metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}[kind]
        figure.savefig(target, format=kind, metadata=metadata, dpi=150)


def _frame(axes: Any, bottom: float) -> None:
    """The scale, and what the sizes on it mean."""
    axes.set_yticks([])
    axes.set_ylim(bottom, -0.6)
    axes.set_xscale("log")
    axes.set_xlim(_SAME / 2, 2 * _MOST)
    ticks = [_LEAST * 10**n for n in range(0, 10, 2)]
    axes.set_xticks([_SAME, *ticks], ["0", *(f"$10^{{{n}}}$" for n in range(-8, 1, 2))])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("relative difference")
    for tick in ticks:
        axes.axvline(tick, color=_LINE, linewidth=0.8, zorder=0)
    axes.axvline(DRIFT, color=_GREY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
    for side, text, shift in (("right", "drifts", -4), ("left", "elsewhere", 4)):
        axes.annotate(
            text, (DRIFT, 1), (shift, 2), xycoords=("data", "axes fraction"), textcoords="offset points",
            ha=side, va="bottom", fontsize=8, color=_GREY,
        )  # fmt: skip
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _title(report: VaryReport) -> str:
    count = len({item.factor for item in report.sensitive_to})
    varied = words.count(count + len(report.insensitive_to), "factor")
    found = f"sensitive to {count} of {varied}" if count else f"insensitive to {varied}"
    unstable = "unstable, " if report.verdict is Verdict.UNSTABLE else ""
    return f"{words.program(report.command)}: {unstable}{found}" + ("" if report.complete else ", so far")


def _label(axes: Any, place: float, item: Sensitivity) -> None:
    """The factor, and below it from what to what."""
    to = item.to + "".join(f", with {other.factor}: {other.to}" for other in item.beside)
    change = f"{item.start} → {to}" if len(item.start) + len(to) + 3 <= _WIDEST else f"→ {to}"
    change = change if len(change) <= _WIDEST else change[: _WIDEST - 1] + "…"
    across = axes.get_yaxis_transform()
    axes.text(
        -0.02, place - 0.04, item.factor, transform=across, ha="right", va="bottom", fontsize=9, fontweight="bold"
    )
    axes.text(-0.02, place + 0.04, change, transform=across, ha="right", va="top", fontsize=8, color=_GREY)


def _row(axes: Any, place: float, item: Sensitivity) -> None:
    first = item.first_difference.max_rel if item.first_difference is not None else None
    end = item.final.distance if item.final.distance is not None else item.final.max_rel
    sizes = [_drawn(size) for size in (first, end) if size is not None]
    if len(sizes) == 2:
        axes.plot(sizes, [place, place], "-", color="#bbbbbb", zorder=1)
    same = len(sizes) == 2 and sizes[0] == sizes[1]
    for size, colour in ((first, _FIRST), (end, _END)):
        if size is not None:
            # What is the same at both ends is seen as a ring round a point.
            wide, hollow = (11, "none") if same and colour == _FIRST else (7, colour)
            shade = colour if size else _NONE
            marker = ">" if size > _MOST else "o"
            fill = hollow if hollow == "none" else shade
            axes.plot([_drawn(size)], [place], marker, color=shade, markerfacecolor=fill, markersize=wide, zorder=2)
    if not sizes:
        where = said.place(item.first_difference)
        where = where if len(where) <= 60 else where[:59] + "…"
        axes.text(_LEAST, place, where, va="center", fontsize=8, color=_GREY, backgroundcolor="white")


def _drawn(size: float) -> float:
    return min(max(size, _LEAST), _MOST) if size else _SAME
