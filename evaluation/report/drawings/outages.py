"""Plots of outages."""

import numpy as np
from numpy.typing import ArrayLike

from evaluation.quantity import mean
from evaluation.report.drawings import style
from evaluation.report.drawings.axes import ROW, named, ranged, rows, without_left_side, write_axis
from evaluation.report.drawings.style import Drawing
from evaluation.report.evidence import Evidence
from evaluation.report.view import HOURS_PER_YEAR, View

SHORTEST = 0.1  # h a year: less is of no interest


def outages(view: View) -> Drawing:
    """Hours a year without the platform, planned ones apart, against what is wanted."""
    figure, axes = style.new(ROW * len(view.results) + 1.35)
    wanted = HOURS_PER_YEAR * (1 - view.inventory.wanted.availability_percent.value[0] / 100)
    label = view.t("outage.wanted", hours=view.numbers.hours(wanted))
    axes.axvline(wanted, color=style.WANTED, linestyle=(0, (5, 2)), linewidth=1.5, label=label)
    for row, result in rows(axes, view, view.results):
        colour = view.colour(result)
        ranged(axes, row, result.availability.outage_hours, colour, mean)
        planned = mean(result.availability.planned_hours)
        if planned > SHORTEST:
            axes.plot([planned], [row], "D", color=colour, markerfacecolor=style.PAPER)
    axes.set_xscale("log")
    axes.set_xlim(left=SHORTEST)
    write_axis(axes.xaxis, view.numbers.hours)
    axes.set_xlabel(view.t("axis.outage"))
    top = axes.secondary_xaxis("top", functions=(_same, _same))
    top.set_xscale("log")
    top.set_xticks([HOURS_PER_YEAR * missing for missing in (0.0001, 0.001, 0.01)])
    write_axis(top.xaxis, lambda hours: view.numbers.up(1 - hours / HOURS_PER_YEAR))
    axes.plot([], [], "o", color=style.MUTED, label=view.t("outage.unplanned"))
    axes.plot(
        [], [], "D", color=style.MUTED, markerfacecolor=style.PAPER, label=view.t("outage.planned")
    )
    figure.legend(loc="outside upper left", ncols=1)
    return view.drawing(
        "outages",
        style.svg_of(figure),
        wanted=view.numbers.hours(wanted),
        each=view.each(lambda r: view.numbers.hours(mean(r.availability.outage_hours))),
    )


def _same(hours: ArrayLike) -> ArrayLike:
    return hours


def causes(view: View) -> Drawing:
    """Which block of the reliability diagram takes how many hours, today and after."""
    hours = {
        block.name: [0.0, 0.0] for result in view.compared for block in result.availability.blocks
    }
    for side, result in enumerate(view.compared):
        for block in result.availability.blocks:
            hours[block.name][side] = mean(block.outages * block.hours)
    names = sorted(hours, key=lambda name: -max(hours[name]))
    names = [name for name in names if max(hours[name]) >= 0.01]
    figure, axes = style.new(0.42 * len(names) + 0.9)
    without_left_side(axes, len(names))
    widest = max(max(pair) for pair in hours.values())
    for row, name in enumerate(names):
        label = view.block(name)
        named(axes, row - 0.27, label)
        for side, result in enumerate(view.compared):
            value = hours[name][side]
            at = row - 0.12 + 0.28 * side
            axes.barh(at, value, height=0.25, color=view.colour(result))
            axes.text(
                value + 0.01 * widest,
                at,
                view.numbers.hours(value),
                fontsize=7.5,
                color=style.MUTED,
                verticalalignment="center_baseline",
            )
    axes.set_xlim(0, widest * 1.15)
    write_axis(axes.xaxis, view.numbers.rounded)
    axes.set_xlabel(view.t("axis.outage"))
    for result in view.compared:
        axes.bar(0, 0, color=view.colour(result), label=view.title(result))
    figure.legend(loc="outside upper left", ncols=1)
    first = ", ".join(
        f"{view.block(name)}: " + " / ".join(map(view.numbers.hours, hours[name]))
        for name in names[:5]
    )
    return view.drawing("causes", style.svg_of(figure), each=first)


def outage_years(view: View, found: Evidence) -> Drawing:
    """The share of simulated years that have more than so many hours of outage."""
    figure, axes = style.new(3.1)
    tenth = []
    years = 0
    for result in view.compared:
        hours = found.years[result.candidate.name].hours
        years = hours.size
        # A thousand points draw the same curve.
        shares = np.linspace(0, 1, 1001)
        quantiles = np.maximum(np.quantile(hours, shares), SHORTEST)
        colour = view.colour(result)
        axes.plot(quantiles, 100 * (1 - shares), color=colour, label=view.short(result))
        bad = float(np.quantile(hours, 0.9))
        axes.plot([bad], [10], "o", color=colour, markersize=5)
        tenth.append(f"{view.title(result)}: {view.numbers.hours(bad)}")
    axes.set_xscale("log")
    axes.set_ylim(0, 102)
    write_axis(axes.xaxis, view.numbers.hours)
    write_axis(axes.yaxis, lambda share: view.numbers.percent(share / 100))
    axes.set_xlabel(view.t("axis.outage"))
    axes.set_ylabel(view.t("axis.years_share"))
    figure.legend(loc="outside upper left", ncols=1)
    return view.drawing(
        "outage_years",
        style.svg_of(figure),
        years=view.numbers.fixed(years, 0),
        each="; ".join(tenth),
    )
