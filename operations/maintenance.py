"""A node taken out of service for maintenance, and back."""

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.labels import ENVIRONMENT, PART
from operations import engine, nodes
from operations.engine import Client, Engines
from toolchain.failure import Failure

PATIENCE = 600.0  # s for tasks to run elsewhere, or again
PINNED = re.compile(r"node\.hostname\s*==\s*(\S+)")
MEMBER = re.compile(r"(.+)-\d+")
NOWHERE = "no suitable node"
OVER = ("complete", "failed", "shutdown", "rejected", "orphaned", "remove")


@dataclass(frozen=True)
class Service:
    """A service with the tasks that it should have."""

    name: str
    part: str
    node: str  # that it is pinned to; "" where it may run anywhere
    wanted: int  # tasks
    running: int
    waiting: str = ""  # why a task has no node

    @property
    def whole(self) -> bool:
        """Whether all that should run does."""
        return self.running >= self.wanted


def drain(engines: Engines, name: str) -> None:
    """Move everything off a node; raises Failure before, where that would lose a quorum."""
    manager = engines.manager
    with engine.refusals():
        raw = nodes.find(manager, name)
        listed = manager.api.nodes()
        refused = [*managers_lost(listed, name), *members_lost(services(manager), name)]
        if refused:
            raise Failure("\n".join([f"{name} was not drained:", *refused]))
        if raw["Spec"]["Availability"] != "drain":
            nodes.update(manager, raw, Availability="drain")
        print(f"{name} takes no more tasks; waiting for those that it has ...", flush=True)
        wait(lambda: left(manager, raw["ID"]))
    for service in services(manager):
        if service.waiting:
            print(f"{service.name} waits for {service.node or name}: {service.waiting}")
    if name in engines.nodes:
        for other in others(engines.nodes[name]):
            print(f"{other} is none of Swarm's, and goes on running on {name}")
    print(f"{name} is drained; `make activate NODE={name}` takes it back")


def activate(engines: Engines, name: str) -> None:
    """Take a node back, and wait until every service is whole."""
    manager = engines.manager
    with engine.refusals():
        raw = nodes.find(manager, name)
        if raw["Spec"]["Availability"] != "active":
            nodes.update(manager, raw, Availability="active")
        print(f"{name} takes tasks again; waiting until everything is whole ...", flush=True)
        wait(lambda: incomplete(manager, name))
    print(f"{name} is active, and everything is whole; what moved away comes with its next update")


def wait(pending: Callable[[], list[str]]) -> None:
    """Wait until `pending()` gives nothing; raises Failure with what it still gives."""
    deadline = time.monotonic() + PATIENCE
    while what := pending():
        if time.monotonic() > deadline:
            raise Failure("\n".join([f"not done after {PATIENCE:.0f} s:", *what]))
        time.sleep(0.5)


def managers_lost(listed: Sequence[Mapping[str, Any]], name: str) -> Iterator[str]:
    """Why the Swarm's managers could not do without a node."""
    managers = [raw for raw in listed if raw["Spec"]["Role"] == "manager"]
    if name not in {nodes.name(raw) for raw in managers}:
        return
    # One in maintenance may be switched off at any time.
    rest = [
        nodes.name(raw)
        for raw in managers
        if nodes.name(raw) != name
        and (raw.get("ManagerStatus") or {}).get("Reachability") == "reachable"
        and raw["Spec"]["Availability"] == "active"
    ]
    needed = len(managers) // 2 + 1
    if len(rest) < needed:
        yield (
            f"without it {len(rest)} of {len(managers)} managers would be left "
            f"({', '.join(sorted(rest)) or 'none'}), and {needed} are needed"
        )


def members_lost(listed: Iterable[Service], name: str) -> Iterator[str]:
    """Why members that are pinned to nodes, such as a database's, could not do without this one."""
    groups: dict[str, list[Service]] = defaultdict(list)
    for service in listed:
        if service.node:
            member = MEMBER.fullmatch(service.name)
            groups[member[1] if member else service.name].append(service)
    for group, members in groups.items():
        if not any(one.node == name for one in members):
            continue
        rest = [one.name for one in members if one.node != name and one.whole]
        # Two stand in for each other; more than two vote.
        needed = len(members) // 2 + 1 if len(members) > 2 else 1
        if len(rest) < needed:
            yield (
                f"without it {len(rest)} of {len(members)} members of {group} would run "
                f"({', '.join(sorted(rest)) or 'none'}), and {needed} are needed"
            )


def left(manager: Client, node: str) -> list[str]:
    """What still runs on a node (its id), or does not yet run elsewhere though it may."""
    found = []
    # What a node that is gone said last about its tasks, it will never correct.
    if nodes.is_ready(manager.api.inspect_node(node)):
        names = {raw["ID"]: raw["Spec"]["Name"] for raw in manager.api.services()}
        found = [
            f"{names.get(task['ServiceID'], task['ServiceID'])} still runs there"
            for task in manager.api.tasks(filters={"node": node})
            if task["Status"]["State"] not in OVER
        ]
    return found + [
        f"{service.name}: {service.running} of {service.wanted} tasks run"
        for service in services(manager)
        if not service.whole and not service.waiting
    ]


def incomplete(manager: Client, name: str) -> list[str]:
    """What is missing before everything is whole."""
    found = [] if nodes.is_ready(nodes.find(manager, name)) else [f"{name} is not ready"]
    return found + [
        f"{service.name}: {service.running} of {service.wanted} tasks run"
        + (f" ({service.waiting})" if service.waiting else "")
        for service in services(manager)
        if not service.whole
    ]


def services(manager: Client) -> list[Service]:
    """All services of ours on the Swarm."""
    waiting: dict[str, str] = {}
    for task in manager.api.tasks(filters={"desired-state": "running"}):
        if task["Status"]["State"] == "pending" and NOWHERE in task["Status"].get("Err", ""):
            waiting[task["ServiceID"]] = task["Status"]["Err"]
    listed = manager.api.services(filters={"label": [ENVIRONMENT]}, status=True)
    return [_service(raw, waiting.get(raw["ID"], "")) for raw in listed]


def _service(raw: Mapping[str, Any], waiting: str) -> Service:
    spec = raw["Spec"]
    placement = spec["TaskTemplate"].get("Placement") or {}
    pins = [match[1] for c in placement.get("Constraints") or [] if (match := PINNED.search(c))]
    status = raw["ServiceStatus"]
    return Service(
        name=spec["Name"],
        part=(spec.get("Labels") or {}).get(PART, ""),
        node=pins[0] if pins else "",
        wanted=status["DesiredTasks"],
        running=status["RunningTasks"],
        waiting=waiting,
    )


def others(client: Client) -> list[str]:
    """Names of our running containers that Swarm does not look after."""
    listed = client.api.containers(filters={"label": [ENVIRONMENT]})
    return sorted(
        raw["Names"][0].removeprefix("/")
        for raw in listed
        if engine.SERVICE_ID not in (raw["Labels"] or {})
    )
