"""What the report shows beyond the assessment: load over time, simulated days and years."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evaluation.availability.monte_carlo import Distribution, outage_distribution
from evaluation.capacity import LoadProfile, load_profile
from evaluation.capacity.simulation import Day, simulate_day
from evaluation.operations import MESOS
from evaluation.report.view import View
from evaluation.results import Message, Result

YEARS = 100_000  # enough for a smooth curve
REQUESTS = 40_000  # of a simulated day: some hundred in each of its quarters of an hour


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Load over time, and what was simulated of today and of the target, by candidate."""

    profile: LoadProfile
    years: Mapping[str, Distribution]
    days: Mapping[str, Day]  # the first of a semester
    mesos: Message  # why it is not among the candidates


def gather(view: View) -> Evidence:
    """Simulate what the drawings need."""
    return Evidence(
        profile=load_profile(view.sample),
        years={
            result.candidate.name: outage_distribution(view.sample, result.candidate, YEARS)
            for result in view.compared
        },
        days={
            result.candidate.name: simulate_day(
                view.sample, result.candidate, nodes(view, result), requests=REQUESTS
            )
            for result in view.compared
        },
        mesos=MESOS,
    )


def nodes(view: View, result: Result) -> float | None:
    """How many nodes of ours the capacity was calculated with; None: all that are there."""
    candidate, offered = result.candidate, view.sample.offers.machines
    if candidate.managed or candidate.nodes < 2 or offered is None:
        return None
    most = max(float(candidate.nodes), float(offered.count.value[0]))
    return float(np.clip(result.capacity.nodes[0], candidate.nodes, most))
