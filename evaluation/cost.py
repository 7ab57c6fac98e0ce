"""What a candidate costs a year, and once for moving to it."""

import numpy as np

from evaluation.availability.parts import offered_cluster, offered_machines
from evaluation.formulas import formula
from evaluation.inventory.models import Inventory
from evaluation.operations import machines
from evaluation.quantity import FloatArray
from evaluation.results import Candidate, Capacity, Cost, Operations

YEARS = 5
DAY = 8.0  # h of a person day

# Copies of the database and of the files that are kept on machines of ours.
COPIES = {"on-machine": 1, "single": 1, "galera": 3, "local": 1, "glusterfs": 3, "cephfs": 3}

# Person days of moving, by step; what is not needed is left out.
IMAGES = 3.0  # Stud.IP's image with the site's plugins, tested
SETTINGS = 1.0  # the settings file, certificates, passwords
HOST = 1.0
SWARM = 2.0  # three machines, their Swarm, a node lost on purpose
KUBERNETES = 15.0  # three control planes, network, storage and load balancer drivers
MANAGED = 3.0  # access, quotas, network policies
GALERA = 2.0  # with a recovery rehearsed
GLUSTERFS = 2.0
CEPHFS = 6.0
VRRP = 0.5
OFFERED = 1.0  # each service of others: ordered, connected, tested
MONITORING = 2.0
REHEARSAL = 3.0  # a pilot with a copy of the data, load test, fault test
CUT_OVER = 2.0  # the data copy, the evening of the move, the days after it
RUNBOOKS = 2.0


def cost(
    inventory: Inventory, candidate: Candidate, capacity: Capacity, operations: Operations
) -> Cost:
    """Cost of a candidate; all arrays (draws,) in the inventory's currency."""
    items = _items(inventory, candidate, capacity, operations)
    draws = inventory.costs.staff_per_hour.value.shape
    days = np.broadcast_to(sum(migration_days(inventory, candidate).values()), draws)
    once = migration(inventory, days, operations)
    yearly = [sum(item[year] for item in items.values()) for year in range(YEARS)]
    cumulative = np.stack([once, *(once + spent for spent in np.cumsum(yearly, axis=0))], axis=-1)
    return Cost(
        items={name: np.broadcast_to(item.mean(axis=0), draws) for name, item in items.items()},
        migration=once,
        migration_days=days,
        per_year=cumulative[:, YEARS] / YEARS,
        cumulative=cumulative,
    )


@formula("cost")
def _items(
    inventory: Inventory, candidate: Candidate, capacity: Capacity, operations: Operations
) -> dict[str, FloatArray]:
    """Cost a year by item: machines, storage with its copies, services of others, staff.

    Machines by cores and memory; storage by GiB in the middle of each year; offers by their prices;
    staff by hours of upkeep. Licences cost nothing: Stud.IP, Docker Engine, Kubernetes, MariaDB,
    HAProxy, keepalived, Redis, GlusterFS, Ceph and Pulumi's engine are free software.

    Source: total cost of ownership as in Barroso, Hölzle & Ranganathan, The Datacenter as a
        Computer, 3rd edition (2018), chapter 6, with a data centre's internal prices for its
        capital and energy.
    Limits: today's prices for five years, no discounting; storage is charged for what is stored,
        without room to spare; backups at the price that is given for them.
    """
    costs = inventory.costs
    size = _sizes(inventory, candidate, capacity)
    constant = np.ones((YEARS, 1))
    return {
        "machines": constant
        * (
            size["cores"] * costs.core_per_year.value
            + size["memory"] * costs.memory_gib_per_year.value
        ),
        "storage": own_gib(inventory, candidate) * costs.storage_gib_per_year.value,
        "offers": _offers(inventory, candidate),
        "staff": constant * operations.upkeep_hours * costs.staff_per_hour.value,
    }


def _sizes(
    inventory: Inventory, candidate: Candidate, capacity: Capacity
) -> dict[str, FloatArray | float]:
    """Cores and GiB of memory of all machines of ours."""
    if candidate.managed:
        return {"cores": 0.0, "memory": 0.0}
    if candidate.orchestrator == "none":
        return {
            "cores": sum(machine.cores.value for machine in inventory.machines),
            "memory": sum(machine.memory_gib.value for machine in inventory.machines),
        }
    offered = offered_machines(inventory)
    count = needed_machines(inventory, candidate, capacity)
    return {"cores": count * offered.cores.value, "memory": count * offered.memory_gib.value}


@formula("needed_machines")
def needed_machines(inventory: Inventory, candidate: Candidate, capacity: Capacity) -> FloatArray:
    """Machines to pay for: what the load needs with one to spare, at least what a quorum needs.

    At most as many as are offered; what does not suffice then is the capacity's matter.

    Source: arithmetic on the capacity model.
    Limits: whole machines of the size on offer.
    """
    least = machines(inventory, candidate)
    most = np.maximum(least, offered_machines(inventory).count.value)
    return np.clip(np.where(np.isnan(capacity.nodes), least, capacity.nodes), least, most)


@formula("stored")
def own_gib(inventory: Inventory, candidate: Candidate) -> FloatArray:
    """GiB on machines of ours in the middle of each year, shape (years, draws): sizes x copies.

    Three copies with Galera, GlusterFS and CephFS, one otherwise; growth is linear.

    Source: this project's settings (GlusterFS replica 3, three Galera members); Ceph's default
        pool size of 3.
    Limits: an arbiter in place of GlusterFS' third copy, or erasure coding, costs less.
    """
    copies = COPIES.get(candidate.database, 0), COPIES.get(candidate.storage, 0)
    return copies[0] * _in_years(inventory, "database") + copies[1] * _in_years(inventory, "files")


def _in_years(inventory: Inventory, what: str) -> FloatArray:
    """GiB of `database` or `files` in the middle of each year, shape (years, draws)."""
    data = inventory.data
    size, growth = getattr(data, f"{what}_gib").value, getattr(data, f"{what}_growth_gib").value
    middle = np.arange(YEARS)[:, np.newaxis] + 0.5
    return np.asarray(np.maximum(0.0, size + middle * growth))


def _offers(inventory: Inventory, candidate: Candidate) -> FloatArray:
    """What others are paid, in each year; registry, GitLab and backup where they are offered."""
    offers = inventory.offers
    moved = candidate.orchestrator != "none"
    used = (
        offers.backup,
        offers.registry if moved else None,
        offers.gitlab if moved else None,
        offered_cluster(inventory, candidate),
        offers.database if candidate.database == "offered" else None,
        offers.load_balancer if candidate.balancer == "offered" else None,
    )
    paid = sum(offer.price_per_year.value for offer in used if offer is not None)
    total = np.ones((YEARS, 1)) * paid
    if candidate.storage == "offered" and offers.storage is not None:
        total = total + offers.storage.price_gib_per_year.value * _in_years(inventory, "files")
    return total


@formula("migration_days")
def migration_days(inventory: Inventory, candidate: Candidate) -> dict[str, FloatArray]:
    """Person days of moving = effort factor x days of each step.

    Image 3, settings 1, one host 1, Swarm 2, Kubernetes of our own 15, managed cluster 3, Galera
    2, GlusterFS 2, CephFS 6, moving address 0.5, each service of others 1, monitoring 2, rehearsal
    3, cut-over 2, runbooks 2. Staying costs none.

    Source: judgement, from this project's own steps (`make nodes`, `make up` take minutes: the days
        are for orders, rehearsals and tests); the factor's range from McConnell, Software
        Estimation (2006), chapter 4, the cone of uncertainty once requirements are complete.
    Limits: plugins of a site's own may need more than all of it together; procurement's waiting
        time is no work and is not in it.
    """
    if candidate.orchestrator == "none":
        return {}
    factor = inventory.assumptions.effort_factor.value
    offered = [candidate.database, candidate.storage, candidate.balancer].count("offered")
    orchestrator = {"docker": HOST, "swarm": SWARM, "kubernetes": KUBERNETES}
    days = {
        "image": IMAGES,
        "settings": SETTINGS,
        "orchestrator": MANAGED if candidate.managed else orchestrator[candidate.orchestrator],
        "database": GALERA if candidate.database == "galera" else 0.0,
        "storage": {"glusterfs": GLUSTERFS, "cephfs": CEPHFS}.get(candidate.storage, 0.0),
        "balancer": VRRP if candidate.balancer == "vrrp" else 0.0,
        "offers": offered * OFFERED,
        "monitoring": MONITORING,
        "rehearsal": REHEARSAL,
        "cut_over": CUT_OVER,
        "runbooks": RUNBOOKS,
    }
    return {step: factor * value for step, value in days.items()}


@formula("migration")
def migration(inventory: Inventory, days: FloatArray, operations: Operations) -> FloatArray:
    """Currency, once: days x 8 hours x hourly rate, and training for each skill that is missing.

    Source: arithmetic; price of training from the inventory.
    Limits: one person learns each skill; two are wiser, since one may leave.
    """
    costs = inventory.costs
    training = len(operations.missing_skills) * costs.training_per_skill.value
    return days * DAY * costs.staff_per_hour.value + training


@formula("break_even")
def break_even(candidate: Cost, stay: Cost, saved: FloatArray) -> FloatArray:
    """Years until the candidate has cost less than staying; inf where five are not enough.

    `saved`: currency a year that its fewer outages are worth. The first point at which the lines
    of what was spent, straight within a year, meet.

    Source: payback period, as in Brealey, Myers & Allen, Principles of Corporate Finance, chapter
        on net present value and other criteria.
    Limits: no discounting; savings are no money that anybody gets back.
    """
    years = np.arange(YEARS + 1)
    ahead = stay.cumulative + np.multiply.outer(saved, years) - candidate.cumulative
    over = ahead >= 0
    first = np.argmax(over, axis=1)
    rows = np.arange(len(ahead))
    at, before = ahead[rows, first], ahead[rows, np.maximum(first - 1, 0)]
    step = np.where(at > before, at - before, 1.0)
    crossing = np.where(first > 0, first - at / step, 0.0)
    return np.where(over.any(axis=1), crossing, np.inf)
