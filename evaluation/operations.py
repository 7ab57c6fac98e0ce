"""What running a candidate asks of people: hours of upkeep, skills, risks with their sources."""

from collections.abc import Iterator, Mapping

from evaluation.formulas import formula
from evaluation.inventory.models import Inventory, Level
from evaluation.quantity import FloatArray
from evaluation.results import Candidate, Message, Operations

# Listed for completeness: the fourth orchestrator of the field, and why it is no candidate.
MESOS = Message(key="operations.mesos")

LEVELS: Mapping[Level, int] = {"none": 0, "basic": 1, "solid": 2}

# Upkeep by what is run by ourselves, h/year: patches, upgrades, certificates, a look at it once a
# week, the occasional repair. Releases of the platform come on top.
MACHINE = 12.0  # each: an hour a month for its system
DOCKER = 12.0
SWARM = 30.0  # engines of three nodes, node replacement rehearsed twice a year
KUBERNETES = (
    200.0  # three upgrades a year of 3 days each, certificates, network and storage drivers
)
MANAGED = 40.0  # following the provider's upgrades, quotas, access
SINGLE_DATABASE = 16.0
GALERA = 48.0  # upgrades member by member, a recovery rehearsed twice a year
GLUSTERFS = 60.0  # heals watched, one upgrade, a brick replaced
CEPHFS = 150.0  # one major upgrade, disks and placement watched
ADDRESS = 10.0  # keepalived and load balancers
BACKUP = 16.0  # with one restore rehearsed a year
OFFERED = 6.0  # each service of others: announcements, tickets, tests after their changes
RELEASE_BY_HAND = 4.0  # each: by hand on a machine, outside office hours
RELEASE_ROLLED = 1.5  # each: one command, watched


def operations(inventory: Inventory, candidate: Candidate) -> Operations:
    """Hours of upkeep, shape (draws,); skills that are missing; risks."""
    return Operations(
        upkeep_hours=sum(upkeep(inventory, candidate).values(), start=no_hours(inventory)),
        missing_skills=tuple(
            skill
            for skill, level in needed_skills(candidate).items()
            if LEVELS[getattr(inventory.staff.skills, skill)] < LEVELS[level]
        ),
        risks=tuple(risks(inventory, candidate)),
    )


def no_hours(inventory: Inventory) -> FloatArray:
    """Zero for each draw, shape (draws,)."""
    return 0.0 * inventory.assumptions.effort_factor.value


@formula("upkeep")
def upkeep(inventory: Inventory, candidate: Candidate) -> dict[str, FloatArray]:
    """Hours a year = effort factor x hours of each part that we run, plus hours a release.

    A machine takes 12 h a year, Docker 12, a Swarm 30, Kubernetes of our own 200, a managed
    cluster 40, a single database 16, Galera 48, GlusterFS 60, CephFS 150, a moving address 10,
    backups 16, a service of others 6; a release 4 h by hand, 1.5 h rolled out.

    Source: judgement, from the tasks that the vendors' operating guides name (Kubernetes: three
        minor releases a year, each maintained for some 14 months; Ceph: one a year), at an hour for
        a routine task and a day for an upgrade with its rehearsal; Beyer et al., Site Reliability
        Engineering (2016), chapter 5, on what counts as such toil.
    Limits: a team of its own for Kubernetes spreads its hours over many applications; here all of
        them are charged to this one.
    """
    factor = inventory.assumptions.effort_factor.value
    releases = inventory.assumptions.releases.value
    by_hand = candidate.orchestrator == "none"
    hours: dict[str, FloatArray | float] = {
        "machines": MACHINE * machines(inventory, candidate),
        "orchestrator": _orchestrator_hours(candidate),
        "database": {
            "on-machine": SINGLE_DATABASE,
            "single": SINGLE_DATABASE,
            "galera": GALERA,
            "offered": OFFERED,
        }[candidate.database],
        "storage": {"local": 0.0, "glusterfs": GLUSTERFS, "cephfs": CEPHFS, "offered": OFFERED}[
            candidate.storage
        ],
        "balancer": {"none": 0.0, "haproxy": 2.0, "vrrp": ADDRESS, "offered": OFFERED}[
            candidate.balancer
        ],
        "backup": OFFERED if inventory.offers.backup else BACKUP,
        "releases": releases * (RELEASE_BY_HAND if by_hand else RELEASE_ROLLED),
    }
    return {part: factor * value for part, value in hours.items()}


def machines(inventory: Inventory, candidate: Candidate) -> int:
    """How many machines of ours run at least."""
    return len(inventory.machines) if candidate.orchestrator == "none" else candidate.nodes


def _orchestrator_hours(candidate: Candidate) -> float:
    if candidate.managed:
        return MANAGED
    return {"none": 0.0, "docker": DOCKER, "swarm": SWARM, "kubernetes": KUBERNETES}[
        candidate.orchestrator
    ]


def needed_skills(candidate: Candidate) -> dict[str, Level]:
    """What somebody must be able to do, and how well."""
    needed: dict[str, Level] = {"linux": "basic"}
    if candidate.orchestrator != "none":
        needed |= {"docker": "basic", "pulumi": "basic"}
    if candidate.orchestrator == "kubernetes":
        needed["kubernetes"] = "basic" if candidate.managed else "solid"
    if candidate.database == "galera":
        needed["database_cluster"] = "basic"
    if candidate.storage in ("glusterfs", "cephfs"):
        needed["distributed_storage"] = "solid" if candidate.storage == "cephfs" else "basic"
    return needed


def lack_of_experience(inventory: Inventory, candidate: Candidate) -> float:
    """How many skills are short of solid once what is missing was trained: basic counts half."""
    skills = inventory.staff.skills
    return sum(
        (LEVELS["solid"] - max(LEVELS["basic"], LEVELS[getattr(skills, skill)])) / LEVELS["solid"]
        for skill in needed_skills(candidate)
    )


def risks(inventory: Inventory, candidate: Candidate) -> Iterator[Message]:
    """What may go wrong in the long run; each text names its source."""
    names = {
        "single_machine": candidate.nodes == 1,
        "galera_limits": candidate.database == "galera",
        "mariadb_end_of_life": candidate.database != "offered",
        "glusterfs_support": candidate.storage == "glusterfs",
        "ceph_size": candidate.storage == "cephfs",
        "vrrp_layer_2": candidate.balancer == "vrrp",
        "swarm_ecosystem": candidate.orchestrator == "swarm",
        "kubernetes_pace": candidate.orchestrator == "kubernetes",
    }
    for name, there in names.items():
        if there:
            yield Message(key=f"operations.risk.{name}")
    storage = inventory.offers.storage
    if candidate.storage == "offered" and storage is not None and storage.kind == "nfs":
        yield Message(key="operations.risk.nfs_single")
    database = inventory.offers.database
    if candidate.database == "offered" and database is not None and database.members.low < 2:
        yield Message(key="operations.risk.database_single")
