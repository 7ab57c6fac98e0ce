"""How much load a candidate carries, and what the load is."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evaluation.capacity.day import LoadProfile, load_profile, overload_hours
from evaluation.capacity.queueing import (
    Station,
    exceeds,
    greatest_rate,
    quantile,
    saturation,
    spread,
)
from evaluation.capacity.stations import cores, offered_nodes, spread_over, stations
from evaluation.formulas import formula
from evaluation.inventory.models import Inventory
from evaluation.load import peak_requests_per_second
from evaluation.quantity import FloatArray, Indices
from evaluation.results import Candidate, Capacity

__all__ = ["LoadProfile", "capacity", "load_profile"]

WORKERS = 16  # PHP processes of one web replica, WEB_WORKERS of images/php-apache
MOST_NODES = 64  # that anybody would run for one platform
WANTED = 0.95  # share of requests that are to be answered in time


def capacity(inventory: Inventory, candidate: Candidate) -> Capacity:
    """The load that a candidate carries; what is not offered is taken at its default size."""
    peak = peak_requests_per_second(inventory)
    start = peak * spread_over(inventory, inventory.load.semester_start_factor)
    cv = spread_over(inventory, inventory.load.service_time_cv)
    wanted = spread_over(inventory, inventory.wanted.p95_ms) / 1000
    needed = nodes_needed(inventory, candidate, start)
    offered = offered_nodes(inventory, candidate)
    # What others run is there whether we need it or not; of our own we run what we need.
    deployed = offered if candidate.managed else np.clip(needed, least_nodes(candidate), offered)
    whole = stations(inventory, cores(inventory, candidate, deployed))
    usual = spread(peak, whole, cv)
    at_start = spread(start, whole, cv)
    lost = _with_one_lost(inventory, candidate, deployed)
    return Capacity(
        demand_rps=peak,
        demand_start_rps=start,
        find_rps=lambda: greatest_rate(WANTED, wanted, whole, cv),
        find_rps_one_lost=lambda: (
            greatest_rate(WANTED, wanted, lost, cv) if lost else np.zeros_like(peak)
        ),
        find_ms=lambda share: 1000 * quantile(share, usual),
        p95_start_ms=1000 * quantile(0.95, at_start),
        p95_one_lost_ms=(
            1000 * quantile(0.95, spread(peak, lost, cv)) if lost else np.full_like(peak, np.inf)
        ),
        replicas=replicas_needed(start, whole, 2 if bears_loss(candidate) else 1),
        nodes=needed,
        overload_hours=overload_hours(inventory, saturation(whole)),
    )


def bears_loss(candidate: Candidate) -> bool:
    """Whether it goes on without one of its machines."""
    return candidate.orchestrator in ("swarm", "kubernetes")


def least_nodes(candidate: Candidate) -> int:
    """Nodes without which it is not what it is: a member of the database on each of three."""
    if candidate.database == "galera":
        return max(candidate.nodes, 3)
    return max(candidate.nodes, 2 if bears_loss(candidate) else 1)


@formula("capacity.nodes_needed")
def nodes_needed(inventory: Inventory, candidate: Candidate, rate: FloatArray) -> FloatArray:
    """The fewest nodes with which the wanted p95 is kept at semester start, one of them being lost.

    Of a candidate on one machine: that one, none being lost. inf where no number of nodes would do,
    as the database or a request by itself is too slow.

    Source: by definition; found by halving between the fewest that the candidate has and 64.
    Limits: nodes as large as those on offer.
    """
    cv = spread_over(inventory, inventory.load.service_time_cv)
    wanted = spread_over(inventory, inventory.wanted.p95_ms) / 1000
    spare = 1.0 if bears_loss(candidate) else 0.0

    def enough(nodes: FloatArray, some: Indices) -> NDArray[np.bool_]:
        left = stations(inventory, cores(inventory, candidate, nodes - spare))
        answered = spread(rate[some], [station.of(some) for station in left], cv[some])
        return exceeds(wanted[some], answered) <= 1 - WANTED

    low = np.full_like(rate, float(least_nodes(candidate)))
    fewest = enough(low, np.arange(rate.size))
    if not bears_loss(candidate):
        return np.where(fewest, _machines(inventory, candidate), np.inf)
    if np.all(fewest):
        return low
    others = np.flatnonzero(~fewest)
    possible = enough(np.full_like(rate, float(MOST_NODES)), others)
    never, undecided = others[~possible], others[possible]
    high = low.copy()
    high[undecided] = MOST_NODES
    while undecided.size:
        middle = np.floor((low + high) / 2)
        found = enough(middle, undecided)
        high[undecided[found]] = middle[undecided[found]]
        low[undecided[~found]] = middle[undecided[~found]]
        undecided = undecided[high[undecided] - low[undecided] > 1]
    high[never] = np.inf
    return high


@formula("capacity.replicas_needed")
def replicas_needed(rate: FloatArray, stations: Sequence[Station], least: int) -> FloatArray:
    """Web replicas of 16 PHP processes each for `rate`: (N + 2 √N) / 16, rounded up.

    N: processes that are busy at a time, by Little's law the rate x the mean response time; never
    more than there may be.

    Source: J. D. C. Little, A proof for the queuing formula L = λW, Operations Research 9 (1961)
    383-387; square root staffing: S. Halfin and W. Whitt, Heavy-traffic limits for queues with many
    exponential servers, Operations Research 29 (1981) 567-588.
    Limits: a replica has the processes of this project's images.
    """
    service = sum((s.service for s in stations), np.zeros_like(rate))
    most = stations[0].slots * service / stations[0].service
    busy = np.minimum(rate * spread(rate, stations, np.ones_like(rate)).mean, most)
    needed: FloatArray = np.maximum(np.ceil((busy + 2 * np.sqrt(busy)) / WORKERS), least)
    return needed


def _machines(inventory: Inventory, candidate: Candidate) -> float:
    return float(len(inventory.machines) if candidate.orchestrator == "none" else 1)


def _with_one_lost(
    inventory: Inventory, candidate: Candidate, nodes: FloatArray
) -> Sequence[Station] | None:
    """What is left without one node; None where nothing is left."""
    if not bears_loss(candidate) or np.any(nodes < 2):
        return None
    return stations(inventory, cores(inventory, candidate, nodes - 1))
