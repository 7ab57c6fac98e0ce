"""Simulated years of one candidate: every machine and zone goes down and up by itself.

Nothing of the closed form is used but the numbers that both start from: outages overlap as they
happen to, a quorum is lost when too many nodes are down for whatever reason, and each node lost
costs a failover when it is lost.
"""

import math
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from evaluation.availability.parts import YEAR, Nodes, System, system
from evaluation.formulas import formula
from evaluation.inventory.models import Inventory
from evaluation.quantity import FloatArray
from evaluation.results import Candidate

WORKERS = 2  # numpy lets go of the interpreter while it sorts and draws
OUTAGES = 200_000  # of all parts in one chunk, so that a chunk stays in the processor's cache
MOST = 60_000_000  # outages in all; where failures are that frequent, fewer years are enough
SHORTEST = 50  # years of a chunk at least


@dataclass(frozen=True, kw_only=True)
class Intervals:
    """When something is down, h since the start; sorted, none within another."""

    start: FloatArray
    end: FloatArray


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """What a great many years look like."""

    hours: FloatArray  # of outage of each simulated year, shape (years,)
    longest: FloatArray  # h of the longest outage that began in it, shape (years,)

    @property
    def unavailability(self) -> float:
        """Share of time."""
        return float(self.hours.mean()) / YEAR

    @property
    def standard_error(self) -> float:
        """Of `unavailability`."""
        return float(self.hours.std(ddof=1)) / YEAR / math.sqrt(len(self.hours))

    def quantile(self, share: float) -> float:
        """Hours of outage that this share of years does not exceed."""
        return float(np.quantile(self.hours, share))


@formula("simulation")
def outage_distribution(
    inventory: Inventory, candidate: Candidate, years: int = 1_000_000, seed: int = 1
) -> Distribution:
    """Outage hours of so many independent years, each member simulated up and down.

    Times to failure and to repair are exponential. The inventory's first draw is taken, the middle
    of all ranges; planned maintenance is not simulated.

    Source: Law, Simulation Modeling and Analysis, 5th edition (2015), chapters 1 and 4 (alternating
        renewal processes, confidence of a mean).
    Limits: rates do not change with the season. Where failures are so frequent that all years
        would hold more than 60 million of them, fewer years are simulated.
    """
    simulated = system(inventory, candidate)
    rate = _rate(simulated)
    years = max(1, min(years, int(MOST / rate)))
    length = int(np.clip(OUTAGES / rate, SHORTEST, years))
    chunks = [min(length, years - first) for first in range(0, years, length)]
    seeds = np.random.SeedSequence(seed).spawn(len(chunks))
    with ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(_chunk, [simulated] * len(chunks), chunks, seeds))
    return Distribution(
        hours=np.concatenate([hours for hours, _ in found]),
        longest=np.concatenate([longest for _, longest in found]),
    )


def _first(value: FloatArray) -> float:
    return float(value.item(0))


def _rate(simulated: System) -> float:
    """Failures a year of everything together, roughly."""
    rate = sum(_first(part.failures) for part in simulated.parts)
    if (nodes := simulated.nodes) is not None:
        rate += nodes.members * (_first(nodes.failures) + _first(nodes.zone_failures))
    return max(rate, 1.0)


def _chunk(
    simulated: System, years: int, seed: np.random.SeedSequence
) -> tuple[FloatArray, FloatArray]:
    """Hours of outage, and of the longest one, in each of some successive years."""
    random = np.random.Generator(np.random.SFC64(seed))
    span = years * YEAR
    parts = [
        down_times(random, _first(part.failures), _first(part.hours), span)
        for part in simulated.parts
    ]
    if simulated.nodes is not None:
        parts += _nodes(random, simulated.nodes, span)
    return by_year(union(parts), years)


def _nodes(random: np.random.Generator, nodes: Nodes, span: float) -> Iterator[Intervals]:
    """When too many nodes are down, and the failovers of those that are lost."""
    spread = int(_first(nodes.zones))
    zones = [
        down_times(random, _first(nodes.zone_failures), _first(nodes.zone_hours), span)
        for _ in range(spread)
    ]
    down = []
    for number in range(nodes.members):
        alone = down_times(random, _first(nodes.failures), _first(nodes.hours), span)
        down.append(union([alone, zones[number % spread]]))
    yield at_least(nodes.members - nodes.needed + 1, down)
    for node in down:
        yield Intervals(start=node.start, end=node.start + nodes.failover_hours)


def down_times(
    random: np.random.Generator, failures: float, hours: float, span: float
) -> Intervals:
    """When one thing is down within `span` hours: up for an exponential time, then down for one."""
    if failures <= 0:
        return Intervals(start=np.empty(0), end=np.empty(0))
    up = YEAR / failures
    expected = span / (up + hours)
    count = int(expected + 6 * math.sqrt(expected) + 10)
    ups = random.standard_exponential(count) * up
    downs = random.standard_exponential(count) * hours
    end = np.cumsum(ups + downs)
    start = end - downs
    within = int(np.searchsorted(start, span))
    return Intervals(start=start[:within], end=np.minimum(end[:within], span))


def union(parts: Iterable[Intervals]) -> Intervals:
    """When any of them is down."""
    found = list(parts)
    start = np.concatenate([part.start for part in found])
    end = np.concatenate([part.end for part in found])
    if not len(start):
        return Intervals(start=start, end=end)
    order = np.argsort(start, kind="stable")  # which merges runs that are sorted already
    start, end = start[order], np.maximum.accumulate(end[order])
    first = np.empty(len(start), dtype=bool)
    first[0] = True
    np.greater(start[1:], end[:-1], out=first[1:])
    last = np.append(first[1:], True)
    return Intervals(start=start[first], end=end[last])


def at_least(count: int, parts: Iterable[Intervals]) -> Intervals:
    """When so many of them are down at once."""
    found = list(parts)
    starts = np.concatenate([part.start for part in found])
    ends = np.concatenate([part.end for part in found])
    times = np.concatenate([starts, ends])
    change = np.repeat([1, -1], [len(starts), len(ends)])
    order = np.argsort(times, kind="stable")
    times, down = times[order], np.cumsum(change[order])
    before = np.concatenate([[0], down[:-1]])
    return Intervals(
        start=times[(down >= count) & (before < count)],
        end=times[(down < count) & (before >= count)],
    )


def by_year(away: Intervals, years: int) -> tuple[FloatArray, FloatArray]:
    """Hours away in each year, and the longest outage that begins in it."""
    if not len(away.start):
        return np.zeros(years), np.zeros(years)
    lasting = away.end - away.start
    passed = np.concatenate([[0.0], np.cumsum(lasting)])
    bounds = np.arange(years + 1) * YEAR
    began = np.searchsorted(away.start, bounds)
    # What of the outage that began last before a bound lies beyond it.
    latest = np.maximum(began - 1, 0)
    beyond = np.where(began > 0, np.maximum(away.end[latest] - bounds, 0.0), 0.0)
    hours = np.diff(passed[began] - beyond)
    padded = np.append(lasting, 0.0)
    longest = np.maximum.reduceat(padded, began[:-1])
    return hours, np.where(began[:-1] < began[1:], longest, 0.0)
