"""Plots of load and capacity."""

from typing import TYPE_CHECKING

import numpy as np

from evaluation.quantity import FloatArray, median
from evaluation.report.drawings import style
from evaluation.report.drawings.axes import DECADES, ROW, ranged, rows, write_axis
from evaluation.report.drawings.style import Drawing
from evaluation.report.evidence import Evidence
from evaluation.report.numbers import band
from evaluation.report.view import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEWEST = 40  # requests of a quarter of an hour, of which a p95 can be told


def capacities(view: View) -> Drawing:
    """Requests a second that each candidate carries, against both peaks."""
    from matplotlib.ticker import LogLocator

    figure, axes = style.new(ROW * len(view.results) + 1.1)
    peaks = (
        ("usual", view.today.capacity.demand_rps, style.USUAL),
        ("start", view.today.capacity.demand_start_rps, style.BUSY),
    )
    for name, demand, colour in peaks:
        axes.axvspan(*band(demand), color=colour, alpha=0.2, linewidth=0)
        axes.axvline(median(demand), color=colour, linewidth=1.5, label=view.t(f"peak.{name}"))
    for row, result in rows(axes, view, view.results):
        colour = view.colour(result)
        ranged(axes, row, result.capacity.rps, colour)
        lost = np.clip(median(result.capacity.rps_one_lost), *DECADES)
        if median(result.capacity.rps_one_lost) > 0:
            axes.plot([lost], [row], "|", color=colour, markersize=11, markeredgewidth=2)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    write_axis(axes.xaxis, view.numbers.rounded)
    axes.set_xlabel(view.t("axis.rps"))
    figure.legend(loc="outside upper left", ncols=2)
    first, second = (median(demand) for _, demand, _ in peaks)
    return view.drawing(
        "capacities",
        style.svg_of(figure),
        usual=view.numbers.rounded(first),
        start=view.numbers.rounded(second),
        each=view.each(lambda r: view.numbers.rounded(median(r.capacity.rps))),
    )


def load_day(view: View, found: Evidence) -> Drawing:
    """Requests a second by hour, on an ordinary day and at semester start."""
    figure, axes = style.new(3.3)
    hours = np.arange(25)
    usual, start = (
        _middle(day * found.profile.peak_factor)
        for day in (found.profile.day, found.profile.start_day)
    )
    for name, day, colour in (("start", start, style.BUSY), ("usual", usual, style.USUAL)):
        ends = np.append(day, day[-1])
        axes.fill_between(hours, ends, step="post", color=colour, alpha=0.35, linewidth=0)
        axes.step(hours, ends, where="post", color=colour, label=view.t(f"profile.{name}"))
    _carried(axes, view, float(np.max(start)))
    axes.set_xlim(0, 24)
    axes.set_xticks(range(0, 25, 3))
    axes.set_xlabel(view.t("axis.hour"))
    axes.set_ylabel(view.t("axis.rps"))
    write_axis(axes.yaxis, view.numbers.rounded)
    figure.legend(loc="outside upper left", ncols=2)
    return view.drawing(
        "load_day",
        style.svg_of(figure),
        usual=view.numbers.rounded(float(np.max(usual))),
        start=view.numbers.rounded(float(np.max(start))),
        candidate=view.title(view.target),
        today=view.numbers.rounded(median(view.today.capacity.rps)),
        target=view.numbers.rounded(median(view.target.capacity.rps)),
    )


def load_year(view: View, found: Evidence) -> Drawing:
    """Requests a second in the busiest hour of each week."""
    figure, axes = style.new(3.3)
    busiest = _middle(found.profile.weeks)
    weeks = np.arange(1, busiest.size + 1)
    axes.bar(weeks, busiest, width=0.85, color=style.USUAL, label=view.t("profile.busiest"))
    _carried(axes, view, float(np.max(busiest)))
    axes.set_xlim(0.2, busiest.size + 0.8)
    axes.grid(axis="x", visible=False)
    axes.set_xlabel(view.t("axis.week"))
    axes.set_ylabel(view.t("axis.rps"))
    write_axis(axes.yaxis, view.numbers.rounded)
    figure.legend(loc="outside upper left", ncols=1)
    return view.drawing(
        "load_year",
        style.svg_of(figure),
        start=view.numbers.rounded(float(np.max(busiest))),
        quiet=view.numbers.rounded(float(np.min(busiest))),
    )


def _middle(draws: FloatArray) -> FloatArray:
    """The median of each row."""
    return np.asarray(np.median(draws, axis=1))


def _carried(axes: "Axes", view: View, highest: float) -> None:
    """Lines of what today and the target carry; one far above the load would flatten it."""
    top = 1.15 * highest
    for result in view.compared:
        carried = median(result.capacity.rps)
        label = view.t("profile.carries", candidate=view.short(result))
        if carried > 2.5 * highest:
            label = f"{label} {view.numbers.rounded(carried)} ↑"
        else:
            top = max(top, 1.1 * carried)
        axes.axhline(carried, color=view.colour(result), linestyle=(0, (5, 2)), label=label)
    axes.set_ylim(0, top)


def semester_start(view: View, found: Evidence) -> Drawing:
    """The p95 of each quarter of an hour of a simulated day."""
    figure, axes = style.new(3.3)
    wanted = median(view.inventory.wanted.p95_ms.value)
    hours = np.arange(96) / 4 + 0.125
    worst = []
    for result, width in zip(view.compared, (3.2, 1.4), strict=True):  # both are seen where equal
        day = found.days[result.candidate.name]
        came = day.requests * day.offered_rps / np.sum(day.offered_rps)
        p95 = np.where(came >= FEWEST, day.p95_ms, np.nan)
        label = view.short(result)
        if (gone := float(np.sum(day.lost * came) / np.sum(came))) > 0.005:
            label = view.t("give_up", candidate=label, share=view.numbers.percent(gone))
        axes.plot(hours, p95, color=view.colour(result), linewidth=width, label=label)
        highest = float(np.nanmax(day.p95_ms))
        worst.append(f"{view.title(result)}: {view.numbers.milliseconds(highest)}")
    label = view.t("response_wanted", wanted=view.numbers.milliseconds(wanted))
    axes.axhline(wanted, color=style.WANTED, linestyle=(0, (5, 2)), linewidth=1.5, label=label)
    axes.set_yscale("log")
    axes.set_xlim(0, 24)
    axes.set_xticks(range(0, 25, 3))
    axes.set_xlabel(view.t("axis.hour"))
    axes.set_ylabel(view.t("axis.p95"))
    write_axis(axes.yaxis, view.numbers.milliseconds)
    figure.legend(loc="outside upper left", ncols=1)
    return view.drawing(
        "semester_start",
        style.svg_of(figure),
        each="; ".join(worst),
        wanted=view.numbers.milliseconds(wanted),
        requests=view.numbers.fixed(day.requests, 0),
    )
