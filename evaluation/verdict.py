"""What all that was found about the candidates comes to: worth it, not worth it, or not yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.candidates import STAY, effort, not_deployed
from evaluation.formulas import formula
from evaluation.inventory.models import Inventory
from evaluation.load import busiest_hour, outage_per_hour
from evaluation.quantity import FloatArray, median
from evaluation.results import Availability, Capacity, Cost, Message, Result, Verdict

BoolArray = NDArray[np.bool_]

OVERLOAD_SHARE = 0.5  # of the work of an hour that overload keeps from being done
MARGIN = 0.1  # of what staying costs in all: what a move has to promise beyond it
NOTES = ("verdict.larger_machine", "verdict.cluster", "candidates.not_deployed")
ASKING = 0.01  # of the same: what a point of `candidates.EFFORT` has to be worth


@formula("wants")
def wants(
    inventory: Inventory, capacity: Capacity, availability: Availability
) -> dict[str, BoolArray]:
    """Which of the five wants of a site are met, by name, each of shape (draws,).

    `availability`: share of time; `rpo`: work lost at most by the fault of one machine; `rto`: the
    longest outage of a year, exceeded once in ten years; `response`: p95 at semester start;
    `node_lost`: p95 at an ordinary peak while one node is away.

    Source: the objectives that a service is agreed by: Google, Site Reliability Engineering (2016),
        chapter 4; recovery point and recovery time: ISO 22301:2019, 3.
    Limits: met or missed, however narrowly; one machine always misses the last, since it is the
        node that is lost.
    """
    wanted = inventory.wanted
    return {
        "availability": availability.availability * 100 >= wanted.availability_percent.value,
        "rpo": availability.rpo_hours * 60 <= wanted.rpo_minutes.value,
        "rto": availability.longest_hours <= wanted.rto_hours.value,
        "response": capacity.p95_start_ms <= wanted.p95_ms.value,
        "node_lost": capacity.p95_one_lost_ms <= wanted.p95_ms.value,
    }


@formula("burden")
def burden(
    inventory: Inventory, capacity: Capacity, availability: Availability, cost: Cost
) -> dict[str, FloatArray]:
    """What a candidate costs in all, in currency a year, by item, each of shape (draws,).

    `cost`: what is paid, the migration spread over five years. `outages`: hours of unplanned
    outage, and of planned outage beyond the agreed windows, at the cost of an outage hour.
    `overload`: hours beyond capacity; half of their work stays undone, and they are peak hours, in
    which more than the average is at stake (24 x share of the peak hour). `work`: hours of work
    lost have to be worked again. `wants`: each of the five wants has a fifth of what it is worth to
    the site that all are met, and costs that where it is missed.

    Source: expected cost, the usual criterion of a decision under uncertainty: Raiffa, Schlaifer,
        Applied Statistical Decision Theory (1961); an outage priced by the users that it keeps from
        work: Patterson, A Simple Way to Estimate the Cost of Downtime (LISA 2002).
    Limits: the half of an overload hour and equal shares of the wants are judgements; reputation
        and law have no price here.
    """
    hour = outage_per_hour(inventory)
    windows = 12 * inventory.wanted.maintenance_hours_per_month.value
    beyond = np.maximum(0.0, availability.planned_hours - windows)
    crowd = 24 * busiest_hour(inventory)
    met = wants(inventory, capacity, availability)
    missed = len(met) - sum(kept.astype(np.float64) for kept in met.values())
    worth = inventory.wanted.worth_per_student.value * inventory.load.students.value
    return {
        "cost": cost.per_year,
        "outages": (availability.outage_hours + beyond) * hour,
        "overload": capacity.overload_hours * OVERLOAD_SHARE * crowd * hour,
        "work": availability.data_loss_hours * hour,
        "wants": worth * missed / len(met),
    }


@formula("score")
def score(burdens: Mapping[str, FloatArray]) -> FloatArray:
    """The negative sum of a candidate's burdens, in currency a year: higher is better.

    Source: expected cost, as for the burdens.
    Limits: those of the burdens; a difference of scores says more than a score.
    """
    return -sum(burdens.values(), np.zeros(1))


@formula("advantage")
def advantage(staying: FloatArray, other: FloatArray) -> FloatArray:
    """By how much a candidate beats staying, in currency a year, beyond what a move must promise.

    A move must promise a tenth of all that staying costs: work and risks that no model holds, and
    it is hard to undo.

    Source: hysteresis of decisions that are costly to reverse: Dixit and Pindyck, Investment under
        Uncertainty (1994), chapter 1.
    Limits: the tenth is a judgement.
    """
    return other - staying + MARGIN * staying


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A verdict, before it is explained."""

    verdict: Verdict
    confidence: float  # share of draws with this verdict
    best: Result | None  # of the feasible ones, staying not counted
    later: Result | None  # of those that lack something, but would be worth it


def decide(staying: Result, others: Sequence[Result]) -> Decision:
    """The verdict that most draws come to.

    A candidate is chosen once, by its mean score, as a site has to choose before it knows which
    draw is true; then each draw says whether that choice is worth it. Not yet: none is that can be
    had, but one is that lacks something; or only one machine can be had, and a cluster that lacks
    something is better than that, too, by what a move has to promise.
    """
    best = max((r for r in others if r.feasible), key=_mean_score, default=None)
    later = _worth_asking_for(staying, best, [r for r in others if not r.feasible])
    now = _worth_it(staying, best)
    soon = _worth_it(staying, later)
    if best is not None and later is not None:
        soon &= ~now | np.asarray(_is_better_cluster(staying, best, later))
    now &= ~soon
    shares: dict[Verdict, float] = {
        "worth-it": float(np.mean(now)),
        "not-yet": float(np.mean(soon)),
        "not-worth-it": float(np.mean(~now & ~soon)),
    }
    verdict = max(shares, key=lambda name: shares[name])
    return Decision(verdict=verdict, confidence=shares[verdict], best=best, later=later)


def _worth_asking_for(
    staying: Result, best: Result | None, lacking: Sequence[Result]
) -> Result | None:
    """The best of those that would be worth it in most draws, less what it takes to get it."""
    effort_point = ASKING * float(np.mean(staying.score))
    worthy = [
        result
        for result in lacking
        if np.mean(_worth_it(staying, result)) > 0.5
        and (best is None or _mean_score(result) > _mean_score(best))
    ]
    return max(worthy, key=lambda r: _mean_score(r) + effort_point * difficulty(r), default=None)


def difficulty(result: Result) -> int:
    """How hard it is to get what the candidate lacks, all of it."""
    return sum(effort(message) for message in result.missing)


def _cluster(result: Result) -> bool:
    return result.candidate.orchestrator in ("swarm", "kubernetes")


def _is_better_cluster(staying: Result, best: Result, later: Result) -> BoolArray | bool:
    if _cluster(best) or not _cluster(later):
        return False
    return np.asarray(later.score - best.score > -MARGIN * staying.score)


def reasons(inventory: Inventory, staying: Result, other: Result) -> tuple[Message, ...]:
    """What speaks for and against `other`, the heaviest first, each with its currency a year.

    `inventory`: with its draws. Reasons below a hundredth of what staying costs are left out.
    """
    before = burdens_of(inventory, staying)
    after = burdens_of(inventory, other)
    found: list[tuple[float, Message]] = []
    for item in ("cost", "outages", "overload", "work"):
        change = float(np.mean(after[item] - before[item]))
        key = f"verdict.{item}.{'more' if change > 0 else 'less'}"
        values: dict[str, str | float] = {
            "amount": abs(change),
            "currency": inventory.costs.currency,
        }
        values |= _details(item, staying, other)
        found.append((abs(change), Message(key=key, values=values)))
    found.extend(_wants_changed(inventory, staying, other))
    least = -0.01 * float(np.mean(staying.score))
    found = [(weight, message) for weight, message in found if weight > least]
    return tuple(message for _, message in sorted(found, key=lambda pair: -pair[0]))


def notes(results: Sequence[Result], other: Result, *, moving: bool) -> tuple[Message, ...]:
    """What has to be known beside the reasons, if `other` is what is recommended."""
    if not moving:
        return ()
    found = []
    clusters = [result for result in results if _cluster(result) and result.feasible]
    staying = next(result for result in results if result.candidate == STAY)
    if not _cluster(other):
        if np.mean(staying.capacity.overload_hours) > np.mean(other.capacity.overload_hours) + 1:
            found.append(Message(key="verdict.larger_machine"))
        if clusters:
            cluster = max(clusters, key=_mean_score)
            values: dict[str, str | float] = {
                "cluster": cluster.candidate.name,
                "amount": _mean_score(other) - _mean_score(cluster),
            }
            found.append(Message(key="verdict.cluster", values=values))
    if note := not_deployed(other.candidate):
        found.append(note)
    return tuple(found)


def burdens_of(inventory: Inventory, result: Result) -> dict[str, FloatArray]:
    """The burdens of a result."""
    return burden(inventory, result.capacity, result.availability, result.cost)


def _worth_it(staying: Result, other: Result | None) -> BoolArray:
    if other is None:
        return np.zeros(staying.score.shape, np.bool_)
    return np.asarray(advantage(staying.score, other.score) > 0)


def _mean_score(result: Result) -> float:
    return float(np.mean(result.score))


def _details(item: str, staying: Result, other: Result) -> dict[str, str | float]:
    if item == "cost":
        name, most = _greatest_change(staying.cost, other.cost)
        return {"item": f"cost.item.{name}", "most": most}
    before, after = {
        "outages": (staying.availability.outage_hours, other.availability.outage_hours),
        "overload": (staying.capacity.overload_hours, other.capacity.overload_hours),
        "work": (staying.availability.data_loss_hours, other.availability.data_loss_hours),
    }[item]
    return {"before": float(np.mean(before)), "after": float(np.mean(after))}


def _greatest_change(staying: Cost, other: Cost) -> tuple[str, float]:
    """The item that changes the cost most in the direction in which it changes, and by how much."""
    before, after = _items(staying), _items(other)
    changes = {name: after.get(name, 0.0) - before.get(name, 0.0) for name in {*before, *after}}
    rising = sum(changes.values()) > 0
    name = max(sorted(changes), key=lambda name: changes[name] if rising else -changes[name])
    return name, abs(changes[name])


def _items(cost: Cost) -> dict[str, float]:
    """Means a year, the migration among them."""
    items = {name: float(np.mean(item)) for name, item in cost.items.items()}
    return items | {"migration": float(np.mean(cost.per_year)) - sum(items.values())}


def _wants_changed(
    inventory: Inventory, staying: Result, other: Result
) -> list[tuple[float, Message]]:
    before = wants(inventory, staying.capacity, staying.availability)
    after = wants(inventory, other.capacity, other.availability)
    worth = inventory.wanted.worth_per_student.value * inventory.load.students.value / len(before)
    wanted = inventory.wanted
    shown = {
        "availability": (
            staying.availability.availability * 100,
            other.availability.availability * 100,
            wanted.availability_percent.value,
        ),
        "rpo": (
            staying.availability.rpo_hours,
            other.availability.rpo_hours,
            wanted.rpo_minutes.value / 60,
        ),
        "rto": (
            staying.availability.longest_hours,
            other.availability.longest_hours,
            wanted.rto_hours.value,
        ),
        "response": (
            staying.capacity.p95_start_ms,
            other.capacity.p95_start_ms,
            wanted.p95_ms.value,
        ),
        "node_lost": (
            staying.capacity.p95_one_lost_ms,
            other.capacity.p95_one_lost_ms,
            wanted.p95_ms.value,
        ),
    }
    found = []
    for name, (now, then, limit) in shown.items():
        gain = float(np.mean(worth * (after[name].astype(float) - before[name].astype(float))))
        key = f"verdict.{name}.{'met' if gain > 0 else 'missed'}"
        values: dict[str, str | float] = {
            "amount": abs(gain),
            "currency": inventory.costs.currency,
            "before": median(now),
            "after": median(then),
            "wanted": median(limit),
        }
        found.append((abs(gain), Message(key=key, values=values)))
    return found
