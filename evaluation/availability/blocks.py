"""The closed form: each part a block with so many outages a year, all blocks in series."""

from collections.abc import Iterator
from math import comb

import numpy as np

from evaluation.availability.parts import YEAR, Nodes, Part, System
from evaluation.formulas import formula
from evaluation.quantity import FloatArray
from evaluation.results import Block

ONCE_IN = 10.0  # years
NEVER = 1e-12
STEPS = 12  # to the root at most; blocks of several scales need a few each
CLOSE = 1e-9  # relative; the step after such a one is lost in rounding


def blocks(system: System) -> tuple[Block, ...]:
    """All blocks of a candidate, each number with shape (draws,) or one for all draws."""
    found = [_renewal(part) for part in system.parts]
    if system.nodes is not None:
        found += _nodes(system.nodes)
    return tuple(found)


def _renewal(part: Part) -> Block:
    return Block(
        name=part.name,
        formula=part.formula,
        outages=part.failures / (1 + part.failures * part.hours / YEAR),
        hours=part.hours,
    )


def _nodes(nodes: Nodes) -> Iterator[Block]:
    outages, hours = quorum(nodes.failures, nodes.hours, nodes.members, nodes.needed)
    yield Block(name="quorum", formula="quorum", outages=outages, hours=hours)
    lost = nodes.members * nodes.failures / (1 + nodes.failures * nodes.hours / YEAR)
    yield Block(
        name="failover",
        formula="failover",
        outages=lost - outages,
        hours=np.full_like(lost, nodes.failover_hours),
    )
    if np.any(nodes.zone_failures > 0):
        outages, hours = zones(nodes)
        yield Block(name="zones", formula="zones", outages=outages, hours=hours)


@formula("quorum")
def quorum(
    failures: FloatArray, hours: FloatArray, members: int, needed: int
) -> tuple[FloatArray, FloatArray]:
    """Outages a year, and mean hours of one, where at least `needed` of `members` must work.

    A birth-death chain of the members that are down, each with its own repair: its steady state is
    binomial; the service is lost from the state in which just `needed` work, at their rate.

    Source: Trivedi, Probability and Statistics with Reliability, Queuing, and Computer Science
        Applications, 2nd edition (2002), section 8.2 (birth-death processes, machine repair);
        Rausand & Høyland, System Reliability Theory, 2nd edition (2004), chapter 8.
    Limits: members fail independently; what they have in common is a block of its own. The mean
        hours of one outage are exact, its distribution is not exponential.
    """
    down = failures * hours / (YEAR + failures * hours)
    weights = [
        comb(members, lost) * down**lost * (1 - down) ** (members - lost)
        for lost in range(members + 1)
    ]
    spare = members - needed
    outages = weights[spare] * needed * failures
    away = sum(weights[spare + 1 :], start=0 * down)
    return outages, YEAR * away / np.maximum(outages, NEVER)


@formula("zones")
def zones(nodes: Nodes) -> tuple[FloatArray, FloatArray]:
    """Outages by the loss of zones: with one or two, of the one that holds the majority.

    With three or more, of two at once.

    Source: as for the quorum, with zones as members.
    Limits: a node lost in one zone while another zone is down is left out (the simulation has it);
        with nodes spread as evenly as they can be.
    """
    single = nodes.zone_failures / (1 + nodes.zone_failures * nodes.zone_hours / YEAR)
    several, hours = quorum(nodes.zone_failures, nodes.zone_hours, 3, 2)
    spread = nodes.zones >= 3
    return np.where(spread, several, single), np.where(spread, hours, nodes.zone_hours)


@formula("series")
def unavailability(found: tuple[Block, ...]) -> FloatArray:
    """Share of time in which any block is away: 1 - product of (1 - outages x hours / 8,760).

    Source: Rausand & Høyland, System Reliability Theory, 2nd edition (2004), section 9.4 (series
        structure of independent components).
    Limits: blocks fail independently of each other.
    """
    there = np.ones(1)
    for block in found:
        there = there * (1 - block.outages * block.hours / YEAR)
    return 1 - there


@formula("longest")
def longest(found: tuple[Block, ...]) -> FloatArray:
    """Hours that the longest outage of a year exceeds in one year of ten.

    Outages of a block come as a Poisson process and last exponentially long: the h at which
    sum of (outages x exp(-h / mean hours)) = -ln(1 - 1/10).

    Source: Rausand & Høyland, System Reliability Theory, 2nd edition (2004), sections 2.8 and 7.2;
        maximum of a marked Poisson process.
    Limits: real repairs have a longer tail than exponential ones (lognormal: Schroeder & Gibson,
        DSN 2006), so that the worst years are worse.
    """
    outages, hours = (
        np.stack(np.broadcast_arrays(*rows))
        for rows in zip(*((block.outages, block.hours) for block in found), strict=True)
    )
    wanted = -np.log1p(-1 / ONCE_IN)
    rate = 1 / np.maximum(hours, NEVER)
    alone = (
        np.log(np.maximum(outages, NEVER) / wanted) / rate
    )  # where each block would be by itself
    length = np.maximum(alone.max(axis=0), 0.0)
    for _ in range(STEPS):  # Newton's, of a logarithm that is convex: from below, and not beyond
        longer = outages * np.exp(-length * rate)
        expected = np.maximum(longer.sum(axis=0), NEVER)
        slope = np.maximum((longer * rate).sum(axis=0) / expected, NEVER)
        before, length = length, np.maximum(length + np.log(expected / wanted) / slope, 0.0)
        if np.all(np.abs(length - before) <= CLOSE * length):
            break
    return np.where(outages.sum(axis=0) > wanted, length, 0.0)
