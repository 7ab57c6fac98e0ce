"""The parts of an environment that run: each with its service or its one-shot container."""

from dataclasses import dataclass
from typing import Any

from components.labels import ENVIRONMENT, PART
from operations.engine import Client, refusals, selector
from toolchain.failure import Failure


@dataclass(frozen=True)
class Running:
    """What a part is on the engine."""

    part: str
    id: str
    name: str
    is_service: bool


def running(client: Client, environment: str) -> dict[str, Running]:
    """All parts of an environment that have a service, or else a container of their own."""
    filters = selector(environment)
    found: dict[str, Running] = {}
    with refusals():
        for raw in client.api.containers(all=True, filters=filters):
            if "com.docker.swarm.service.id" not in raw["Labels"]:
                _add(found, raw["Labels"], raw["Id"], raw["Names"][0].removeprefix("/"), False)
        for raw in client.api.services(filters=filters):
            _add(found, raw["Spec"]["Labels"], raw["ID"], raw["Spec"]["Name"], True)
    return found


def _add(
    found: dict[str, Running], labels: dict[str, Any], id: str, name: str, is_service: bool
) -> None:
    part = labels.get(PART, name.removeprefix(f"studip-{labels[ENVIRONMENT]}-"))
    found[part] = Running(part=part, id=id, name=name, is_service=is_service)


def find(client: Client, environment: str, part: str) -> Running:
    """The part of that name; raises Failure naming the possible ones otherwise."""
    found = running(client, environment)
    if part in found:
        return found[part]
    if not found:
        raise Failure(f"nothing runs in {environment}; `make up` starts it")
    wanted = f"there is no part {part!r}" if part else "no part was named"
    raise Failure(f"{wanted} in {environment}; PART is one of: {', '.join(sorted(found))}")
