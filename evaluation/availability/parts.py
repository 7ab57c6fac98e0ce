"""What may fail by itself, how often, and how long it stays away: the numbers under both models.

The closed form (`blocks.py`) and the simulation (`monte_carlo.py`) start from the same parts, and
go their own ways from there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from evaluation.availability import failovers
from evaluation.formulas import formula
from evaluation.inventory.models import (
    Backup,
    Cluster,
    Database,
    Inventory,
    LoadBalancer,
    Machines,
    Storage,
)
from evaluation.operations import lack_of_experience
from evaluation.quantity import FloatArray
from evaluation.results import Candidate

YEAR = 8760.0  # h
WEEK = 168.0  # h
OFFICE_HOURS = 40.0  # h/week
SECOND = 1 / 3600  # h
MEMBERS = 3  # of a database cluster inside a cluster that others run

# Upgrades a year of what we run ourselves beside the systems of the machines; each may fail.
UPGRADES = {"docker": 1.0, "swarm": 2.0, "kubernetes": 3.0, "galera": 1.0, "single": 1.0}
UPGRADES |= {"on-machine": 1.0, "glusterfs": 1.0, "cephfs": 1.0}


@dataclass(frozen=True, kw_only=True)
class Part:
    """Something that works, fails, and is repaired; all of them must work."""

    name: str  # key in texts: availability.block.<name>
    formula: str
    failures: FloatArray  # 1/year while it works
    hours: FloatArray  # mean h until it works again


@dataclass(frozen=True, kw_only=True)
class Nodes:
    """Machines of which some may fail, each in a zone that may fail with all that it has."""

    members: int
    needed: int
    failures: FloatArray  # 1/year of one node by itself while it works
    hours: FloatArray  # mean h until it works again
    failover_hours: float  # h without service when one is lost and enough remain
    zones: FloatArray  # that they are spread over; whole numbers from 1
    zone_failures: FloatArray  # 1/year of one zone by itself; 0: others answer for zones
    zone_hours: FloatArray


@dataclass(frozen=True, kw_only=True)
class System:
    """A candidate as its failures see it."""

    parts: tuple[Part, ...]  # in series
    nodes: Nodes | None  # in series too; none: one machine, or others' machines only


def system(inventory: Inventory, candidate: Candidate) -> System:
    """All that may take the platform away, beside planned maintenance."""
    return System(
        parts=tuple(_parts(inventory, candidate)), nodes=cluster_nodes(inventory, candidate)
    )


def _parts(inventory: Inventory, candidate: Candidate) -> Iterator[Part]:
    yield _site(inventory, candidate)
    yield _network(inventory)
    yield from _machines(inventory, candidate)
    yield from _processes(inventory, candidate)
    yield from _offered(inventory, candidate)
    yield _operator(inventory, candidate)
    yield _releases(inventory)
    yield _upgrades(inventory, candidate)
    yield from _data(inventory, candidate)


@formula("reaction")
def reaction(inventory: Inventory) -> FloatArray:
    """Mean hours until somebody looks: by day in 40 of the week's 168 hours, else off time.

    With on-call duty the same at any hour.

    Source: arithmetic; failures come at any hour of the week alike.
    Limits: failures that load brings come by day, so the mean is rather too high for those; who
        has nobody on a long holiday gives longer hours off time.
    """
    staff = inventory.staff
    day = staff.reaction_hours.value
    if staff.on_call:
        return day
    share = OFFICE_HOURS / WEEK
    return share * day + (1 - share) * staff.reaction_hours_off_time.value


@formula("renewal")
def _network(inventory: Inventory) -> Part:
    """Outages a year = failures / (1 + failures x hours / 8,760): one thing, repaired each time.

    Source: Rausand & Høyland, System Reliability Theory, 2nd edition (2004), chapter 7 (alternating
        renewal process: 1 / (MTTF + MTTR)); Trivedi, Probability and Statistics with Reliability,
        Queuing, and Computer Science Applications, 2nd edition (2002), section 6.7.
    Limits: failures at a constant rate; Schroeder & Gibson (2006) found decreasing ones, so that
        they cluster more than here. Their mean, which availability depends on, stays.
    """
    assumed = inventory.assumptions
    return Part(
        name="network",
        formula="renewal",
        failures=assumed.network_failures.value,
        hours=assumed.network_repair_hours.value,
    )


@formula("common_cause")
def _independent(inventory: Inventory) -> tuple[FloatArray, FloatArray]:
    """Of a rate of failures the share beta hits all members at once, the rest one member alone.

    Zones alike: the share beta of a zone's failures (power, cooling) hits all zones.

    Source: beta-factor model (Fleming 1975), as in IEC 61508-6:2010, annex D; Rausand & Høyland
        (2004), section 6.2.
    Limits: one beta for everything from a shared hypervisor to a faulty update of all machines.
    """
    share = inventory.assumptions.common_cause_share.value
    return 1 - share, share


def _site(inventory: Inventory, candidate: Candidate) -> Part:
    """Power and cooling: of the one site, or what the zones of a cluster of ours have in common."""
    assumed = inventory.assumptions
    _, common = _independent(inventory)
    return Part(
        name="site",
        formula="common_cause" if candidate.nodes > 1 else "renewal",
        failures=assumed.site_failures.value * (common if candidate.nodes > 1 else 1.0),
        hours=assumed.site_repair_hours.value,
    )


def repair_hours(inventory: Inventory, *, virtual: bool) -> FloatArray:
    """Mean h until a machine works again: started elsewhere, or somebody comes and repairs it."""
    assumed = inventory.assumptions
    if virtual:
        return assumed.virtual_restart_hours.value
    return reaction(inventory) + assumed.machine_repair_hours.value


def offered_machines(inventory: Inventory) -> Machines:
    """The machines on offer; the default ones where none are, so that they can be judged at all."""
    return inventory.offers.machines or Machines()


@formula("machines")
def _machines(inventory: Inventory, candidate: Candidate) -> Iterator[Part]:
    """A single machine: failures x hours until a hypervisor has started it elsewhere.

    Without a hypervisor the time of reaction and of repair instead. What hits all machines at once
    (storage under the hypervisor, a faulty update) is repaired by people whatever runs on them.
    Several machines of today are in series, each one doing what no other does; web machines behind
    a load balancer are not.

    Source: Rausand & Høyland (2004), sections 3.9 and 9.4 (series structure).
    Limits: that a hypervisor starts machines elsewhere has to be set up, and to be tried.
    """
    if candidate.managed:
        return
    alone, common = _independent(inventory)
    failures = inventory.assumptions.machine_failures.value
    yield Part(
        name="common_cause",
        formula="common_cause",
        failures=common * failures,
        hours=reaction(inventory) + inventory.assumptions.machine_repair_hours.value,
    )
    for virtual, count in _single_machines(inventory, candidate).items():
        yield Part(
            name="machines" if virtual else "machines_repaired",
            formula="machines",
            failures=count * alone * failures,
            hours=repair_hours(inventory, virtual=virtual),
        )


def _single_machines(inventory: Inventory, candidate: Candidate) -> dict[bool, int]:
    """How many machines the platform can't do without, by whether they are virtual."""
    if candidate.nodes > 1:
        return {}
    if candidate.orchestrator != "none":
        return {offered_machines(inventory).virtual: 1}
    machines = inventory.machines
    web = [machine for machine in machines if machine.role == "web"]
    spared = len(web) > 1 and any(machine.role == "balancer" for machine in machines)
    needed = [machine for machine in machines if not (spared and machine.role == "web")]
    kinds = [machine.virtual for machine in needed]
    return {kind: kinds.count(kind) for kind in set(kinds)}


@formula("processes")
def _processes(inventory: Inventory, candidate: Candidate) -> Iterator[Part]:
    """On one machine: process failures x restart. What hangs instead waits for a person.

    With containers health checks notice most of what hangs. With several nodes others take over:
    failures of each node's processes x the longest of the parts' failovers; a hang that nobody
    notices spoils the share of requests that this node has.

    Source: this project's failure budgets for failovers; Huang et al., Gray Failure: The Achilles'
        Heel of Cloud-Scale Systems (HotOS 2017), on failures that monitors do not see.
    Limits: failures of all services together, whether they share a machine today or not.
    """
    assumed = inventory.assumptions
    failures = assumed.process_failures.value
    by_hand = candidate.orchestrator == "none"
    unnoticed = assumed.hang_share.value * (1.0 if by_hand else 1 - assumed.hangs_noticed.value)
    restart = assumed.process_restart_hours.value
    if candidate.nodes == 1:
        yield Part(
            name="processes",
            formula="processes",
            failures=(1 - unnoticed) * failures,
            hours=restart,
        )
    else:
        seconds = failovers.process_killed(candidate)
        yield Part(
            name="processes",
            formula="processes",
            failures=(1 - unnoticed) * _node_count(inventory, candidate) * failures,
            hours=np.full_like(failures, seconds * SECOND),
        )
    yield Part(
        name="hangs",
        formula="processes",
        failures=unnoticed * failures,
        hours=reaction(inventory) + restart,
    )
    if candidate.database == "galera":
        _, common = _independent(inventory)
        yield Part(
            name="processes_common",
            formula="common_cause",
            failures=common * failures,
            hours=restart,
        )


def _node_count(inventory: Inventory, candidate: Candidate) -> FloatArray | float:
    cluster = offered_cluster(inventory, candidate)
    return cluster.nodes.value if cluster is not None else float(candidate.nodes)


def offered_cluster(inventory: Inventory, candidate: Candidate) -> Cluster | None:
    """The cluster of others that a candidate runs on; the default one where none is offered."""
    if not candidate.managed:
        return None
    offers = inventory.offers
    offered = offers.swarm if candidate.orchestrator == "swarm" else offers.kubernetes
    return offered or Cluster()


def cluster_nodes(inventory: Inventory, candidate: Candidate) -> Nodes | None:
    """Nodes with a majority to keep; inside a managed cluster those of a database of our own."""
    if candidate.nodes == 1:
        return None
    if candidate.managed and candidate.database != "galera":
        return None
    assumed = inventory.assumptions
    alone, _ = _independent(inventory)
    virtual = candidate.managed or offered_machines(inventory).virtual
    members = candidate.nodes or MEMBERS
    zones = offered_machines(inventory).zones.value
    return Nodes(
        members=members,
        needed=members // 2 + 1,
        failures=alone * assumed.machine_failures.value,
        hours=repair_hours(inventory, virtual=virtual),
        failover_hours=failovers.node_lost(candidate) * SECOND,
        zones=np.minimum(np.floor(zones), members),
        zone_failures=alone * assumed.site_failures.value * (0.0 if candidate.managed else 1.0),
        zone_hours=assumed.site_repair_hours.value,
    )


@formula("promise")
def _offered(inventory: Inventory, candidate: Candidate) -> Iterator[Part]:
    """What others run: (1 - promised availability) x share of it that is used x 8,760 hours a year.

    Power, cooling and network of the site stand as blocks of their own, so the share is what comes
    beside these. Outages a year = those hours / mean hours of one outage.

    Source: definition of availability; that a promise has a margin of safety: Beyer et al., Site
        Reliability Engineering (2016), chapter 4; that it says neither how often nor how long:
        Uptime Institute Journal, 99 Red Flags.
    Limits: a promise is what is compensated, not what was measured; ask for the last years' record
        and give that. Services of one provider may fail together, which is counted twice here.
    """
    assumed, offers = inventory.assumptions, inventory.offers
    promised = {
        "orchestrator": offered_cluster(inventory, candidate),
        "database": (offers.database or Database()) if candidate.database == "offered" else None,
        "storage": (offers.storage or Storage()) if candidate.storage == "offered" else None,
        "balancer": (offers.load_balancer or LoadBalancer())
        if candidate.balancer == "offered"
        else None,
    }
    hours = assumed.offered_outage_hours.value
    for name, offer in promised.items():
        if offer is None:
            continue
        away = (1 - offer.availability_percent.value / 100) * assumed.promise_used.value
        # Failures while it works, so that what it is away comes out as promised.
        yield Part(
            name=name, formula="promise", failures=YEAR * away / (1 - away) / hours, hours=hours
        )


@formula("operator")
def _operator(inventory: Inventory, candidate: Candidate) -> Part:
    """Mistakes a year = mistakes on one machine x (1 + (factor - 1) x skills that are not solid).

    A skill at basic counts half, and what is missing has been trained up to basic.

    Source: judgement for the form; that operators are the largest cause of failures: Oppenheimer,
        Ganapathi & Patterson, Why do Internet services fail, and what can be done about it? (USITS
        2003); Gray, Why do computers stop and what can be done about it? (1985).
    Limits: no study gives the factor for teams of this size; the tornado shows what hangs on it.
    """
    assumed = inventory.assumptions
    lack = lack_of_experience(inventory, candidate) if candidate.orchestrator != "none" else 0.0
    factor = np.maximum(0.0, 1 + (assumed.cluster_error_factor.value - 1) * lack)
    return Part(
        name="operator",
        formula="operator",
        failures=assumed.operator_errors.value * factor,
        hours=assumed.operator_error_hours.value,
    )


@formula("releases")
def _releases(inventory: Inventory) -> Part:
    """Outages a year = releases x share that fail, each as long as a mistake of an operator.

    Source: change failure rate of DORA, Accelerate State of DevOps Report 2024.
    Limits: a roll-out that health checks stop in time costs nothing and is counted all the same.
    """
    assumed = inventory.assumptions
    return Part(
        name="releases",
        formula="releases",
        failures=assumed.releases.value * assumed.release_failure_share.value,
        hours=assumed.operator_error_hours.value,
    )


def upgrades_a_year(candidate: Candidate) -> float:
    """Upgrades of what we run ourselves beside the machines' systems."""
    kinds: set[str] = {candidate.database, candidate.storage}
    if not candidate.managed:
        kinds.add(candidate.orchestrator)
    return sum(UPGRADES.get(kind, 0.0) for kind in kinds)


@formula("upgrades")
def _upgrades(inventory: Inventory, candidate: Candidate) -> Part:
    """Outages a year = upgrades of platform parts x share that fail, as long as a mistake each.

    Kubernetes has three upgrades a year, Swarm two, a database, GlusterFS or CephFS one each.

    Source: release cadences of the vendors (Kubernetes: three minor releases a year; Ceph: one
        stable release a year); the share as for releases.
    Limits: the share of failed releases of an application, taken for infrastructure too.
    """
    assumed = inventory.assumptions
    return Part(
        name="upgrades",
        formula="upgrades",
        failures=upgrades_a_year(candidate) * assumed.release_failure_share.value,
        hours=assumed.operator_error_hours.value,
    )


def backup(inventory: Inventory) -> Backup:
    """Copies as offered; a nightly one of our own otherwise."""
    return inventory.offers.backup or Backup()


def own_stores(candidate: Candidate) -> dict[str, bool]:
    """What keeps data on machines of ours, and whether each has several copies."""
    stores = {}
    if candidate.database != "offered":
        stores["database"] = candidate.database == "galera"
    if candidate.storage != "offered":
        stores["files"] = candidate.storage in ("glusterfs", "cephfs")
    return stores


def data_losses(inventory: Inventory, *, copied: bool) -> FloatArray:
    """1/year that a store of ours is lost: any of them, or all copies at once."""
    assumed = inventory.assumptions
    return assumed.data_losses.value * (assumed.common_cause_share.value if copied else 1.0)


@formula("restore")
def restore_hours(inventory: Inventory, candidate: Candidate) -> FloatArray:
    """Hours to restore = (GiB of our own stores) / (GiB an hour from the backup).

    Source: arithmetic; the rate is to be measured by a restore that is rehearsed.
    Limits: files and database one after the other, at today's size; many small files are slower
        than the rate that a backup's vendor names.
    """
    data = inventory.data
    sizes = {"database": data.database_gib.value, "files": data.files_gib.value}
    total = sum((sizes[store] for store in own_stores(candidate)), start=0 * data.files_gib.value)
    return total / backup(inventory).restore_gib_per_hour.value


def _data(inventory: Inventory, candidate: Candidate) -> Iterator[Part]:
    stores = own_stores(candidate)
    if stores:
        yield Part(
            name="data",
            formula="restore",
            failures=data_losses(inventory, copied=all(stores.values())),
            hours=reaction(inventory) + restore_hours(inventory, candidate),
        )
