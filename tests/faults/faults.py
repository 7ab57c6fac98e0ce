"""What may befall the highly available Swarm: each fault, what ends it, and what it may cost."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.faults.swarm import (
    DISK_MEMBER,
    WHOLE,
    Load,
    SwarmPlatform,
    containers,
    recorded,
    wait,
    whole_since,
)
from tests.testbed import Node
from toolchain.failure import Failure

AFTER = 15.0  # s of load once it is over
CUT = 60.0  # s that a network stays cut
REPLICATION = {  # TCP ports, by kind of the database
    "galera": (4444, 4567, 4568),  # copies, replication, catching up
    "innodb-cluster": (33061,),  # what the members agree on
}
STORAGE: Mapping[str, Sequence[int | str]] = {  # the same, by kind of the storage
    "glusterfs": (24007, "49152:49251"),  # management, and bricks, which take any of these
    "cephfs": (3300, "6800:6831"),  # monitors, and all other daemons
}
STORES = {"glusterfs": "glusterfsd", "cephfs": "ceph-osd"}  # processes that serve one copy
CLOCK_OFF = 300.0  # s
IS_WRITER = "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/writer', timeout=5)"

Heal = Callable[[], object]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that dies while users are there."""

    name: str
    befall: Callable[[SwarmPlatform], Heal | None]  # returns what ends it
    lasts: float = 0.0  # s until it is ended
    budget: Sequence[tuple[str, str]] = ()  # part and fault; the longest counts
    unnoticed: bool = False  # no request may fail


def members(platform: SwarmPlatform) -> list[tuple[Node, str]]:
    """The database's members, the one that takes the writes first."""
    found = [one for number in (1, 2, 3) for one in containers(platform, f"database-{number}")]
    return sorted(found, key=lambda one: not _is_writer(*one))


def _is_writer(node: Node, container: str) -> bool:
    try:
        node.docker("exec", container, "python3", "-c", IS_WRITER)
    except Failure:
        return False
    return True


def leader(platform: SwarmPlatform) -> Node:
    """The manager that leads the Swarm."""
    form = "{{.Hostname}} {{.ManagerStatus}}"
    listed = platform.testbed.nodes[0].docker("node", "ls", "--format", form).splitlines()
    (name,) = [line.split()[0] for line in listed if line.endswith(" Leader")]
    return next(node for node in platform.testbed.nodes if node.name == name)


def owner(platform: SwarmPlatform) -> Node:
    """The machine that has the address."""
    (node,) = platform.owners()
    return node


def bystander(platform: SwarmPlatform) -> Node:
    """A machine that has neither the address nor the database's writer."""
    busy = [*platform.owners(), members(platform)[0][0]]
    return next(node for node in platform.testbed.nodes if node not in busy)


# --- what befalls --------------------------------------------------------------------------------


def kill_container(part: str) -> Callable[[SwarmPlatform], None]:
    """Of a part's containers one dies; where one machine has the address, that machine's."""

    def befall(platform: SwarmPlatform) -> None:
        owners = platform.owners()
        found = containers(platform, part)
        node, container = min(found, key=lambda one: one[0] not in owners)
        node.kill_container(container)

    return befall


def kill_keepalived(platform: SwarmPlatform) -> None:
    """On the machine that has the address."""
    owners = platform.owners()
    found = [one for number in (1, 2) for one in containers(platform, f"address-{number}")]
    ((node, container),) = [one for one in found if one[0] in owners]
    node.kill_container(container)


def kill_member(index: int) -> Callable[[SwarmPlatform], None]:
    """The database's writer (0) or another member."""

    def befall(platform: SwarmPlatform) -> None:
        node, container = members(platform)[index]
        node.kill_container(container)

    return befall


def cut_writer(platform: SwarmPlatform) -> Heal:
    """The writer and the other members hear nothing of each other."""
    node, container = members(platform)[0]
    node.cut(ports=REPLICATION[platform.settings.database.kind], container=container)
    return lambda: node.heal(container)


def kill_store(platform: SwarmPlatform) -> None:
    """The process that serves one copy of all files."""
    node = bystander(platform)
    for pid in node.processes(STORES[platform.settings.storage.kind]):
        node.kill_process(pid)


def kill_metadata(platform: SwarmPlatform) -> None:
    """Ceph's metadata server that serves."""
    for number, node in enumerate(platform.testbed.nodes, 1):
        container = platform.name(f"storage-{number}-mds")
        if json.loads(node.docker("exec", container, "storage-status"))["reason"] == "up:active":
            for pid in node.processes("ceph-mds"):
                node.kill_process(pid)
            return
    raise AssertionError("no metadata server serves")


def cut_storage(platform: SwarmPlatform) -> Heal:
    """One copy of all files can't be reached, and reaches nobody."""
    node = bystander(platform)
    node.cut(ports=STORAGE[platform.settings.storage.kind])
    return node.heal


def kill_node(choose: Callable[[SwarmPlatform], Node]) -> Callable[[SwarmPlatform], Heal]:
    """A machine dies, with everything that runs on it, until it is switched on again."""

    def befall(platform: SwarmPlatform) -> Heal:
        node = choose(platform)
        node.kill()
        return node.start

    return befall


def fill_disk(platform: SwarmPlatform) -> Heal:
    """The disk of one member of the database is full."""
    node = platform.testbed.node(DISK_MEMBER)
    volume = platform.name(f"database-{DISK_MEMBER}")
    node.fill(volume)
    return lambda: node.free(volume)


def shift_clock(platform: SwarmPlatform) -> Heal:
    """The clock of a machine goes wrong by minutes, for all programs that run on it."""
    node = bystander(platform)
    node.clock(CLOCK_OFF)
    return lambda: node.clock(0)


def restart_all(platform: SwarmPlatform) -> Heal:
    """All machines are shut down, and switched on again."""
    for node in platform.testbed.nodes:
        node.stop()
    return platform.testbed.heal


def roll_out(platform: SwarmPlatform) -> None:
    """A setting of the application changes; all replicas are replaced."""
    platform.config["studip:platform"] |= {"name": f"Stud.IP {time.time():.0f}"}
    platform.bring_up()


NODE_LOST = (
    ("address", "node killed"),
    ("database", "network of the database primary cut"),
    ("storage", "storage node killed"),
)
FAULTS = [
    Fault(
        name="web replica killed",
        befall=kill_container("web"),
        budget=[("load balancer", "web replica killed")],
    ),
    Fault(
        name="HAProxy killed",
        befall=kill_container("load-balancer"),
        budget=[("address", "load balancer killed")],
    ),
    Fault(
        name="keepalived killed",
        befall=kill_keepalived,
        budget=[("address", "keepalived killed")],
    ),
    Fault(
        name="database primary killed",
        befall=kill_member(0),
        budget=[("database", "database primary killed")],
    ),
    Fault(
        name="database secondary killed",
        befall=kill_member(1),
        budget=[("database", "database secondary killed")],
    ),
    Fault(
        name="network of the database primary cut",
        befall=cut_writer,
        lasts=CUT,
        budget=[("database", "network of the database primary cut")],
    ),
    Fault(
        name="storage brick killed",
        befall=kill_store,
        budget=[("storage", "storage brick killed")],
    ),
    Fault(
        name="network of a storage node cut",
        befall=cut_storage,
        lasts=CUT,
        budget=[("storage", "network of a storage node cut")],
    ),
    Fault(name="VIP owner's node killed", befall=kill_node(owner), lasts=30, budget=NODE_LOST),
    Fault(name="Swarm leader killed", befall=kill_node(leader), lasts=30, budget=NODE_LOST),
    Fault(name="worker node killed", befall=kill_node(bystander), lasts=30, budget=NODE_LOST),
    Fault(
        name="disk of a database member full",
        befall=fill_disk,
        lasts=45,
        budget=[("database", "disk of a database member full")],
    ),
    Fault(name="clock of a node off by minutes", befall=shift_clock, lasts=30, unnoticed=True),
    Fault(name="rolling update", befall=roll_out, unnoticed=True),
    Fault(name="all nodes stopped and started", befall=restart_all),
]
# Of Ceph, in the place of `storage brick killed`.
CEPH_FAULTS = [
    Fault(
        name="storage OSD killed",
        befall=kill_store,
        budget=[("storage", "storage OSD killed")],
    ),
    Fault(
        name="storage metadata server killed",
        befall=kill_metadata,
        budget=[("storage", "storage metadata server killed")],
    ),
]


def named(*names: str) -> list[Fault]:
    """Faults by name; KeyError where there is none of that name."""
    known = {fault.name: fault for fault in (*FAULTS, *CEPH_FAULTS)}
    return [known[name] for name in names]


def suffer(platform: SwarmPlatform, fault: Fault) -> None:
    """Let it happen under load, end it, write down what it cost, and hold it to its bounds."""
    platform.testbed.heal()  # from a test that failed in the middle
    platform.wait_whole(WHOLE)
    with Load(platform, fault.name.replace(" ", "-")) as load:
        began = time.monotonic()
        heal = fault.befall(platform)
        time.sleep(fault.lasts)
        if heal:
            heal()
        wait("a page", lambda: platform.ask("/"), seconds=WHOLE)
        whole = whole_since(platform.missing, AFTER)
    recorded(load, fault.name, began + fault.lasts, platform.allowed(*fault.budget), whole)
    if fault.unnoticed:
        assert load.failures == []
