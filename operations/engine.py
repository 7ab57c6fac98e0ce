"""The Docker Engine, seen through our labels."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from components.labels import ENVIRONMENT, PART
from toolchain.failure import Failure

# docker-py has no types of its own: clients are Any here, and what leaves a module is typed.
Client = Any

# Long enough for an engine that is building, short enough for an operator.
TIMEOUT = 60  # s

SERVICE_ID = "com.docker.swarm.service.id"  # label that Swarm puts on a service's containers


@dataclass(frozen=True)
class Address:
    """How an engine is reached."""

    host: str = "unix:///var/run/docker.sock"  # or tcp://, ssh://
    certificates: str | None = None  # folder with ca.pem, cert.pem, key.pem, for tcp

    @classmethod
    def usual(cls) -> "Address":
        """Of the engine that the docker command line would use."""
        folder = os.environ.get("DOCKER_CERT_PATH") or str(Path.home() / ".docker")
        return cls(
            host=os.environ.get("DOCKER_HOST") or cls.host,
            certificates=folder if os.environ.get("DOCKER_TLS_VERIFY") else None,
        )

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which the docker command line uses this engine."""
        if self.certificates is None:
            return {"DOCKER_HOST": self.host, "DOCKER_TLS_VERIFY": ""}
        return {
            "DOCKER_HOST": self.host,
            "DOCKER_TLS_VERIFY": "1",
            "DOCKER_CERT_PATH": self.certificates,
        }


def connect(address: Address | None = None) -> Client:
    """A client of an engine, by default the usual one; raises Failure where there is none."""
    given, address = address, address or Address.usual()
    import requests
    from docker import DockerClient  # 0.3 s that `--help` need not pay
    from docker.errors import DockerException

    from toolchain.plugins.docker.client import keys, open_client
    from toolchain.plugins.docker.connection import why_unreachable

    try:
        tls = keys(address.certificates) if address.certificates is not None else False
        api = open_client(address.host, tls=tls, timeout=TIMEOUT)
    except (DockerException, requests.exceptions.RequestException, OSError) as error:
        hint = "; start it with `toolchain/bootstrap engine`, or name another one in DOCKER_HOST"
        raise Failure(
            f"the Docker Engine at {address.host} can't be reached ({why_unreachable(error)})"
            + ("" if given else hint)
        ) from None
    # It would ask for the version at once, on a connection of its own.
    client = DockerClient(base_url="unix:///unused", version=api.api_version)
    client.api = api
    return client


@dataclass(frozen=True)
class Engines:
    """The engines of an environment: what a container or volume is on, and what speaks for all."""

    manager: Client  # knows services, secrets, configs, and networks that all share
    nodes: Mapping[str, Client]  # by the name of the node; of the one usual engine: ""
    addresses: Mapping[str, Address] = field(default_factory=dict)

    def environment(self, node: str) -> dict[str, str]:
        """Variables with which the docker command line uses a node's engine."""
        return self.addresses[node].environment if node in self.addresses else {}

    def close(self) -> None:
        """Close all connections."""
        for client in {id(one): one for one in (self.manager, *self.nodes.values())}.values():
            client.close()


def alone(client: Client) -> Engines:
    """An environment on one engine."""
    return Engines(client, {"": client})


def of_nodes(addresses: Mapping[str, Address]) -> Engines:
    """The engines of several nodes that are one Swarm; who does not answer is named and left out.

    Raises Failure where no manager of a Swarm answers.
    """
    nodes, absent = connect_all(addresses)
    for name, reason in absent.items():
        print(f"warning: {name} is left out: {reason}", file=sys.stderr)
    for client in nodes.values():
        with refusals():
            if client.info()["Swarm"]["ControlAvailable"]:
                return Engines(client, nodes, addresses)
    if not nodes:
        raise Failure("none of the nodes can be reached")
    raise Failure(f"no manager of a Swarm is among {', '.join(nodes)}; `make nodes` makes one")


def connect_all(addresses: Mapping[str, Address]) -> tuple[dict[str, Client], dict[str, str]]:
    """Clients of all nodes that answer, by name, and for the others why not."""
    from concurrent.futures import ThreadPoolExecutor

    clients: dict[str, Client] = {}
    absent: dict[str, str] = {}
    with ThreadPoolExecutor(max_workers=max(1, len(addresses))) as pool:
        asked = {name: pool.submit(connect, address) for name, address in addresses.items()}
        for name, future in asked.items():
            try:
                clients[name] = future.result()
            except Failure as failure:
                absent[name] = str(failure)
    return clients, absent


@contextmanager
def refusals() -> Iterator[None]:
    """Turns what the engine refuses within the block into a Failure with the engine's words."""
    import requests
    from docker.errors import APIError

    from toolchain.plugins.docker.connection import why_unreachable

    try:
        yield
    except APIError as error:
        raise Failure(f"the Docker Engine refused: {error.explanation or error}") from None
    except requests.exceptions.RequestException as error:
        raise Failure(f"the Docker Engine was lost ({why_unreachable(error)})") from None


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
    node: str = ""  # whose engine has it; none: all of them, or there is only one

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f" on {self.node}" if self.node else "")


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


SWARM = ("service", "config", "secret")  # kinds that only a manager knows


def things(engines: Engines, environment: str | None = None) -> list[Thing]:
    """All that carries our labels, without the containers that belong to a service."""
    filters = selector(environment)
    found: dict[str, Thing] = {}
    with refusals():
        for kind, listed in KINDS.items():
            nodes = {"": engines.manager} if kind in SWARM else engines.nodes
            for node, client in nodes.items():
                for raw in listed(client, filters):
                    thing = _thing(kind, raw)
                    if thing is None:
                        continue
                    # A network of the Swarm is on each node that uses it.
                    shared = raw.get("Scope") == "swarm"
                    key = f"{kind} {thing.id}" if shared else f"{kind} {thing.id} {node}"
                    found[key] = replace(thing, node="" if shared else node)
    return list(found.values())


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


def remove(engines: Engines, thing: Thing, patience: float = 30.0) -> None:
    """Remove a thing until it is gone, up to `patience` seconds: its users may still be ending."""
    from docker.errors import APIError, NotFound

    client = engines.nodes[thing.node] if thing.node else engines.manager
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
