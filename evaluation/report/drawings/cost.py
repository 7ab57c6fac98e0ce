"""Plots of cost, and of what the verdict hangs on."""

from typing import Any

import numpy as np

from evaluation import cost
from evaluation.load import outage_per_hour
from evaluation.quantity import mean, median
from evaluation.report.drawings import style
from evaluation.report.drawings.axes import ROW, named, rows, without_left_side, write_axis
from evaluation.report.drawings.style import Drawing
from evaluation.report.numbers import band
from evaluation.report.view import View

# How the part of a bar is drawn that is paid once.
ONCE: dict[str, Any] = {"color": style.PAPER, "edgecolor": style.MUTED, "hatch": "////"}


def cost_years(view: View) -> Drawing:
    """Money spent until the end of each year, and when moving has paid for itself."""
    figure, axes = style.new(3.1)
    years = np.arange(6)
    for result in view.compared:
        colour = view.colour(result)
        low, high = np.quantile(result.cost.cumulative, [0.05, 0.95], axis=0)
        axes.fill_between(years, low, high, color=colour, alpha=0.18, linewidth=0)
        axes.plot(
            years, result.cost.cumulative.mean(axis=0), color=colour, label=view.title(result)
        )
    year = break_even(view)
    if 0 < year < np.inf:
        spent = np.interp(year, years, view.today.cost.cumulative.mean(axis=0))
        axes.plot([year], [spent], "o", color=style.INK, markerfacecolor=style.PAPER, markersize=8)
        axes.annotate(
            view.t("even.mark", year=view.numbers.rounded(year, 2)),
            (year, spent),
            xytext=(0, 14),
            textcoords="offset points",
            horizontalalignment="center",
        )
    axes.set_xlim(0, 5)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(view.t("axis.year"))
    axes.set_ylabel(view.t("axis.spent", currency=view.currency))
    write_axis(axes.yaxis, view.numbers.rounded)
    figure.legend(loc="outside upper left", ncols=1)
    return view.drawing(
        "cost_years",
        style.svg_of(figure),
        today=view.numbers.money(mean(view.today.cost.cumulative[:, -1]), view.currency),
        target=view.numbers.money(mean(view.target.cost.cumulative[:, -1]), view.currency),
        break_even=break_even_sentence(view),
    )


def break_even(view: View, saved: float = 0.0) -> float:
    """Years until the target has cost no more than staying; inf: more than five.

    `saved`: currency a year that its fewer outages are worth.
    """
    today, target = view.today.cost, view.target.cost
    return median(cost.break_even(target, today, np.full_like(today.per_year, saved)))


def break_even_sentence(view: View) -> str:
    """When moving has paid for itself, with and without what outages cost."""
    hours = view.today.availability.outage_hours - view.target.availability.outage_hours
    saved = mean(hours * outage_per_hour(view.sample))
    words = []
    for name, years in (("money", break_even(view)), ("outages", break_even(view, saved))):
        reached = "after" if np.isfinite(years) else "never"
        words.append(view.t(f"even.{name}.{reached}", year=view.numbers.rounded(years, 2)))
    return " ".join(words)


def cost_items(view: View) -> Drawing:
    """What a year of each candidate is spent on."""
    items = list(dict.fromkeys(key for result in view.results for key in result.cost.items))
    figure, axes = style.new(ROW * len(view.results) + 1.0 + 0.16 * -(-len(items) // 2))
    totals = []
    for row, result in rows(axes, view, view.results):
        left = 0.0
        for item, colour in zip(items, style.SERIES, strict=False):
            value = mean(result.cost.items.get(item, np.zeros(1)))
            axes.barh(row, value, left=left, height=0.42, color=colour, linewidth=0)
            left += value
        once = mean(result.cost.migration) / 5
        axes.barh(row, once, left=left, height=0.42, **ONCE)
        totals.append(left + once)
        low, high = band(result.cost.per_year)
        axes.plot([low, high], [row, row], "-|", color=style.INK, linewidth=1, markersize=5)
    for item, colour in zip(items, style.SERIES, strict=False):
        axes.bar(0, 0, color=colour, label=view.item(item))
    axes.bar(0, 0, label=view.t("cost.migration"), **ONCE)
    write_axis(axes.xaxis, view.numbers.rounded)
    axes.set_xlabel(view.t("axis.cost", currency=view.currency))
    figure.legend(loc="outside upper left", ncols=2)
    each = view.each(lambda r: view.numbers.money(mean(r.cost.per_year), view.currency))
    return view.drawing("cost_items", style.svg_of(figure), each=each)


def tornado(view: View) -> Drawing:
    """How far each unsure number of the inventory moves the advantage over staying."""
    swings = view.assessment.swings[:10]
    figure, axes = style.new(0.42 * max(1, len(swings)) + 0.95)
    without_left_side(axes, len(swings))
    axes.axvline(0, color=style.INK, linewidth=1)
    for row, swing in enumerate(swings):
        named(axes, row - 0.24, view.field(swing.key))
        left, right = sorted((swing.low, swing.high))
        axes.barh(row, right - left, left=left, height=0.36, color=style.OTHER, alpha=0.5)
        axes.plot([swing.low], [row], "<", color=style.TODAY, markersize=6)
        axes.plot([swing.high], [row], ">", color=style.TARGET, markersize=6)
    axes.plot([], [], "<", color=style.TODAY, label=view.t("tornado.low"))
    axes.plot([], [], ">", color=style.TARGET, label=view.t("tornado.high"))
    axes.margins(x=0.06)
    write_axis(axes.xaxis, view.numbers.rounded)
    axes.set_xlabel(view.t("axis.advantage", currency=view.currency))
    figure.legend(loc="outside upper left", ncols=1)
    money = view.numbers.money
    each = ", ".join(
        f"{view.field(s.key)}: {money(s.low, view.currency)} / {money(s.high, view.currency)}"
        for s in swings[:5]
    )
    return view.drawing("tornado", style.svg_of(figure), each=each)
