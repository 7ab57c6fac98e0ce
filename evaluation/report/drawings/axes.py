"""What several plots have in common."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.quantity import FloatArray, median
from evaluation.report.drawings import style
from evaluation.report.numbers import band
from evaluation.report.view import View
from evaluation.results import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

ROW = 0.36  # inches of a candidate's row
DECADES = 1e-3, 1e5  # what a logarithmic axis can show
Typical = Callable[[FloatArray], float]


def write_axis(axis: "Axis", write: Callable[[float], str]) -> None:
    """Write the numbers of an axis as the language does."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))
    axis.set_minor_formatter(NullFormatter())


def rows(axes: "Axes", view: View, results: Sequence[Result]) -> Iterator[tuple[int, Result]]:
    """A row for each candidate, best on top, its name above what is drawn in it."""
    without_left_side(axes, len(results))
    for row, result in enumerate(results):
        marked = result in view.compared
        colour = view.colour(result) if marked else style.INK if result.feasible else style.MUTED
        label = view.title(result)
        role = view.role(result) if marked else ""
        named(
            axes,
            row - 0.24,
            f"{label} ({role})" if role else label,
            color=colour,
            fontweight="bold" if marked else "normal",
        )
        yield row, result


def without_left_side(axes: "Axes", rows: int) -> None:
    """Make room for so many rows below each other, with their names above them."""
    axes.set_ylim(rows - 0.4, -0.85)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", visible=False)


def named(axes: "Axes", at: float, words: str, **look: Any) -> None:
    """Words at the left edge, readable over what is drawn behind them."""
    box = {"facecolor": style.PAPER, "edgecolor": "none", "alpha": 0.8, "pad": 0.8}
    text = axes.text(
        0,
        at,
        words,
        transform=axes.get_yaxis_transform(),
        fontsize=8.5,
        verticalalignment="bottom",
        bbox=box,
        **look,
    )
    text.set_in_layout(False)  # long words do not make the plot narrow


def ranged(
    axes: "Axes", row: float, draws: FloatArray, colour: str, typical: Typical = median
) -> None:
    """What is typical of a candidate's draws as a dot, nine tenths of them as a line."""
    low, high = np.clip(band(draws), *DECADES)
    axes.plot([low, high], [row, row], color=colour, linewidth=3, alpha=0.45, solid_capstyle="butt")
    axes.plot([np.clip(typical(draws), *DECADES)], [row], "o", color=colour, markersize=6)
