"""Load, sessions and the cost of an outage, where the inventory does not name them itself.

All numbers have the shape of the inventory's draws.
"""

from functools import reduce

import numpy as np

from evaluation.formulas import formula
from evaluation.inventory.models import Inventory
from evaluation.quantity import FloatArray

HOUR = 3600.0  # s
# Judgements: a visit takes a quarter of an hour, and half of what was meant to be done in it is not
# made up for; an hour of somebody who learns is worth a fifth of one of the staff, which is about
# what an hour of a student who is employed costs.
VISIT_HOURS = 0.25
LOST_SHARE = 0.5
LEARNING_SHARE = 0.2


@formula("load.peak")
def peak_requests_per_second(inventory: Inventory) -> FloatArray:
    """Requests/s in the busiest minutes of an ordinary day.

    accesses a day x requests an access x share of the busiest hour / 3600 s x peak within that
    hour; what the inventory names as `load.peak_requests_per_second` is taken instead.

    Source: D. A. Menascé, V. A. F. Almeida, Capacity Planning for Web Services (Prentice Hall,
        2002), chapters on workload characterisation (busiest hour, ratio of peak to mean).
    Limits: the requests of an access are spread evenly over its hour; bursts shorter than what the
        peak factor stands for (an enrolment that opens on the second) are higher.
    """
    load = inventory.load
    if load.peak_requests_per_second is not None:
        return load.peak_requests_per_second.value
    hourly = load.daily_accesses.value * load.requests_per_access.value * busiest_hour(inventory)
    return hourly / HOUR * load.peak_factor.value


@formula("load.busiest_hour")
def busiest_hour(inventory: Inventory) -> FloatArray:
    """Share of a day's accesses that falls into its busiest hour.

    The greatest of `load.hours` by their sum where the day was measured, else
    `load.peak_hour_share`.

    Source: definition.
    Limits: a measured day stands for all days of lecture time.
    """
    load = inventory.load
    if load.hours is None:
        return load.peak_hour_share.value
    hours = [hour.value for hour in load.hours]
    busiest: FloatArray = reduce(np.maximum, hours) / sum(hours)
    return busiest


@formula("load.sessions")
def sessions(inventory: Inventory) -> FloatArray:
    """Sessions that are open at once in the busiest hour.

    Little's law: arrivals/h x time that a session is kept; a session is counted for the hour in
    which somebody came. What the inventory names as `load.sessions` is taken instead.

    Source: J. D. C. Little, A Proof for the Queuing Formula L = lambda W, Operations Research 9
        (1961), 383-387.
    Limits: sessions of somebody who stays for longer than an hour are counted once; expired ones
        that wait to be removed are not counted.
    """
    load = inventory.load
    if load.sessions is not None:
        return load.sessions.value
    return load.daily_accesses.value * busiest_hour(inventory)


@formula("load.outage_per_hour")
def outage_per_hour(inventory: Inventory) -> FloatArray:
    """What an hour of outage costs, in the inventory's currency.

    Visits that would have been made in the mean hour x their length (0.25 h) x the half of it that
    is not made up for x what an hour of theirs is worth (a fifth of the staff's), and the time of
    the staff, who repair. What the inventory names as `costs.outage_per_hour` is taken instead.

    Source: form: D. A. Patterson, A Simple Way to Estimate the Cost of Downtime, LISA 2002 (people
        who are cut off x what their time costs x share of their work that depends on it); length
        of a visit and shares are judgements, as no figure of a university is known.
    Limits: neither reputation nor an examination's deadline that is missed: who knows these
        writes them down as `costs.outage_per_hour`. An outage at night counts like the mean hour.
    """
    costs = inventory.costs
    if costs.outage_per_hour is not None:
        return costs.outage_per_hour.value
    visits = inventory.load.daily_accesses.value / 24
    lost = visits * VISIT_HOURS * LOST_SHARE * LEARNING_SHARE
    return costs.staff_per_hour.value * (lost + inventory.staff.people.value)
