"""What several plots have in common."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from evaluation.output import median
from evaluation.quantity import FloatArray
from evaluation.report.drawings import style
from evaluation.report.numbers import band
from evaluation.report.view import View
from evaluation.results import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW = 0.36  # inches of a candidate's row
DECADES = 1e-3, 1e5  # what a logarithmic axis can show
Typical = Callable[[FloatArray], float]


def write_axis(axis: "Axes", which: str, write: Callable[[float], str]) -> None:
    """Write the numbers of an axis as the language does."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    chosen = axis.xaxis if which == "x" else axis.yaxis
    chosen.set_major_formatter(FuncFormatter(lambda value, _: write(value)))
    chosen.set_minor_formatter(NullFormatter())


def rows(axes: "Axes", view: View, results: Sequence[Result]) -> Iterator[tuple[int, Result]]:
    """A row for each candidate, best on top, its name above what is drawn in it."""
    axes.set_ylim(len(results) - 0.4, -0.75)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", visible=False)
    for row, result in enumerate(results):
        marked = result in view.compared
        colour = view.colour(result) if marked else style.MUTED
        label = view.title(result)
        role = view.role(result)
        axes.text(
            0,
            row - 0.28,
            f"{label} ({role})" if role else label,
            transform=axes.get_yaxis_transform(),
            color=colour,
            fontsize=8.5,
            fontweight="bold" if marked else "normal",
            verticalalignment="bottom",
        )
        yield row, result


def ranged(
    axes: "Axes", row: float, draws: FloatArray, colour: str, typical: Typical = median
) -> None:
    """What is typical of a candidate's draws as a dot, nine tenths of them as a line."""
    low, high = np.clip(band(draws), *DECADES)
    axes.plot([low, high], [row, row], color=colour, linewidth=3, alpha=0.45, solid_capstyle="butt")
    axes.plot([np.clip(typical(draws), *DECADES)], [row], "o", color=colour, markersize=6)
