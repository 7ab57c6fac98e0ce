"""Throw-away services on the real engine, in an environment of their own, always removed."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from components.labels import labels
from operations import engine
from operations.engine import Client, Engines
from toolchain.versions import versions

ENVIRONMENT = "optest"
START = ["sh", "-c", "echo begun; trap 'exit 0' TERM; while :; do sleep 0.1; done"]


def wait(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until something holds; an AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.1)


def clean(client: Client) -> None:
    """Remove all that the tests' environment has, and wait for the last container to end."""
    engines = engine.alone(client)
    for thing in engine.things(engines, ENVIRONMENT):
        engine.remove(engines, thing)
    wait(lambda: not client.api.containers(all=True, filters=engine.selector(ENVIRONMENT)))


@pytest.fixture
def client() -> Iterator[Client]:
    """The engine, without anything of the tests' environment before and after."""
    client = engine.connect()
    clean(client)
    yield client
    clean(client)
    client.close()


@pytest.fixture
def engines(client: Client) -> Engines:
    """The same engine as all that an environment has."""
    return engine.alone(client)


Start = Callable[..., str]


@pytest.fixture
def start(client: Client) -> Start:
    """`start("web", replicas=2)` makes a service and waits for its tasks: its identifier."""
    from docker.types import ServiceMode

    def start(
        part: str,
        replicas: int = 1,
        command: list[str] | None = None,
        image: str | None = None,
        name: str | None = None,
        **more: Any,
    ) -> str:
        service = client.services.create(
            image=image or versions().rootfs,
            command=command if image else command or START,
            name=f"studip-{ENVIRONMENT}-{name or part}",
            labels=labels(ENVIRONMENT, part),
            container_labels=labels(ENVIRONMENT, part),
            mode=ServiceMode("replicated", replicas),
            stop_grace_period=1_000_000_000,
            **more,
        )
        if command is None:
            wait(lambda: running_tasks(client, service.id) == replicas)
        return str(service.id)

    return start


def running_tasks(client: Client, service: str) -> int:
    """How many tasks of a service run."""
    tasks = client.api.tasks(filters={"service": service})
    return sum(task["Status"]["State"] == "running" for task in tasks)
