"""`nodes`: makes one Swarm of the nodes that the settings name, and shows them."""

import argparse
import re
import socket
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from operations import cluster, engine, listening, terminal
from operations.engine import Client
from stacks.settings.models import LOCAL_ENGINE, Node
from toolchain.docker_engine import SWARM_POOL
from toolchain.failure import Failure

API = (1, 41)  # of Docker 20.10: service status, jobs of several nodes
APART = 5.0  # s that clocks may differ
PORT = 2377  # of Swarm's managers
PATIENCE = 120.0  # s for a node to get ready
HEADER = ("NODE", "ROLE", "STATE", "AVAILABILITY", "LEADER", "ENGINE", "ADDRESS", "LABELS")


@dataclass(frozen=True)
class Seen:
    """What a node's engine says about itself."""

    host_name: str
    api: str  # version of the engine's interface
    swarm: Mapping[str, Any]  # of the engine's information
    clock: float  # s ahead of this machine's
    doubt: float  # s by which that may be wrong


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments beside `--stack`."""


def run(arguments: argparse.Namespace) -> int:
    """Bring the nodes to what the settings say, each told with what was done; then the table."""
    settings = listening.settings(arguments.stack, deployable=False)
    nodes = settings.nodes
    if len(nodes) == 1 and nodes[0].engine == LOCAL_ENGINE:
        print("\n".join(table(engine.connect())))
        return 0
    clients, absent = engine.connect_all(cluster.addresses(settings))
    try:
        seen = {name: look(client) for name, client in clients.items()}
        wrong = [f"{name}: {reason}" for name, reason in absent.items()]
        wrong += problems(nodes, seen)
        member = next((clients[n] for n, s in seen.items() if s.swarm["ControlAvailable"]), None)
        if member is not None:
            wrong += foreign(member, seen)
        if wrong:
            if member is not None and has_leader(member):
                print("\n".join(table(member)))
            raise Failure("\n".join(["nothing was changed:", *wrong]))
        manager = make(nodes, clients, seen)
        print("\n".join(["", *table(manager)]))
    finally:
        for client in clients.values():
            client.close()
    return 0


def look(client: Client) -> Seen:
    """Ask an engine about itself."""
    with engine.refusals():
        api = client.api.api_version
        before = time.time()
        info = client.info()
        after = time.time()
    there = datetime.fromisoformat(re.sub(r"\.\d+", "", info["SystemTime"])).timestamp()
    # The fraction that was cut off is half a second on average.
    clock, doubt = there + 0.5 - (before + after) / 2, (after - before) / 2 + 0.5
    return Seen(info["Name"], api, info["Swarm"], clock, doubt)


def problems(nodes: Sequence[Node], seen: Mapping[str, Seen]) -> Iterator[str]:
    """What must be put right before these nodes can be one Swarm."""
    if not any(node.role == "manager" for node in nodes):
        yield "no node has the role manager"
    known: dict[str, str] = {}
    usual = statistics.median(one.clock for one in seen.values()) if seen else 0.0
    for node in nodes:
        if node.name not in seen:
            continue
        one = seen[node.name]
        if one.host_name != node.name:
            yield f"{node.name}: its host name is {one.host_name}; both must be the same"
        if tuple(map(int, one.api.split("."))) < API:
            wanted = ".".join(map(str, API))
            yield f"{node.name}: its engine speaks version {one.api} of the API, {wanted} is needed"
        apart = abs(one.clock - usual)
        if apart - one.doubt > APART:
            yield (
                f"{node.name}: its clock is {apart:.0f} s off the others', at most {APART:.0f} s "
                "are right; see to its time service (NTP)"
            )
        try:
            address(node)
        except Failure as failure:
            yield str(failure)
        match one.swarm["LocalNodeState"]:
            case "locked":
                yield f"{node.name}: its Swarm is locked; `docker swarm unlock` there opens it"
            case "pending" | "error" as state:
                reason = one.swarm.get("Error") or "no reason is given"
                yield f"{node.name}: it can't join its Swarm ({state}: {reason})"
            case "active" if one.swarm["ControlAvailable"] and one.swarm.get("Cluster"):
                known[node.name] = str(one.swarm["Cluster"]["ID"])
    first = next(iter(known), "")
    for name, identifier in known.items():
        if identifier != known[first]:
            yield (
                f"{name}: it is a manager of another Swarm than {first}; if nothing on it is "
                "wanted, `docker swarm leave --force` there ends that"
            )
    if not known and not any(s.swarm["ControlAvailable"] for s in seen.values()):
        for name, one in seen.items():
            if one.swarm["LocalNodeState"] == "active":
                yield f"{name}: it is a worker of a Swarm whose managers are not in the settings"


def foreign(manager: Client, seen: Mapping[str, Seen]) -> Iterator[str]:
    """Problems that only a manager can tell: no quorum, and workers of another Swarm."""
    if not has_leader(manager):
        managers = [name for name, one in seen.items() if one.swarm["ControlAvailable"]]
        yield (
            f"the Swarm has no leader: {', '.join(managers)} can be reached, and more than half of "
            "its managers must be; start the others. If they are lost for good, "
            "`docker swarm init --force-new-cluster` on one of these makes a Swarm of it"
        )
        return
    members = {raw["ID"] for raw in manager.api.nodes()}
    for name, one in seen.items():
        state, control = one.swarm["LocalNodeState"], one.swarm["ControlAvailable"]
        if state == "active" and not control and one.swarm["NodeID"] not in members:
            yield (
                f"{name}: it is a worker of another Swarm; if nothing on it is wanted, "
                "`docker swarm leave` there ends that"
            )


def has_leader(manager: Client) -> bool:
    """Whether the managers have a quorum."""
    try:
        with engine.refusals():
            manager.api.nodes()
    except Failure:
        return False
    return True


def address(node: Node) -> str:
    """The IP address that the other nodes use; raises Failure where none can be known."""
    if node.address is not None:
        return node.address
    host = urlsplit(node.engine).hostname
    if host is None:
        raise Failure(f"{node.name}: its address must be given, as its engine is a socket")
    try:
        return socket.gethostbyname(host)
    except OSError as error:
        reason = error.strerror or error
        raise Failure(f"{node.name}: {host} has no address ({reason}); give one") from None


def make(nodes: Sequence[Node], clients: Mapping[str, Client], seen: Mapping[str, Seen]) -> Client:
    """Make the Swarm, or complete it; a client of one of its managers."""
    # Managers first: whoever joins needs one.
    ordered = sorted(nodes, key=lambda node: node.role != "manager")
    members = [n for n in ordered if seen[n.name].swarm["LocalNodeState"] == "active"]
    managers = [n for n in members if seen[n.name].swarm["ControlAvailable"]]
    done: dict[str, list[str]] = {node.name: [] for node in nodes}
    with engine.refusals():
        if not managers:
            first = ordered[0]
            clients[first.name].swarm.init(
                advertise_addr=address(first),
                listen_addr=f"0.0.0.0:{PORT}",
                default_addr_pool=[SWARM_POOL],
                subnet_size=24,
            )
            managers, members = [first], [first]
            done[first.name].append("made the Swarm")
        manager = clients[managers[0].name]
        for node in ordered:
            if node not in members:
                join(manager, clients[node.name], node, managers)
                done[node.name].append(f"joined as {node.role}")
        wait_ready(manager, nodes)
        for node in ordered:
            done[node.name] += settle(manager, node)
        done_with = forget(manager, nodes)
    for name, steps in done.items():
        print(f"{name}: {', '.join(steps) or 'as it should be'}")
    for line in done_with:
        print(line)
    return manager


def join(manager: Client, client: Client, node: Node, managers: Iterable[Node]) -> None:
    """Let a node join."""
    manager.swarm.reload()
    token = manager.swarm.attrs["JoinTokens"][node.role.capitalize()]
    client.swarm.join(
        remote_addrs=[f"{address(one)}:{PORT}" for one in managers],
        join_token=token,
        advertise_addr=address(node),
        listen_addr=f"0.0.0.0:{PORT}",
    )


def wait_ready(manager: Client, nodes: Sequence[Node]) -> None:
    """Wait until Swarm calls all nodes ready."""
    wanted = {node.name for node in nodes}
    deadline = time.monotonic() + PATIENCE
    while late := wanted - {name(raw) for raw in manager.api.nodes() if is_ready(raw)}:
        if time.monotonic() > deadline:
            raise Failure(f"not ready after {PATIENCE:.0f} s: {', '.join(sorted(late))}")
        time.sleep(0.2)


def settle(manager: Client, node: Node) -> list[str]:
    """Give a member its role and labels; what was done."""
    raw = find(manager, node.name)
    spec = dict(raw["Spec"])
    done = []
    if spec["Role"] != node.role:
        done.append(f"{spec['Role']} became {node.role}")
    before = spec.get("Labels") or {}
    done += [f"label {k}={v}" for k, v in sorted(node.labels.items()) if before.get(k) != v]
    done += [f"without label {key}" for key in sorted(before.keys() - node.labels.keys())]
    if done:
        update(manager, raw, Role=node.role, Labels=node.labels)
    return done


def update(manager: Client, raw: Mapping[str, Any], **changes: Any) -> None:
    """Change a member."""
    spec = {**raw["Spec"], **changes}
    manager.api.update_node(raw["ID"], raw["Version"]["Index"], spec)


def forget(manager: Client, nodes: Sequence[Node]) -> list[str]:
    """Remove the entry of a member that joined anew, as one whose disk was lost does."""
    done = []
    listed = manager.api.nodes()
    ready = {name(raw) for raw in listed if is_ready(raw)}
    for raw in listed:
        if name(raw) in ready and not is_ready(raw) and raw["Status"]["State"] == "down":
            if raw["Spec"]["Role"] == "manager":
                update(manager, raw, Role="worker")
            manager.api.remove_node(raw["ID"], force=True)
            done.append(f"{name(raw)}: removed what it was before it joined anew ({raw['ID']})")
    wanted = {node.name for node in nodes}
    for other in sorted({name(raw) for raw in listed} - wanted):
        done.append(f"{other}: not in the settings, left alone; `docker node rm` removes it")
    return done


def name(raw: Mapping[str, Any]) -> str:
    """Host name of a member."""
    return str(raw["Description"]["Hostname"])


def is_ready(raw: Any) -> bool:
    """Whether Swarm can use a member."""
    return bool(raw["Status"]["State"] == "ready")


def find(manager: Client, wanted: str) -> dict[str, Any]:
    """The member of that host name, the living one of two; raises Failure naming the others."""
    listed = manager.api.nodes()
    found = [raw for raw in listed if name(raw) == wanted]
    if not found:
        names = ", ".join(sorted({name(raw) for raw in listed}))
        given = f"there is no node {wanted!r}" if wanted else "no node was named"
        raise Failure(f"{given}; NODE is one of: {names}")
    return dict(max(found, key=is_ready))


def table(manager: Client) -> list[str]:
    """All members of the Swarm."""
    with engine.refusals():
        listed = sorted(manager.api.nodes(), key=name)
    rows = []
    for raw in listed:
        status = raw.get("ManagerStatus") or {}
        labels = raw["Spec"].get("Labels") or {}
        rows.append(
            (
                name(raw),
                raw["Spec"]["Role"],
                raw["Status"]["State"],
                raw["Spec"]["Availability"],
                "leader" if status.get("Leader") else status.get("Reachability", ""),
                raw["Description"]["Engine"]["EngineVersion"],
                raw["Status"].get("Addr", ""),
                " ".join(f"{key}={value}" for key, value in sorted(labels.items())),
            )
        )
    header, *lines = terminal.table(HEADER, rows)
    return [terminal.colour(header, terminal.BOLD), *lines]
