"""Nodes with a load balancer and keepalived each, on a network with an address that moves.

A node is a network namespace with its own interface, held by a container; HAProxy and keepalived
join it as they would join a machine's. The test itself is the client beside them.
"""

import http.client
import json
import os
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil
from typing import Any

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container
from docker.types import IPAMConfig, IPAMPool

from components.address import VirtualAddressArgs, environment, handover
from components.budget import Budget
from components.node import Node
from components.workload import Logging, Resources
from tests.images.conftest import LABEL, ROOT, Built, wait

RESULTS = ROOT / "build" / "load-balancer.json"
HTTP = 8080
HTTPS = 8443
MONITOR = 8405
# Says where a request came from, and takes its time where it is asked to.
REPLICA = """
defaults
    mode http
    timeout client 10s
    timeout connect 1s
    timeout server 10s
frontend replica
    bind :8000
    timeout tarpit 3s
    http-request return status 200 if { path /health }
    http-request tarpit deny_status 200 if { path /slow }
    http-request return status 200 content-type text/plain lf-string "%[req.hdr(x-forwarded-for)]"
"""


def args(prefix: str, machines: int, **more: Any) -> VirtualAddressArgs:
    """What the component would be given, with address 100 of a network moving."""
    return VirtualAddressArgs(
        image="",
        nodes=[
            Node(name=f"node-{n}", address=f"{prefix}.{10 + n}") for n in range(1, machines + 1)
        ],
        addresses=[f"{prefix}.100/24"],
        monitor_port=MONITOR,
        labels={},
        resources=Resources(cpu_limit=1, memory_limit=64),
        logging=Logging(),
        **more,
    )


@dataclass
class Machine:
    """A node of the cluster."""

    node: Node
    holder: Container
    parts: dict[str, Container] = field(default_factory=dict)  # haproxy, keepalived

    def ip(self, *command: str) -> str:
        """Output of `ip` in the node's network namespace, with all rights."""
        code, output = self.holder.exec_run(["ip", *command])
        assert code == 0, output.decode()
        return str(output.decode())

    def sh(self, part: str, script: str) -> str:
        """Output of a shell script in one of its containers."""
        code, output = self.parts[part].exec_run(["bash", "-c", script])
        assert code == 0, output.decode()
        return str(output.decode())

    def kill(self, *parts: str) -> None:
        """End containers with all that is in them, at once: all parts as when the power goes."""
        containers = [self.parts[part] for part in parts] or [*self.parts.values(), self.holder]
        for container in containers:
            container.reload()
        for container in containers:
            os.kill(container.attrs["State"]["Pid"], 9)

    def runs(self, part: str | None = None) -> bool:
        """Whether it, or one of its parts, is there."""
        container = self.parts[part] if part else self.holder
        try:
            container.reload()
        except NotFound:
            return False
        return bool(container.status == "running")


class Cluster:
    """Machines that share an address, and one web replica behind them all."""

    def __init__(
        self,
        client: docker.DockerClient,
        built: Built,
        machines: int = 2,
        haproxy: Mapping[str, str] | None = None,
        volumes: Mapping[str, Any] | None = None,  # of the load balancers
        **more: Any,
    ) -> None:
        self._client = client
        self._built = built
        self._haproxy = dict(haproxy or {})
        self._volumes = dict(volumes or {})
        self._made: list[Container] = []
        prefix = f"198.18.{random.randrange(130, 250)}"
        self.args = args(prefix, machines, **more)
        self.address = f"{prefix}.100"
        # Only the upper half is the engine's to give.
        pool = IPAMPool(subnet=f"{prefix}.0/24", iprange=f"{prefix}.128/25", gateway=f"{prefix}.1")
        self.network = client.networks.create(
            f"balancer-test-{prefix}",
            labels={LABEL: "balancer"},
            ipam=IPAMConfig(pool_configs=[pool]),
        )
        self.machines: list[Machine] = []

    def start(self) -> None:
        """Start everything; wait until one machine has the address, and it serves."""
        self.start_replica()
        self.heal()

    def start_replica(self) -> None:
        """Start the web replica."""
        self.replica = self.run(
            "haproxy",
            ["bash", "-c", 'exec haproxy -db -f <(printf %s "$REPLICA")'],
            env={"REPLICA": REPLICA, "BACKEND_HOST": "none"},
            alias="web",
        )

    def heal(self) -> Machine:
        """Start what is missing, and wait until all is well: the machine with the address."""
        for number, node in enumerate(self.args.nodes):
            if len(self.machines) <= number:
                self.machines.append(self._machine(node))
            elif not self.machines[number].runs():
                self._remove(*self.machines[number].parts.values(), self.machines[number].holder)
                self.machines[number] = self._machine(node)
            for part in ("haproxy", "keepalived"):
                self.start_part(self.machines[number], part)
        wait(lambda: all(ask(one.node.address, MONITOR) == b"ready" for one in self.machines), 60)
        wait(lambda: len(self.owners()) == 1, 60)
        wait(lambda: ask(self.address) is not None, 60)
        return self.owner()

    def _machine(self, node: Node) -> Machine:
        holder = self.run(
            "keepalived",
            ["infinity"],
            entrypoint="sleep",
            cap_add=["NET_ADMIN"],
            user="0",
            address=node.address,
        )
        return Machine(node, holder)

    def start_part(self, machine: Machine, part: str) -> None:
        """Start HAProxy or keepalived of a machine where it does not run."""
        if part in machine.parts:
            if machine.runs(part):
                return
            self._remove(machine.parts[part])
        if part == "haproxy":
            machine.parts[part] = self.run(
                part,
                env={
                    "BACKEND_HOST": "web",
                    "BACKEND_PORT": "8000",
                    "CHECK_INTER": "500",
                    "HANDOVER_SECONDS": str(ceil(handover(self.args.timers, 2))),
                    **self._haproxy,
                },
                inside=machine.holder,
                volumes=self._volumes,
            )
        else:
            machine.parts[part] = self.run(
                part,
                env=environment(self.args, self.args.nodes.index(machine.node)),
                inside=machine.holder,
                cap_add=["NET_ADMIN", "NET_RAW"],
                tmpfs={"/run/keepalived": "mode=1777,size=4m"},
            )

    def run(
        self,
        image: str,
        command: list[str] | None = None,
        *,
        env: Mapping[str, str] | None = None,
        inside: Container | None = None,  # whose network namespace is joined
        address: str | None = None,
        alias: str | None = None,
        tmpfs: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Container:
        """Start a container as Swarm would: read-only, without capabilities but those named."""
        if inside is None:
            more["network"] = self.network.name
        else:
            more["network_mode"] = f"container:{inside.id}"
        container = self._client.containers.create(
            self._built(image),
            command,
            environment=dict(env or {}),
            labels={LABEL: "balancer"},
            read_only=True,
            init=True,
            cap_drop=["ALL"],
            tmpfs={"/tmp": "mode=1777,size=16m", **(tmpfs or {})},
            **more,
        )
        self._made.append(container)
        if address or alias:
            aliases = [alias] if alias else None
            self.network.disconnect(container)
            self.network.connect(container, ipv4_address=address, aliases=aliases)
        container.start()
        return container

    def owners(self) -> list[Machine]:
        """Machines that have the address now."""
        return [one for one in self.machines if self._has(one)]

    def _has(self, machine: Machine) -> bool:
        try:
            return f" {self.address}/" in machine.ip("-brief", "address")
        except (APIError, AssertionError):  # just dying, or dead
            return False

    def owner(self) -> Machine:
        """The one machine that has the address."""
        (owner,) = self.owners()
        return owner

    def moved_from(self, former: Machine) -> Machine:
        """Wait until exactly one other machine has the address: it."""
        wait(lambda: [one is former for one in self.owners()] == [False], 30)
        return self.owner()

    def _remove(self, *containers: Container) -> None:
        for container in containers:
            with suppress(NotFound):
                container.remove(force=True, v=True)

    def close(self) -> None:
        """Remove everything."""
        self._remove(*reversed(self._made))
        self.network.remove()


def ask(host: str, port: int = HTTP, path: str = "/", timeout: float = 2.0) -> bytes | None:
    """Body of a page; none where there is no answer, or another one than 200."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        return body if answer.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


@dataclass(frozen=True)
class Sample:
    """One request."""

    begun: float  # s
    ended: float  # s
    error: str  # empty where all was well


class Load:
    """Constant requests, for 120 s at most.

    A patient client asks again when it was answered, on new connections and on `kept` ones. An
    impatient one asks each `TICK`, whatever became of the request before: it sees when there was
    no answer to be had.
    """

    TICK = 0.02  # s

    def __init__(
        self,
        host: str,
        port: int = HTTP,
        *,
        timeout: float,  # s
        patient: bool = True,
        kept: int = 0,  # threads that keep their connection, beside two that don't
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._connect: Callable[[], http.client.HTTPConnection]
        if tls is None:
            self._connect = lambda: http.client.HTTPConnection(host, port, timeout=timeout)
        else:
            self._connect = lambda: _Tls(host, port, tls, timeout)
        self._samples: list[Sample] = []
        self._ended = threading.Event()
        if patient:
            self._threads = [
                threading.Thread(target=self._ask_again, args=[keep], daemon=True)
                for keep in [True] * kept + [False] * 2
            ]
        else:
            turns = int(timeout / self.TICK) + 1
            self._threads = [
                threading.Thread(target=self._ask_in_turn, args=[turn, turns], daemon=True)
                for turn in range(turns)
            ]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        time.sleep(0.5)
        return self

    def __exit__(self, *_: object) -> None:
        time.sleep(1)
        self._ended.set()
        for thread in self._threads:
            thread.join(60)

    def _ask_again(self, keep: bool) -> None:
        connection = self._connect()
        deadline = time.monotonic() + 120
        while not self._ended.wait(0.01) and time.monotonic() < deadline:
            if not self._ask(connection) or not keep:
                connection.close()
                connection = self._connect()

    def _ask_in_turn(self, turn: int, turns: int) -> None:
        begun = time.monotonic()
        for number in range(turn, int(120 / self.TICK), turns):
            if self._ended.wait(max(0.0, begun + number * self.TICK - time.monotonic())):
                return
            connection = self._connect()
            self._ask(connection)
            connection.close()

    def _ask(self, connection: http.client.HTTPConnection) -> bool:
        """Whether the connection can be used once more."""
        begun, error = time.monotonic(), ""
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                error = str(answer.status)
            usable = not answer.will_close
        except (OSError, http.client.HTTPException) as raised:
            error, usable = repr(raised), False
        self._samples.append(Sample(begun, time.monotonic(), error))
        return usable

    @property
    def samples(self) -> list[Sample]:
        """All requests that ended, by their end."""
        return sorted(self._samples, key=lambda sample: sample.ended)

    @property
    def failures(self) -> list[str]:
        """What went wrong."""
        return [sample.error for sample in self.samples if sample.error]

    @property
    def outage(self) -> float:
        """Longest time in s between two answers."""
        answered = [sample.ended for sample in self.samples if not sample.error]
        return max(after - before for before, after in pairwise(answered))

    def figures(self) -> dict[str, float]:
        """What is written down."""
        slowest = max(sample.ended - sample.begun for sample in self.samples)
        return {
            "requests": len(self.samples),
            "failed": len(self.failures),
            "slowest_ms": round(slowest * 1000),
            "outage_s": round(self.outage, 2),
        }


class _Tls(http.client.HTTPSConnection):
    """HTTPS to an address, asking for the name that the certificates are for."""

    NAME = "studip.example"

    def __init__(self, host: str, port: int, context: ssl.SSLContext, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout, context=context)
        self._own = context

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), self.timeout)
        self.sock = self._own.wrap_socket(plain, server_hostname=self.NAME)


def write_down(fault: str, profile: str, load: Load, budgets: list[Budget]) -> None:
    """Keep the figures of a fault, beside the outage that the timers predict."""
    predicted = {budget.fault: round(budget.outage, 2) for budget in budgets}
    row = {"fault": fault, "profile": profile, **load.figures(), "budget_s": predicted.get(fault)}
    rows = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    rows = [one for one in rows if (one["fault"], one["profile"]) != (fault, profile)]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps([*rows, row], indent=1) + "\n")
    print(row)
