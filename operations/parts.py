"""The parts of an environment that run: each with its service or its one-shot container."""

from collections import Counter
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


def everything(engines: Engines, environment: str) -> list[Running]:
    """All services of an environment, then its containers that run, then those that ended."""
    filters = selector(environment)
    found: list[Running] = []
    ended: list[Running] = []
    with refusals():
        for raw in engines.manager.api.services(filters=filters):
            name = raw["Spec"]["Name"]
            found.append(Running(_part(raw["Spec"]["Labels"], name), raw["ID"], name, True))
        found.sort(key=lambda one: one.name)
        for node, client in engines.nodes.items():
            for raw in client.api.containers(all=True, filters=filters):
                if SERVICE_ID not in raw["Labels"]:
                    name = raw["Names"][0].removeprefix("/")
                    part = _part(raw["Labels"], name)
                    of_state = found if raw["State"] == "running" else ended
                    of_state.append(Running(part, raw["Id"], name, False, node))
    return found + ended


def running(engines: Engines, environment: str) -> dict[str, Running]:
    """What an environment has, by part; where a part has several members, by their names too."""
    listed = everything(engines, environment)
    counted = Counter(one.part for one in listed)
    found: dict[str, Running] = {}
    for one in listed:
        found.setdefault(one.part, one)
        if counted[one.part] > 1:
            found.setdefault(short(one.name, environment), one)
    return found


def members(engines: Engines, environment: str, part: str) -> list[Running]:
    """Everything of a part."""
    return [one for one in everything(engines, environment) if one.part == part]


def short(name: str, environment: str) -> str:
    """A name on the engine without what all names of the environment begin with."""
    return name.removeprefix(f"studip-{environment}-")


def _part(labels: dict[str, Any], name: str) -> str:
    return str(labels.get(PART, short(name, labels[ENVIRONMENT])))


def find(engines: Engines, environment: str, part: str) -> Running:
    """The part, or its member, of that name; raises Failure naming the possible ones otherwise."""
    found = running(engines, environment)
    if part in found:
        return found[part]
    if not found:
        raise Failure(f"nothing runs in {environment}; `make up` starts it")
    wanted = f"there is no part {part!r}" if part else "no part was named"
    raise Failure(f"{wanted} in {environment}; PART is one of: {', '.join(sorted(found))}")
