"""How long a candidate is away: closed form, and a simulation that does without its shortcuts."""

import numpy as np

from evaluation.availability.blocks import blocks, longest, unavailability
from evaluation.availability.failovers import node_drained
from evaluation.availability.parts import (
    SECOND,
    YEAR,
    backup,
    data_losses,
    own_stores,
    system,
)
from evaluation.formulas import formula
from evaluation.inventory.models import Database, Inventory
from evaluation.quantity import FloatArray
from evaluation.results import Availability, Block, Candidate


def availability(inventory: Inventory, candidate: Candidate) -> Availability:
    """Outages of a candidate by block, and what they sum up to; arrays of shape (draws,)."""
    draws = inventory.assumptions.machine_failures.value.shape
    found = tuple(
        Block(
            name=block.name,
            formula=block.formula,
            outages=np.broadcast_to(block.outages, draws),
            hours=np.broadcast_to(block.hours, draws),
        )
        for block in blocks(system(inventory, candidate))
    )
    away = unavailability(found)
    planned = planned_hours(inventory, candidate)
    return Availability(
        blocks=found,
        availability=np.broadcast_to((1 - away) * (1 - _beyond(inventory, planned) / YEAR), draws),
        outage_hours=np.broadcast_to(YEAR * away, draws),
        planned_hours=np.broadcast_to(planned, draws),
        longest_hours=np.broadcast_to(longest(found), draws),
        data_loss_hours=np.broadcast_to(data_loss_hours(inventory, candidate), draws),
        rpo_hours=np.broadcast_to(rpo_hours(inventory, candidate), draws),
    )


@formula("planned")
def planned_hours(inventory: Inventory, candidate: Candidate) -> FloatArray:
    """Planned hours a year: releases and restarts of a machine; on a cluster each node's failover.

    Containers are exchanged while others answer, so that releases take no time there.

    Source: arithmetic; for the failovers this project's failure budgets (`make budget`), for
        releases without an outage its rolling updates (4,508 requests, none failed).
    Limits: what lies within the agreed maintenance windows is not counted into availability, and is
        an outage for users all the same. A change of the database's schema that old code can't live
        with needs a window on any candidate.
    """
    assumed = inventory.assumptions
    restarts = assumed.reboots.value
    if candidate.nodes == 1:
        by_hand = candidate.orchestrator == "none"
        releases = assumed.releases.value * assumed.release_hours.value
        return (releases if by_hand else 0.0) + restarts * assumed.reboot_hours.value
    return candidate.nodes * restarts * node_drained(candidate) * SECOND


def _beyond(inventory: Inventory, planned: FloatArray) -> FloatArray:
    """Planned hours a year that the agreed windows do not hold."""
    return np.maximum(0.0, planned - 12 * inventory.wanted.maintenance_hours_per_month.value)


@formula("data_loss")
def data_loss_hours(inventory: Inventory, candidate: Candidate) -> FloatArray:
    """Hours of work lost in a year = losses of a store x half of the time between two copies.

    Where there are several copies, only what hits all of them at once. A database of others loses
    half of its promised RPO.

    Source: arithmetic (a loss comes at any time between two backups alike); for why arrays are lost
        at all: Schroeder & Gibson, Disk failures in the real world (FAST 2007), Bairavasundaram et
        al., An analysis of data corruption in the storage stack (FAST 2008).
    Limits: what people delete by mistake is lost on every candidate alike, and is left out.
    """
    stores = own_stores(candidate)
    lost = 0 * inventory.assumptions.data_losses.value
    if stores:
        once = data_losses(inventory, copied=all(stores.values()))
        lost = lost + once * backup(inventory).interval_hours.value / 2
    if candidate.database == "offered":
        offered = inventory.offers.database or Database()
        rate = data_losses(inventory, copied=offered.members.low > 1)
        lost = lost + rate * offered.rpo_minutes.value / 60 / 2
    return lost


@formula("rpo")
def rpo_hours(inventory: Inventory, candidate: Candidate) -> FloatArray:
    """Hours of work that the loss of one machine may cost: the time between two copies.

    None where every write is on several machines before it is acknowledged; what was promised for
    a database of others.

    Source: MariaDB Galera's certification-based replication (no acknowledged write was lost in this
        project's fault tests); GlusterFS replica 3 and CephFS write to all copies.
    Limits: a database of others may lose more when several of its machines fail.
    """
    hours = 0 * backup(inventory).interval_hours.value
    if not all(own_stores(candidate).values()):
        hours = hours + backup(inventory).interval_hours.value
    if candidate.database == "offered":
        offered = inventory.offers.database or Database()
        hours = np.maximum(hours, offered.rpo_minutes.value / 60)
    return hours
