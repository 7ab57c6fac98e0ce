"""The Docker Engine, seen through our labels."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from components.labels import ENVIRONMENT, PART
from toolchain.failure import Failure

# docker-py has no types of its own: clients are Any here, and what leaves a module is typed.
Client = Any

# Long enough for an engine that is building, short enough for an operator.
TIMEOUT = 60  # s

SERVICE_ID = "com.docker.swarm.service.id"  # label that Swarm puts on a service's containers


def connect() -> Client:
    """A client of the engine that the docker command line would use; raises Failure without one."""
    import docker  # 0.3 s that `--help` need not pay
    from docker.errors import DockerException

    address = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    try:
        client = docker.from_env(timeout=TIMEOUT)
        client.ping()
    except (DockerException, OSError) as error:
        raise Failure(
            f"the Docker Engine at {address} can't be reached ({_reason(error)}); "
            "start it with `toolchain/bootstrap engine`, or name another one in DOCKER_HOST"
        ) from None
    return client


@contextmanager
def refusals() -> Iterator[None]:
    """Turns what the engine refuses within the block into a Failure with the engine's words."""
    from docker.errors import APIError

    try:
        yield
    except APIError as error:
        raise Failure(f"the Docker Engine refused: {error.explanation or error}") from None


def _reason(error: BaseException) -> str:
    """The innermost cause in a few words: requests wraps it three times."""
    while error.__context__ is not None:
        error = error.__context__
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def selector(environment: str | None = None, part: str | None = None) -> dict[str, list[str]]:
    """Filters for whatever carries our labels, of one environment and part where given."""
    label = ENVIRONMENT if environment is None else f"{ENVIRONMENT}={environment}"
    return {"label": [label] if part is None else [label, f"{PART}={part}"]}


@dataclass(frozen=True)
class Thing:
    """Something on the engine that carries our labels."""

    kind: str  # a key of KINDS
    id: str
    name: str
    environment: str
    part: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


# What carries labels, in an order in which all of it can be removed: users before what they use.
Lister = Callable[[Client, dict[str, list[str]]], Iterable[dict[str, Any]]]
KINDS: dict[str, Lister] = {
    "service": lambda client, filters: client.api.services(filters=filters),
    "container": lambda client, filters: client.api.containers(all=True, filters=filters),
    "config": lambda client, filters: client.api.configs(filters=filters),
    "secret": lambda client, filters: client.api.secrets(filters=filters),
    "network": lambda client, filters: client.api.networks(filters=filters),
    "volume": lambda client, filters: client.api.volumes(filters=filters)["Volumes"] or [],
}


def things(client: Client, environment: str | None = None) -> list[Thing]:
    """All that carries our labels, without the containers that belong to a service."""
    filters = selector(environment)
    with refusals():
        return [
            thing
            for kind, listed in KINDS.items()
            for thing in (_thing(kind, raw) for raw in listed(client, filters))
            if thing is not None
        ]


def _thing(kind: str, raw: Mapping[str, Any]) -> Thing | None:
    """One entry of the engine's lists, which write names and labels in three different ways."""
    spec = raw.get("Spec") or raw
    labels = spec.get("Labels") or {}
    if SERVICE_ID in labels:
        return None
    name = spec.get("Name") or raw["Names"][0].removeprefix("/")
    return Thing(
        kind=kind,
        id=raw.get("ID") or raw.get("Id") or name,
        name=name,
        environment=labels.get(ENVIRONMENT, ""),
        part=labels.get(PART, ""),
    )


def remove(client: Client, thing: Thing, patience: float = 30.0) -> None:
    """Remove a thing until it is gone, up to `patience` seconds: its users may still be ending."""
    from docker.errors import APIError, NotFound

    removers: dict[str, Callable[[str], object]] = {
        "service": client.api.remove_service,
        "container": lambda id: client.api.remove_container(id, force=True, v=True),
        "config": client.api.remove_config,
        "secret": client.api.remove_secret,
        "network": client.api.remove_network,
        "volume": client.api.remove_volume,
    }
    deadline = time.monotonic() + patience
    reason = "it is still there"
    while time.monotonic() < deadline:
        try:
            removers[thing.kind](thing.id)
        except NotFound:
            return
        except APIError as error:
            reason = error.explanation or str(error)
            time.sleep(0.2)
    raise Failure(f"{thing} can't be removed: {reason}")
