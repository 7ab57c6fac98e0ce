"""The parts of an environment that run: each with its service or its one-shot container."""

from dataclasses import dataclass
from typing import Any

from components.labels import ENVIRONMENT, PART
from operations.engine import SERVICE_ID, Engines, refusals, selector
from toolchain.failure import Failure


@dataclass(frozen=True)
class Running:
    """What a part is on the engine."""

    part: str
    id: str
    name: str
    is_service: bool
    node: str = ""  # that a container of its own is on


def running(engines: Engines, environment: str) -> dict[str, Running]:
    """All parts of an environment that have a service, or else a container of their own."""
    filters = selector(environment)
    found: dict[str, Running] = {}
    with refusals():
        for node, client in engines.nodes.items():
            for raw in client.api.containers(all=True, filters=filters):
                if SERVICE_ID not in raw["Labels"]:
                    name = raw["Names"][0].removeprefix("/")
                    part = _part(raw["Labels"], name)
                    found[part] = Running(part, raw["Id"], name, False, node)
        for raw in engines.manager.api.services(filters=filters):
            name = raw["Spec"]["Name"]
            part = _part(raw["Spec"]["Labels"], name)
            found[part] = Running(part, raw["ID"], name, True)
    return found


def _part(labels: dict[str, Any], name: str) -> str:
    return str(labels.get(PART, name.removeprefix(f"studip-{labels[ENVIRONMENT]}-")))


def find(engines: Engines, environment: str, part: str) -> Running:
    """The part of that name; raises Failure naming the possible ones otherwise."""
    found = running(engines, environment)
    if part in found:
        return found[part]
    if not found:
        raise Failure(f"nothing runs in {environment}; `make up` starts it")
    wanted = f"there is no part {part!r}" if part else "no part was named"
    raise Failure(f"{wanted} in {environment}; PART is one of: {', '.join(sorted(found))}")
