"""`status`: what should run, what runs, and whether it is well."""

import argparse
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from components.labels import PART
from operations import cluster, engine, pulumi, terminal
from operations.engine import Client, Engines
from operations.parts import short

OUTPUTS = {"load-balancer": "url"}  # the stack's outputs that are not called as their part
SHORT = 12  # hexadecimal digits of a digest that tell it from all others
HEADER = ("PART", "DESIRED", "RUNNING", "HEALTHY", "IMAGE", "ENDPOINT", "STATE")
COLOURS = {"ok": terminal.GREEN, "done": terminal.GREEN, "updating": terminal.YELLOW}


@dataclass(frozen=True)
class Part:
    """One line of the table."""

    part: str
    desired: int  # replicas
    running: int
    healthy: int
    image: str  # digest, shortened
    endpoint: str
    state: str  # ok, done, or what is wrong

    @property
    def well(self) -> bool:
        """Whether nothing has to be done about it."""
        return self.state in COLOURS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments beside `--stack`."""
    parser.add_argument("--json", action="store_true", help="for programs")


def run(arguments: argparse.Namespace) -> int:
    """Print the table; 1 if a part is unhealthy or missing."""
    engines = cluster.engines(arguments.stack)
    parts = collect(engines, arguments.stack, pulumi.state(arguments.stack))
    well = bool(parts) and all(part.well for part in parts)
    if arguments.json:
        listed = [asdict(part) for part in parts]
        print(json.dumps({"environment": arguments.stack, "ok": well, "parts": listed}, indent=2))
    elif parts:
        print("\n".join(render(parts)))
    else:
        print(f"Nothing is deployed in {arguments.stack}. Next: make up")
    return 0 if well else 1


def render(parts: Sequence[Part]) -> list[str]:
    """The lines of the table, the state in colour."""
    rows = [
        (p.part, str(p.desired), str(p.running), str(p.healthy), p.image, p.endpoint, p.state)
        for p in parts
    ]
    header, *lines = terminal.table(HEADER, rows)
    return [
        terminal.colour(header, terminal.BOLD),
        *(
            line.removesuffix(part.state)
            + terminal.colour(part.state, COLOURS.get(part.state, terminal.RED))
            for line, part in zip(lines, parts, strict=True)
        ),
    ]


def collect(engines: Engines, environment: str, state: pulumi.State) -> list[Part]:
    """What the state expects, each beside what the engine has; then what nobody expects."""
    filters = engine.selector(environment)
    with engine.refusals():
        listed = engines.manager.api.services(filters=filters, status=True)
        services = {raw["ID"]: raw for raw in listed}
        jobs: dict[str, tuple[Client, Mapping[str, Any]]] = {}
        replicas: list[Mapping[str, Any]] = []
        for client in engines.nodes.values():
            for raw in client.api.containers(all=True, filters=filters):
                if engine.SERVICE_ID not in raw["Labels"]:
                    jobs[raw["Id"]] = client, raw
            replicas += client.api.containers(filters={"label": [engine.SERVICE_ID]})

    parts = []
    ours = [one for one in state.resources if one.type in (pulumi.SERVICE, pulumi.CONTAINER)]
    members = Counter(resource.label(PART) for resource in ours)
    for resource in ours:
        part = resource.label(PART) or resource.name
        endpoint = str(state.outputs.get(OUTPUTS.get(part, part), ""))
        if members[part] > 1:
            part = short(resource.name, environment)
        if resource.id in services:
            parts.append(of_service(part, services.pop(resource.id), replicas, endpoint))
        elif resource.id in jobs:
            client, raw = jobs.pop(resource.id)
            stays = resource.properties.get("mustRun", True)
            parts.append((of_container if stays else of_job)(client, part, raw))
        else:
            parts.append(Part(part, desired(resource), 0, 0, "", endpoint, "missing"))
    strangers = [raw["Spec"] for raw in services.values()]
    parts += [
        Part(raw["Labels"].get(PART, raw["Name"]), 0, 0, 0, "", "", "not in the stack")
        for raw in strangers
    ]
    return sorted(parts, key=lambda part: part.part)


def desired(resource: pulumi.Resource) -> int:
    """Replicas that the state asks of a service; 1 for a job."""
    mode = resource.properties.get("mode") or {}
    return int((mode.get("replicated") or {}).get("replicas") or 1)


def of_service(
    part: str, raw: Mapping[str, Any], containers: Sequence[Mapping[str, Any]], endpoint: str
) -> Part:
    """A service. Swarm calls a task running once it was healthy; later only its node can tell."""
    counted = raw["ServiceStatus"]
    ailing = sum(
        ailing_container(container)
        for container in containers
        if container["Labels"].get(engine.SERVICE_ID) == raw["ID"]
    )
    wanted, running = counted["DesiredTasks"], counted["RunningTasks"]
    healthy = max(0, running - ailing)
    image = raw["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]
    return Part(
        part=part,
        desired=wanted,
        running=running,
        healthy=healthy,
        image=digest(image),
        endpoint=endpoint or published(raw),
        state=service_state(wanted, healthy, (raw.get("UpdateStatus") or {}).get("State", "")),
    )


def service_state(wanted: int, healthy: int, update: str) -> str:
    """The word for a service's state; a failed roll-out matters though the old version serves."""
    if update in ("paused", "rollback_paused"):
        return "update stopped"
    if update.startswith("rollback"):
        return "rolled back"
    if healthy < wanted:
        return "unhealthy"
    return "updating" if update == "updating" else "ok"


def ailing_container(raw: Mapping[str, Any]) -> bool:
    """Whether the health check of a running container fails."""
    return raw["State"] == "running" and "(unhealthy)" in raw["Status"]


def of_container(client: Client, part: str, raw: Mapping[str, Any]) -> Part:
    """A container that its node keeps running, beside Swarm."""
    with engine.refusals():
        inspected = client.api.inspect_container(raw["Id"])
    running = bool(inspected["State"]["Running"])
    health = (inspected["State"].get("Health") or {}).get("Status", "healthy")
    well = running and health == "healthy"
    return Part(
        part=part,
        desired=1,
        running=int(running),
        healthy=int(well),
        image=digest(inspected["Config"]["Image"]),
        endpoint="",
        state="ok" if well else "unhealthy",
    )


def of_job(client: Client, part: str, raw: Mapping[str, Any]) -> Part:
    """A one-shot container: done when it ended with 0."""
    with engine.refusals():
        inspected = client.api.inspect_container(raw["Id"])
    at_work = bool(inspected["State"]["Running"])
    code = inspected["State"]["ExitCode"]
    return Part(
        part=part,
        desired=1,
        running=int(at_work),
        healthy=int(at_work or code == 0),
        image=digest(inspected["Config"]["Image"]),
        endpoint="",
        state="updating" if at_work else "done" if code == 0 else f"failed with exit code {code}",
    )


def digest(image: str) -> str:
    """The digest of an image reference, shortened; the reference itself where it has none."""
    _, found, hexadecimal = image.partition("sha256:")
    return hexadecimal[:SHORT] if found else image


def published(raw: Mapping[str, Any]) -> str:
    """Ports of the node that lead to a service."""
    ports = (raw.get("Endpoint") or {}).get("Ports") or []
    return ", ".join(f"{port.get('PublishedPort')}->{port['TargetPort']}" for port in ports)
