"""A platform that failed at the start of a semester, as the model sees it.

On 20 April 2020 the platform of a university with 26,000 students failed on the first day of a
semester: from 9:47 on it was hardly reachable; until 13:45 it had counted over 16,000 accesses,
where a year before there had been 20,000 over the whole day (Giessener Allgemeine, Holpriger Start
ins neue Semester, April 2020). Everything else below is assumed, and says why.
"""

from dataclasses import dataclass

import numpy as np

from evaluation.candidates import CANDIDATES, STAY
from evaluation.capacity import capacity
from evaluation.capacity.day import day_shape
from evaluation.capacity.queueing import saturation
from evaluation.capacity.simulation import QUARTERS, quarter_rates
from evaluation.capacity.stations import cores, stations
from evaluation.inventory.models import Database, Inventory, Load, Machine, Machines, Offers
from evaluation.quantity import Quantity

STUDENTS = 26_000.0
YEAR_BEFORE = 20_000.0  # accesses on the whole first day
COUNTED = 16_000.0  # accesses on that day ...
UNTIL = 13.75  # ... until this hour

# As many as another university counted in 2019, 15,000 by 800 visitors, and a few for what pages
# load by scripts (TH Georg Agricola, Statistiken zum Semesterstart).
REQUESTS_PER_ACCESS = 30.0
# That university counted 50,000 by 1,800 in 2020: half as many again for each visitor, as lectures
# had moved onto the platform.
ONLINE_FACTOR = 1.5
# Judgement: what a careful data centre adds to the load that it has seen.
RESERVE = 0.2
NODE_CORES = 8.0  # judgement: a common virtual machine


@dataclass(frozen=True, kw_only=True)
class Event:
    """What the model says of that day."""

    cores: int  # of the machine that was large enough for the year before, with a reserve
    rps_year_before: float  # requests/s in the busiest minutes
    rps: float  # the same on that day
    carried_rps: float  # up to which 95 % of the machine's answers come within a second
    accesses: float  # of the whole day, had everybody got through
    p95_year_before_ms: float
    p95_ms: float  # inf: beyond capacity
    overloaded_from: (
        float | None
    )  # hour from which a quarter-hour brings more than the machine does
    cores_enough: int  # of one machine
    nodes_enough: float  # of a Swarm with a database of others, one of which may be lost


def semester_start(online: bool = True) -> Event:
    """The failure; `online`: with the additional requests of lectures on the platform."""
    before = site(YEAR_BEFORE)
    enough = smallest_machine(before, 1 + RESERVE)
    accesses = whole_day(before)
    busier = ONLINE_FACTOR if online else 1.0
    then = site(accesses, REQUESTS_PER_ACCESS * busier)
    last, now = (capacity(machine(inventory, enough), STAY) for inventory in (before, then))
    swarm = next(c for c in CANDIDATES if c.name == "swarm-offered-database")
    return Event(
        cores=enough,
        rps_year_before=float(last.demand_start_rps[0]),
        rps=float(now.demand_start_rps[0]),
        carried_rps=float(now.rps[0]),
        accesses=accesses,
        p95_year_before_ms=float(last.p95_start_ms[0]),
        p95_ms=float(now.p95_start_ms[0]),
        overloaded_from=overloaded_from(machine(then, enough)),
        cores_enough=smallest_machine(then, 1.0),
        nodes_enough=float(capacity(then, swarm).nodes[0]),
    )


def site(accesses: float, requests: float = REQUESTS_PER_ACCESS) -> Inventory:
    """The university on a first day with `accesses`; all other numbers are the model's defaults."""
    return Inventory(
        load=Load(
            students=Quantity.of(STUDENTS),
            daily_accesses=Quantity.of(accesses),
            requests_per_access=Quantity.of(requests),
            semester_start_factor=Quantity.of(1.0),  # accesses are those of the first day
        ),
        offers=Offers(
            machines=Machines(count=Quantity.of(16.0), cores=Quantity.of(NODE_CORES)),
            database=Database(cores=Quantity.of(2 * NODE_CORES)),
        ),
    )


def machine(inventory: Inventory, size: int) -> Inventory:
    """The same on one machine of `size` cores."""
    only = Machine(name="studip", cores=Quantity.of(float(size)))
    return inventory.model_copy(update={"machines": (only,)})


def smallest_machine(inventory: Inventory, reserve: float) -> int:
    """Cores of the smallest machine that keeps the wanted p95 at `reserve` times the load."""
    size = 1
    while True:
        found = capacity(machine(inventory, size), STAY)
        if found.rps[0] >= reserve * found.demand_start_rps[0]:
            return size
        size += 1


def whole_day(inventory: Inventory) -> float:
    """Accesses of a whole day of which `COUNTED` came until `UNTIL`."""
    shape = day_shape(inventory)[:, 0]
    so_far = np.interp(UNTIL, np.arange(25), np.concatenate([[0.0], np.cumsum(shape)]))
    return float(COUNTED * np.sum(shape) / so_far)


def overloaded_from(inventory: Inventory) -> float | None:
    """Hour of the first quarter-hour that brings more than today's machine does; None: none."""
    rates = quarter_rates(inventory)
    most = saturation(stations(inventory, cores(inventory, STAY, np.ones(1))))[0]
    over = np.flatnonzero(rates > most)
    return float(over[0]) * 24 / QUARTERS if over.size else None
