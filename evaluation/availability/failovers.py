"""How long the platform is away while its parts fail over, as their own timers say.

`failovers.csv` has the numbers that `make budget` prints. They are kept in a file since what they
are made from takes half a second to import; `python -m evaluation.availability.failovers` writes
it anew, and a test compares the two.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from evaluation.formulas import formula
from evaluation.results import Candidate

FILE = Path(__file__).with_name("failovers.csv")
ENVIRONMENT = Path("Pulumi.swarm.yaml")

# Kubernetes' own, which this project does not deploy yet, s: node-monitor-grace-period of its
# controller manager, and osd_heartbeat_grace of Ceph.
NODE_GRACE = 50.0
OSD_GRACE = 20.0

Fault = tuple[str, str]  # part and fault, as `make budget` names them

NODE_LOST: Mapping[str, Iterable[Fault]] = {
    "any": [("load balancer", "web replica hangs")],
    "galera": [("database", "database primary killed"), ("cache", "cache master's node lost")],
    "single": [("swarm", "node lost")],
    "glusterfs": [("storage", "storage node killed")],
    "vrrp": [("address", "node killed")],
}
PROCESS_KILLED: Mapping[str, Iterable[Fault]] = {
    "any": [("load balancer", "web replica killed")],
    "galera": [
        ("database", "database primary killed"),
        ("proxy", "proxy killed"),
        ("cache", "cache master killed"),
    ],
    "single": [("cache", "cache killed")],
    "glusterfs": [("storage", "storage brick killed")],
    "vrrp": [("address", "load balancer killed")],
}
STOPPED: Mapping[str, Iterable[Fault]] = {
    "galera": [("database", "database primary stopped")],
    "vrrp": [("address", "keepalived stopped")],
}


@formula("failover")
def node_lost(candidate: Candidate) -> float:
    """Seconds without service when a node dies and enough remain: of the slowest of its parts.

    Source: this project's failure budgets (`make budget STACK=swarm`), which add up the timers of
        HAProxy, keepalived (RFC 5798, section 6.1), Galera, Sentinel and GlusterFS; for Kubernetes
        node-monitor-grace-period of kube-controller-manager (50 s) and osd_heartbeat_grace of Ceph
        (20 s), both the documented defaults.
    Limits: bounds, not means: who is on another node may notice nothing. A load balancer of others
        is taken to check as often as ours. A fault test on three machines measured 4.6 s where 20 s
        are allowed. This project has not measured Kubernetes.
    """
    seconds = _longest(NODE_LOST, candidate)
    if candidate.orchestrator == "kubernetes":
        seconds = max(seconds, NODE_GRACE)
    if candidate.storage == "cephfs":
        seconds = max(seconds, OSD_GRACE)
    return seconds


def process_killed(candidate: Candidate) -> float:
    """Seconds without service when a process dies that has others beside it."""
    return _longest(PROCESS_KILLED, candidate)


def node_drained(candidate: Candidate) -> float:
    """Seconds without service when a node is taken out of service on purpose."""
    return _longest(STOPPED, candidate)


def faults(candidate: Candidate) -> set[Fault]:
    """All that the models look up for a candidate."""
    return {
        fault for table in (NODE_LOST, PROCESS_KILLED, STOPPED) for fault in _of(table, candidate)
    }


def _longest(table: Mapping[str, Iterable[Fault]], candidate: Candidate) -> float:
    return max((seconds()[fault] for fault in _of(table, candidate)), default=0.0)


def _of(table: Mapping[str, Iterable[Fault]], candidate: Candidate) -> Iterator[Fault]:
    own = {candidate.database, candidate.storage, candidate.balancer, "any"}
    if candidate.database != "galera":
        own.add("single")  # without the database's proxies there is one cache
    for part, found in table.items():
        if part in own:
            yield from found


@cache
def seconds() -> Mapping[Fault, float]:
    """Seconds by part and fault."""
    with FILE.open(encoding="utf-8", newline="") as lines:
        return {(row["part"], row["fault"]): float(row["seconds"]) for row in csv.DictReader(lines)}


def made_from_settings() -> dict[Fault, float]:
    """The table anew: all parts our own, and with a database of others."""
    from stacks.budget import budgets
    from stacks.settings.load import read_settings

    own = read_settings(ENVIRONMENT)
    database = own.database.model_copy(update={"kind": "external"})
    return {
        (budget.part, budget.fault): budget.outage
        for settings in (own, own.model_copy(update={"database": database}))
        for budget in budgets(settings)
    }


def main() -> None:
    """Write the table anew."""
    with FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["part", "fault", "seconds"])
        writer.writerows([*fault, f"{found:g}"] for fault, found in made_from_settings().items())


if __name__ == "__main__":
    main()
