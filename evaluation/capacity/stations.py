"""What requests queue for: the cores of a candidate, and its one database that writes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.capacity.queueing import Station
from evaluation.formulas import formula
from evaluation.inventory.models import Cluster, Database, Inventory, Machines
from evaluation.quantity import FloatArray, Quantity
from evaluation.results import Candidate

LEAST = 0.05  # cores that are left at least, so that numbers stay finite


@dataclass(frozen=True, kw_only=True)
class Cores:
    """Cores that serve requests, what the platform takes already taken off."""

    total: FloatArray  # of all machines on which web replicas run
    node: FloatArray  # of the machine on which the database writes
    database: FloatArray | None  # of a database on machines of its own


def draws(inventory: Inventory) -> int:
    """How many draws the inventory has."""
    return int(np.size(inventory.load.service_time_ms.value))


def spread_over(inventory: Inventory, quantity: Quantity) -> FloatArray:
    """A quantity with one number a draw, also where it is a default that was not drawn."""
    return np.full(draws(inventory), quantity.value, dtype=np.float64)


@formula("capacity.platform_cores")
def platform_cores(candidate: Candidate, node: FloatArray, nodes: FloatArray) -> FloatArray:
    """Cores of each node that the platform itself takes.

    0.2 for engine, load balancer, cache, proxies and the cron worker; Kubernetes 0.08 + 1 % of the
    node for its agents and, where it is our own, 1 for its control plane; GlusterFS 0.5; Ceph 1 for
    the disks and 1 for the monitor of each node, and 2 in all for the metadata server.

    Source: Kubernetes' agents: Google, Anthos clusters on-prem 1.5, Resources available for your
    workloads; Ceph: IBM Storage Ceph 7, Minimum hardware considerations (one core each), and
    docs.ceph.com, Deploying metadata servers (2 to 3 cores at the most aggressive loads). Control
    plane: judgement, half of the two that kubeadm demands of a machine; GlusterFS and the rest:
    judgement, they were some hundredths of a core on the idle platform of this project.
    Limits: does not grow with the load; one disk for Ceph on each node.
    """
    taken = np.full_like(node, 0.2)
    if candidate.orchestrator == "kubernetes":
        taken = taken + 0.08 + 0.01 * node + (0.0 if candidate.managed else 1.0)
    if candidate.storage == "glusterfs":
        taken = taken + 0.5
    if candidate.storage == "cephfs":
        taken = taken + 2.0 + 2.0 / nodes
    return taken


@formula("capacity.replication_cores")
def replication_cores(
    candidate: Candidate, total: FloatArray, nodes: FloatArray, database_share: FloatArray
) -> FloatArray:
    """Cores that are left when each other member of the database has applied what the one wrote.

    total / (1 + database share x 0.1 x (members - 1)).

    Source: Galera applies the rows that the writer sends (MariaDB, Galera Cluster, About);
    0.1: judgement, a tenth of the database's work is writing, and rows are cheaper than statements.
    Limits: one member on each of three nodes; heavy writing (archiving, imports) takes more.
    """
    if candidate.database != "galera":
        return total
    left: FloatArray = total / (1 + database_share * 0.1 * (np.minimum(nodes, 3.0) - 1))
    return left


def cores(inventory: Inventory, candidate: Candidate, nodes: FloatArray) -> Cores:
    """Cores of a candidate on `nodes` machines; what is not offered has its default size."""
    if candidate.orchestrator == "none":
        return _today(inventory)
    node = node_cores(inventory, candidate)
    left = np.maximum(node - platform_cores(candidate, node, nodes), LEAST)
    total = replication_cores(
        candidate, nodes * left, nodes, spread_over(inventory, inventory.load.database_share)
    )
    database = None
    if candidate.database == "offered":
        database = spread_over(inventory, (inventory.offers.database or Database()).cores)
    return Cores(total=total, node=np.minimum(left, total), database=database)


def node_cores(inventory: Inventory, candidate: Candidate) -> FloatArray:
    """Cores of one machine that is on offer, or of one node of an offered cluster."""
    if candidate.managed:
        cluster = offered_cluster(inventory, candidate)
        return spread_over(inventory, cluster.cores) / spread_over(inventory, cluster.nodes)
    return spread_over(inventory, (inventory.offers.machines or Machines()).cores)


def offered_cluster(inventory: Inventory, candidate: Candidate) -> Cluster:
    """The Swarm or Kubernetes that others run; the default one where there is none."""
    offers = inventory.offers
    return (offers.swarm if candidate.orchestrator == "swarm" else offers.kubernetes) or Cluster()


def offered_nodes(inventory: Inventory, candidate: Candidate) -> FloatArray:
    """Machines or nodes that there may be at most, but as many as the candidate needs at least."""
    least = float(max(candidate.nodes, 1))
    if candidate.managed:
        offered = offered_cluster(inventory, candidate).nodes
    elif candidate.orchestrator in ("swarm", "kubernetes"):
        offered = (inventory.offers.machines or Machines()).count
    else:
        return np.full(draws(inventory), least)
    return np.maximum(np.floor(spread_over(inventory, offered)), least)


def _today(inventory: Inventory) -> Cores:
    machines = inventory.machines
    sizes = {m.name: spread_over(inventory, m.cores) for m in machines}
    web = [sizes[m.name] for m in machines if m.role in ("all", "web")] or list(sizes.values())
    own = [sizes[m.name] for m in machines if m.role == "database"]
    together = [sizes[m.name] for m in machines if m.role == "all"] or web
    return Cores(
        total=np.sum(web, axis=0),
        node=np.max(together, axis=0),
        database=np.max(own, axis=0) if own else None,
    )


@formula("capacity.stations")
def stations(inventory: Inventory, found: Cores) -> Sequence[Station]:
    """The web replicas and the database as two stations, or one where both share one machine.

    PHP processes take (1 - database share) of the service time, the database takes the rest. A core
    carries 1 / CPU share requests at a time; there are workers per core x cores PHP processes, each
    held until its request is answered, so that (1 - database share) of them can be at work
    themselves. One database member writes and is asked, on the cores of one machine: it takes as
    much of its machine as its share of all work, and more web replicas do not help it.

    Source: bottleneck analysis: P. J. Denning and J. P. Buzen, The operational analysis of queueing
    network models, ACM Computing Surveys 10 (1978) 225-261; one writer: this project's proxies.
    Limits: disks and network are waited for, but do not queue; reads that go to other members of
    the database are not counted on; cores of today's machines and of offered ones count the same.
    """
    load = inventory.load
    service = spread_over(inventory, load.service_time_ms) / 1000
    share = np.clip(spread_over(inventory, load.database_share), 1e-3, 1 - 1e-3)
    busy = spread_over(inventory, load.cpu_share)
    workers = spread_over(inventory, load.workers_per_core) * found.total
    if found.database is None and np.all(found.node >= found.total):
        servers = np.minimum(found.total / busy, workers)
        return (Station(service=service, servers=servers, slots=workers),)
    database = found.database
    if database is None:
        database = np.minimum(found.node, share * found.total)
        web = found.total - database
    else:
        web = found.total
    at_work = workers * (1 - share)
    return (
        Station(
            service=service * (1 - share),
            servers=np.minimum(web / busy, at_work),
            slots=at_work,
        ),
        Station(
            service=service * share,
            servers=np.minimum(database / busy, workers),
            slots=workers,
        ),
    )
