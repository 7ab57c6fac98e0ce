"""The ways to run the platform that make sense, and what each needs that is not there."""

import math
from collections.abc import Iterator, Mapping

import numpy as np

from evaluation.formulas import formula
from evaluation.inventory.models import (
    Cluster,
    Costs,
    Database,
    Inventory,
    LoadBalancer,
    Machines,
    Storage,
)
from evaluation.load import peak_requests_per_second
from evaluation.quantity import FloatArray, Quantity
from evaluation.results import Candidate, Capacity, Message, Operations

STAY = Candidate(
    name="stay",
    orchestrator="none",
    managed=False,
    nodes=1,
    database="on-machine",
    storage="local",
    balancer="none",
)

CANDIDATES: tuple[Candidate, ...] = (
    STAY,
    Candidate(
        name="docker-host",
        orchestrator="docker",
        managed=False,
        nodes=1,
        database="single",
        storage="local",
        balancer="haproxy",
    ),
    Candidate(
        name="docker-host-offered",
        orchestrator="docker",
        managed=False,
        nodes=1,
        database="offered",
        storage="offered",
        balancer="haproxy",
    ),
    Candidate(
        name="swarm",
        orchestrator="swarm",
        managed=False,
        nodes=3,
        database="galera",
        storage="glusterfs",
        balancer="vrrp",
    ),
    Candidate(
        name="swarm-offered-balancer",
        orchestrator="swarm",
        managed=False,
        nodes=3,
        database="galera",
        storage="glusterfs",
        balancer="offered",
    ),
    Candidate(
        name="swarm-offered-database",
        orchestrator="swarm",
        managed=False,
        nodes=3,
        database="offered",
        storage="glusterfs",
        balancer="vrrp",
    ),
    Candidate(
        name="swarm-offered-storage",
        orchestrator="swarm",
        managed=False,
        nodes=3,
        database="galera",
        storage="offered",
        balancer="vrrp",
    ),
    Candidate(
        name="swarm-offered",
        orchestrator="swarm",
        managed=False,
        nodes=3,
        database="offered",
        storage="offered",
        balancer="offered",
    ),
    Candidate(
        name="managed-swarm",
        orchestrator="swarm",
        managed=True,
        nodes=0,
        database="offered",
        storage="offered",
        balancer="offered",
    ),
    Candidate(
        name="kubernetes",
        orchestrator="kubernetes",
        managed=False,
        nodes=3,
        database="galera",
        storage="cephfs",
        balancer="vrrp",
    ),
    Candidate(
        name="kubernetes-offered",
        orchestrator="kubernetes",
        managed=False,
        nodes=3,
        database="offered",
        storage="offered",
        balancer="offered",
    ),
    Candidate(
        name="managed-kubernetes",
        orchestrator="kubernetes",
        managed=True,
        nodes=0,
        database="galera",
        storage="offered",
        balancer="offered",
    ),
    Candidate(
        name="managed-kubernetes-offered",
        orchestrator="kubernetes",
        managed=True,
        nodes=0,
        database="offered",
        storage="offered",
        balancer="offered",
    ),
)

YEARS = 5  # that a decision has to last
WORKING_WEEKS = 44  # a year without holidays, leave and sickness
SPARE = 2.0  # cores over the busy ones that a cluster gets which has too few of them
SERVICE = 2.0  # price of a service that nobody offers yet, over that of its machines and disks

# How hard it is to change what is missing: 1 a larger share of what is there, 2 more of the same
# kind, 3 somebody has to reconfigure something, 4 somebody has to be found, or a service added,
# 5 and more a service has to be built and run from then on.
EFFORT: Mapping[str, int] = {
    "candidates.memory": 1,
    "candidates.cores": 1,
    "candidates.load": 1,
    "candidates.storage_size": 1,
    "candidates.database_size": 1,
    "candidates.cluster_memory": 1,
    "candidates.cluster_cores": 1,
    "candidates.cluster_nodes": 2,
    "candidates.machine_count": 2,
    "candidates.machines": 2,
    "candidates.layer_2": 3,
    "candidates.storage_shared": 3,
    "candidates.load_balancer": 4,
    "candidates.hours": 4,
    "candidates.storage": 4,
    "candidates.database_engine": 5,
    "candidates.database": 5,
    "candidates.managed_swarm": 8,
    "candidates.managed_kubernetes": 8,
}


def named(name: str) -> Candidate:
    """The candidate of that name; raises KeyError."""
    return {candidate.name: candidate for candidate in CANDIDATES}[name]


def effort(message: Message) -> int:
    """How hard it is to change what the message names: see `EFFORT`."""
    return EFFORT[message.key]


def middle(quantity: Quantity) -> float:
    """The middle of its range: what hard limits are held against."""
    return (quantity.low + quantity.high) / 2


def missing(inventory: Inventory, candidate: Candidate) -> tuple[Message, ...]:
    """What the candidate needs and the data centre does not offer, the easiest to change first.

    Each names what is needed, what is there, and what would make the candidate feasible; empty:
    nothing. Zones are no hard limit: three nodes in one zone are a cluster, and availability says
    what a second zone would bring.
    """
    found = (
        *_missing_machines(inventory, candidate),
        *_missing_cluster(inventory, candidate),
        *_missing_balancer(inventory, candidate),
        *_missing_storage(inventory, candidate),
        *_missing_database(inventory, candidate),
    )
    return tuple(sorted(found, key=effort))


def too_small(
    inventory: Inventory, candidate: Candidate, capacity: Capacity, operations: Operations
) -> tuple[Message, ...]:
    """Where what is offered, or the time of the staff, does not carry the candidate.

    Staying is never too small: it is what there is, and its score says how bad it is.
    """
    if candidate == STAY:
        return ()
    found: list[Message] = []
    if np.isinf(capacity.p95_start_ms[0]):
        found.append(
            Message(
                key="candidates.load",
                values={
                    "needed": float(capacity.demand_start_rps[0]),
                    "carried": float(capacity.rps[0]),
                },
            )
        )
    available = middle(inventory.staff.hours_per_week) * WORKING_WEEKS
    if operations.upkeep_hours[0] > available:
        values = {
            "needed": float(operations.upkeep_hours[0]),
            "available": available,
            "more": (float(operations.upkeep_hours[0]) - available) / WORKING_WEEKS,
        }
        found.append(Message(key="candidates.hours", values=values))
    return tuple(sorted(found, key=effort))


def not_deployed(candidate: Candidate) -> Message | None:
    """That this project models the candidate but does not deploy it yet; None where it does."""
    if candidate.orchestrator == "kubernetes":
        return Message(key="candidates.not_deployed")
    return None


def _missing_machines(inventory: Inventory, candidate: Candidate) -> Iterator[Message]:
    if candidate == STAY or candidate.managed:
        return
    machines = inventory.offers.machines
    if machines is None:
        yield Message(key="candidates.machines", values={"needed": candidate.nodes})
        return
    if middle(machines.count) < candidate.nodes:
        yield Message(
            key="candidates.machine_count",
            values={"needed": candidate.nodes, "offered": middle(machines.count)},
        )
    needed = float(node_memory(inventory, candidate, machines.cores.value)[0])
    if middle(machines.memory_gib) < needed:
        yield Message(
            key="candidates.memory",
            values={"needed": needed, "offered": middle(machines.memory_gib)},
        )
    count = max(middle(machines.count), 1) if candidate.nodes > 1 else 1
    yield from _missing_cores(inventory, "candidates.cores", count * middle(machines.cores))


def _missing_cluster(inventory: Inventory, candidate: Candidate) -> Iterator[Message]:
    if not candidate.managed:
        return
    cluster = cluster_of(inventory, candidate)
    if cluster is None:
        yield Message(key=f"candidates.managed_{candidate.orchestrator}")
        return
    if candidate.database == "galera" and middle(cluster.nodes) < 3:
        yield Message(
            key="candidates.cluster_nodes", values={"needed": 3, "offered": middle(cluster.nodes)}
        )
    needed = float(cluster_memory(inventory, candidate, cluster.cores.value)[0])
    if middle(cluster.memory_gib) < needed:
        yield Message(
            key="candidates.cluster_memory",
            values={"needed": needed, "offered": middle(cluster.memory_gib)},
        )
    yield from _missing_cores(inventory, "candidates.cluster_cores", middle(cluster.cores))


def _missing_cores(inventory: Inventory, key: str, offered: float) -> Iterator[Message]:
    needed = float(busy_cores(inventory)[0])
    if offered < needed:
        yield Message(key=key, values={"needed": needed, "offered": offered})


def _missing_balancer(inventory: Inventory, candidate: Candidate) -> Iterator[Message]:
    if candidate.balancer == "vrrp" and not inventory.offers.network.shared_layer_2:
        yield Message(key="candidates.layer_2")
    # A managed cluster brings its own way in.
    own_way_in = candidate.managed or inventory.offers.load_balancer is not None
    if candidate.balancer == "offered" and not own_way_in:
        yield Message(key="candidates.load_balancer")


def _missing_storage(inventory: Inventory, candidate: Candidate) -> Iterator[Message]:
    if candidate.storage != "offered":
        return
    storage = inventory.offers.storage
    if storage is None:
        yield Message(key="candidates.storage", values={"needed": in_five_years(inventory)[1]})
        return
    if not storage.shared and candidate.orchestrator != "docker":
        yield Message(key="candidates.storage_shared", values={"kind": storage.kind})
    if middle(storage.size_gib) < in_five_years(inventory)[1]:
        yield Message(
            key="candidates.storage_size",
            values={"needed": in_five_years(inventory)[1], "offered": middle(storage.size_gib)},
        )


def _missing_database(inventory: Inventory, candidate: Candidate) -> Iterator[Message]:
    if candidate.database != "offered":
        return
    database = inventory.offers.database
    if database is None:
        yield Message(key="candidates.database", values={"needed": in_five_years(inventory)[0]})
        return
    if database.engine == "other":
        yield Message(key="candidates.database_engine")
    if middle(database.size_gib) < in_five_years(inventory)[0]:
        yield Message(
            key="candidates.database_size",
            values={"needed": in_five_years(inventory)[0], "offered": middle(database.size_gib)},
        )


def cluster_of(inventory: Inventory, candidate: Candidate) -> Cluster | None:
    """The offered cluster that a managed candidate runs on; None: none is offered."""
    offers = inventory.offers
    return offers.swarm if candidate.orchestrator == "swarm" else offers.kubernetes


def in_five_years(inventory: Inventory) -> tuple[float, float]:
    """GiB of the database and of the files at the end of the time that is planned for."""
    data = inventory.data
    return (
        middle(data.database_gib) + YEARS * middle(data.database_growth_gib),
        middle(data.files_gib) + YEARS * middle(data.files_growth_gib),
    )


@formula("busy_cores")
def busy_cores(inventory: Inventory) -> FloatArray:
    """Cores that are busy at semester start: arrivals x CPU time of a request.

    Fewer cores than that can't carry the load, however it is spread.

    Source: utilisation law: Lazowska, Zahorjan, Graham, Sevcik, Quantitative System Performance
        (1984), chapter 3.
    Limits: a bound, not enough: response times grow without limit on the way there; what the
        platform's own parts take is not in it.
    """
    load = inventory.load
    start = peak_requests_per_second(inventory) * load.semester_start_factor.value
    return start * load.service_time_ms.value / 1000 * load.cpu_share.value


@formula("node_memory")
def node_memory(inventory: Inventory, candidate: Candidate, cores: FloatArray) -> FloatArray:
    """GiB that one node of our own needs: system, orchestrator, its parts, and web workers.

    1 GiB for the system; 2 GiB for Kubernetes' agents and its share of the control plane, 0.25 GiB
    for Docker or Swarm; 1 GiB and a quarter of the database for a database member's buffer, 16 GiB
    at most; 1 GiB for a GlusterFS brick, 6 GiB for a Ceph OSD with its share of monitors; 0.1 GiB
    for each PHP worker.

    Source: kubeadm's installation guide (2 GiB a machine), Ceph's hardware recommendations
        (`osd_memory_target` 4 GiB, 1 to 2 GiB for a monitor), memory of this project's containers
        as measured, PHP's memory_limit of 128 MiB as the bound of a worker.
    Limits: the quarter of the database that is hot, and 0.1 GiB a worker, are judgements; a site
        that measures its buffer pool's hit rate knows better.
    """
    orchestrator = {"none": 0.0, "docker": 0.25, "swarm": 0.25, "kubernetes": 2.0}
    storage = {"local": 0.0, "offered": 0.0, "glusterfs": 1.0, "cephfs": 6.0}
    own_database = candidate.database in ("galera", "single", "on-machine")
    buffer = min(16.0, 1 + in_five_years(inventory)[0] / 4) if own_database else 0.0
    workers = inventory.load.workers_per_core.value * cores * 0.1
    return 1 + orchestrator[candidate.orchestrator] + storage[candidate.storage] + buffer + workers


def cluster_memory(inventory: Inventory, candidate: Candidate, cores: FloatArray) -> FloatArray:
    """GiB of an offered cluster that the platform takes: workers, and three members if its own."""
    members = 3 * min(16.0, 1 + in_five_years(inventory)[0] / 4)
    workers = inventory.load.workers_per_core.value * cores * 0.1
    return workers + (members if candidate.database == "galera" else 0.0)


def as_if_offered(inventory: Inventory) -> Inventory:
    """The inventory as if everything was offered that a candidate may need.

    So that what is not feasible can be calculated all the same. A service that is not offered gets
    the size that the site needs, the service level that is this project's default, and twice the
    price of the machines and disks behind it: once for themselves, once for the people who run
    them. Fewer than three machines become three, too few cores become enough.
    """
    offers, costs = inventory.offers, inventory.costs
    machines = _enough_machines(inventory, offers.machines or _like_today(inventory))
    database_gib, files_gib = in_five_years(inventory)
    disks = costs.storage_gib_per_year
    filled = {
        "machines": machines,
        "swarm": _enough_cores(inventory, offers.swarm or _behind(costs, machines)),
        "kubernetes": _enough_cores(inventory, offers.kubernetes or _behind(costs, machines)),
        "load_balancer": offers.load_balancer or LoadBalancer(price_per_year=_priced(costs, 2, 2)),
        "database": offers.database
        or Database(size_gib=Quantity.of(database_gib), price_per_year=_priced(costs, 12, 48)),
        "storage": offers.storage
        or Storage(
            size_gib=Quantity.of(files_gib),
            price_gib_per_year=Quantity.of(SERVICE * disks.low, SERVICE * disks.high),
        ),
    }
    return inventory.model_copy(update={"offers": offers.model_copy(update=filled)})


def _like_today(inventory: Inventory) -> Machines:
    today = inventory.machines
    return Machines(
        cores=Quantity.of(max(4.0, sum(middle(machine.cores) for machine in today))),
        memory_gib=Quantity.of(max(16.0, sum(middle(machine.memory_gib) for machine in today))),
    )


def _enough_machines(inventory: Inventory, machines: Machines) -> Machines:
    count = max(3.0, middle(machines.count))
    busy = float(busy_cores(inventory)[0])
    changed: dict[str, Quantity] = {}
    if middle(machines.count) < count:
        changed["count"] = Quantity.of(count)
    if middle(machines.cores) * count < busy:
        changed["cores"] = Quantity.of(math.ceil(SPARE * busy / count))
    return machines.model_copy(update=changed)


def _enough_cores(inventory: Inventory, cluster: Cluster) -> Cluster:
    busy = float(busy_cores(inventory)[0])
    if middle(cluster.cores) >= busy:
        return cluster
    return cluster.model_copy(update={"cores": Quantity.of(math.ceil(SPARE * busy))})


def _behind(costs: Costs, machines: Machines) -> Cluster:
    """A cluster that others would run on three such machines."""
    cores, memory = 3 * middle(machines.cores), 3 * middle(machines.memory_gib)
    return Cluster(
        cores=Quantity.of(cores),
        memory_gib=Quantity.of(memory),
        price_per_year=_priced(costs, cores, memory),
    )


def _priced(costs: Costs, cores: float, memory: float) -> Quantity:
    def price(core: float, gib: float) -> float:
        return SERVICE * (cores * core + memory * gib)

    return Quantity.of(
        price(costs.core_per_year.low, costs.memory_gib_per_year.low),
        price(costs.core_per_year.high, costs.memory_gib_per_year.high),
    )
