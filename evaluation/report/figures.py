"""The numbers that are shown of a candidate, each with its name, its writing and its formula."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evaluation.quantity import FloatArray, mean, median
from evaluation.report.numbers import Numbers
from evaluation.report.view import View
from evaluation.results import Result


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number of a candidate."""

    name: str  # in texts: report.figure_of.<name>
    formula: str  # key of the formula that it comes from
    of: Callable[[Result], FloatArray]
    write: Callable[[View, float], str]
    typical: Callable[[FloatArray], float] = mean
    without_end: str = "beyond"  # in texts: what an infinite number means

    def value(self, result: Result) -> float:
        """What is typical of its draws: their mean, or their median where some are infinite."""
        return self.typical(self.of(result))

    def words(self, view: View, result: Result) -> str:
        """The number as it is read."""
        return self._written(view, result, self.value(result))

    def note(self, view: View, result: Result) -> str:
        """Its range over the draws."""
        return view.numbers.between(
            self.of(result), lambda value: self._written(view, result, value)
        )

    def _written(self, view: View, result: Result, value: float) -> str:
        if np.isfinite(value):
            return self.write(view, value)
        alone = self.name == "p95_one_lost_ms" and result.candidate.nodes == 1
        return view.t("no_answer" if alone else self.without_end)


def _by(write: Callable[[Numbers, float], str]) -> Callable[[View, float], str]:
    return lambda view, value: write(view.numbers, value)


def _money(view: View, value: float) -> str:
    return view.numbers.money(value, view.currency)


def _rps(view: View, value: float) -> str:
    return view.numbers.unit(value, "/s")


def _count(view: View, value: float) -> str:
    return view.numbers.rounded(value)


HOURS = _by(Numbers.hours)
MILLISECONDS = _by(Numbers.milliseconds)

_ALL = (
    Figure(
        name="availability",
        formula="series",
        of=lambda r: r.availability.availability,
        write=_by(Numbers.availability),
    ),
    Figure(
        name="outage_hours",
        formula="series",
        of=lambda r: r.availability.outage_hours,
        write=HOURS,
    ),
    Figure(
        name="planned_hours",
        formula="planned",
        of=lambda r: r.availability.planned_hours,
        write=HOURS,
    ),
    Figure(
        name="longest_hours",
        formula="longest",
        of=lambda r: r.availability.longest_hours,
        write=HOURS,
    ),
    Figure(
        name="data_loss_hours",
        formula="data_loss",
        of=lambda r: r.availability.data_loss_hours,
        write=HOURS,
    ),
    Figure(
        name="rpo_hours",
        formula="rpo",
        of=lambda r: r.availability.rpo_hours,
        write=HOURS,
    ),
    Figure(
        name="rps",
        formula="capacity.greatest_rate",
        of=lambda r: r.capacity.rps,
        write=_rps,
        typical=median,
    ),
    Figure(
        name="rps_one_lost",
        formula="capacity.greatest_rate",
        of=lambda r: r.capacity.rps_one_lost,
        write=_rps,
        typical=median,
    ),
    Figure(
        name="p50_ms",
        formula="capacity.response_time",
        of=lambda r: r.capacity.p50_ms,
        write=MILLISECONDS,
        typical=median,
    ),
    Figure(
        name="p95_ms",
        formula="capacity.response_time",
        of=lambda r: r.capacity.p95_ms,
        write=MILLISECONDS,
        typical=median,
    ),
    Figure(
        name="p95_start_ms",
        formula="capacity.response_time",
        of=lambda r: r.capacity.p95_start_ms,
        write=MILLISECONDS,
        typical=median,
    ),
    Figure(
        name="p95_one_lost_ms",
        formula="capacity.response_time",
        of=lambda r: r.capacity.p95_one_lost_ms,
        write=MILLISECONDS,
        typical=median,
    ),
    Figure(
        name="overload_hours",
        formula="capacity.overload_hours",
        of=lambda r: r.capacity.overload_hours,
        write=HOURS,
    ),
    Figure(
        name="replicas",
        without_end="none_suffices",
        formula="capacity.replicas_needed",
        of=lambda r: r.capacity.replicas,
        write=_count,
        typical=median,
    ),
    Figure(
        name="nodes",
        without_end="none_suffices",
        formula="capacity.nodes_needed",
        of=lambda r: r.capacity.nodes,
        write=_count,
        typical=median,
    ),
    Figure(name="per_year", formula="cost", of=lambda r: r.cost.per_year, write=_money),
    Figure(name="migration", formula="migration", of=lambda r: r.cost.migration, write=_money),
    Figure(
        name="migration_days",
        formula="migration_days",
        of=lambda r: r.cost.migration_days,
        write=_by(lambda numbers, days: numbers.rounded(days, 2)),
    ),
    Figure(
        name="upkeep_hours",
        formula="upkeep",
        of=lambda r: r.operations.upkeep_hours,
        write=HOURS,
    ),
    Figure(name="score", formula="score", of=lambda r: r.score, write=_money),
)
FIGURES = {figure.name: figure for figure in _ALL}
