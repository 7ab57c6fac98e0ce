"""Shared storage on containers of a network of their own: started, cut off, written to, removed."""

import json
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import docker
from docker.errors import NotFound
from docker.models.containers import Container
from docker.types import IPAMConfig, IPAMPool

from tests.images.conftest import LABEL, SECOND, Running, wait

FIRST = 11  # last number of the first member's address
CLIENT = 21  # and of the first client's
CUT = float(os.environ.get("STUDIP_TEST_CUT", "20"))  # s that a network is cut
SIZE = 20_000  # bytes of each file that is written
UPLOADS = "/node/shared/upload_doc"

# Writes files until /tmp/stop is there: what was closed without an error, and how long it took.
WRITER = """
import hashlib, json, os, sys, time
folder, size = sys.argv[1], int(sys.argv[2])
written, errors, slowest, number = {}, [], 0.0, 0
while not os.path.exists("/tmp/stop"):
    number += 1
    name, data = f"{number:06}", os.urandom(size)
    began = time.monotonic()
    try:
        with open(f"{folder}/{name}", "wb") as file:
            file.write(data)
        written[name] = hashlib.sha256(data).hexdigest()
    except OSError as error:
        errors.append(f"{name}: {error}")
    slowest = max(slowest, time.monotonic() - began)
    time.sleep(0.01)
print(json.dumps({"written": written, "errors": errors, "slowest": slowest}))
"""
# Takes the network away: packets of both directions are gone, as with a pulled cable.
LINK = """
import fcntl, socket, struct, sys
up = sys.argv[1] == "up"
with socket.socket() as one:
    request = struct.pack("16sh14x", b"eth0", 0)
    flags = struct.unpack("16sh14x", fcntl.ioctl(one, 0x8913, request))[1]
    request = struct.pack("16sh14x", b"eth0", flags | 1 if up else flags & ~1)
    fcntl.ioctl(one, 0x8914, request)
"""

Record = Callable[[str, object], None]


@dataclass
class Deployed:
    """Three members and their clients; a member's name resolves to its address."""

    client: docker.DockerClient
    image: str
    network: str
    subnet: str  # first three numbers
    env: Mapping[str, str]
    mark: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    containers: list[Container] = field(default_factory=list)
    volumes: dict[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """What the members are called."""
        return [f"member-{number}" for number in (1, 2, 3)]

    def volume(self, name: str) -> str:
        """A volume of this storage, made when it is first asked for."""
        if name not in self.volumes:
            self.volumes[name] = self.client.volumes.create(
                f"storage-test-{self.mark}-{name}", labels={LABEL: "storage"}
            )
        return str(self.volumes[name].name)

    def lose(self, name: str) -> None:
        """Remove a volume with all that is on it."""
        self.volumes.pop(name).remove()

    def run(
        self,
        command: Sequence[str],
        name: str,
        last: int,
        *,
        env: Mapping[str, str] | None = None,
        binds: Mapping[str, Mapping[str, str]] | None = None,
        capabilities: Sequence[str] = (),
        fuse: bool = False,
        within: Running | None = None,
    ) -> Running:
        """Start a container as the components do, at the address that ends with `last`.

        `within`: it has the network of another container, as daemons of one node have.
        """
        api = self.client.api
        made = api.create_container(
            self.image,
            list(command),
            name=f"storage-test-{self.mark}-{name}-{uuid.uuid4().hex[:4]}",
            environment={"MEMBERS": ",".join(self.names), **(env or {})},
            labels={LABEL: "storage"},
            healthcheck={
                "test": ["CMD", "healthcheck"],
                "interval": 2 * SECOND,
                "timeout": 10 * SECOND,
                "start_period": 300 * SECOND,
            },
            host_config=api.create_host_config(
                binds=dict(binds or {}),
                cap_drop=["ALL"],
                cap_add=list(capabilities),
                devices=["/dev/fuse:/dev/fuse:rwm"] if fuse else [],
                security_opt=["apparmor=unconfined"],
                extra_hosts=None if within else self._hosts(),
                init=True,
                network_mode=f"container:{within.container.id}" if within else self.network,
            ),
            networking_config=None
            if within
            else api.create_networking_config(
                {self.network: api.create_endpoint_config(ipv4_address=f"{self.subnet}.{last}")}
            ),
        )
        container = self.client.containers.get(made["Id"])
        self.containers.append(container)
        container.start()
        return Running(container)

    def _hosts(self) -> dict[str, str]:
        return {name: f"{self.subnet}.{FIRST + index}" for index, name in enumerate(self.names)}

    @contextmanager
    def cut(self, running: Running) -> Iterator[None]:
        """Take a container's network away for a while."""
        try:
            self._link(running, "down")
            yield
        finally:
            self._link(running, "up")

    def _link(self, running: Running, state: str) -> None:
        self.client.containers.run(
            self.image,
            ["python3", "-c", LINK, state],
            network_mode=f"container:{running.container.id}",
            cap_add=["NET_ADMIN"],
            labels={LABEL: "storage"},
            remove=True,
        )

    def checksums(self, running: Running, folder: str) -> dict[str, str]:
        """SHA-256 of all files in a folder of a container."""
        lines = running.sh(f"cd {folder} && find . -type f | xargs -r sha256sum").splitlines()
        return {
            name.removeprefix("./"): digest for digest, name in (line.split() for line in lines)
        }

    def close(self) -> None:
        """Remove all of it."""
        for container in reversed(self.containers):
            with suppress(NotFound):
                container.remove(force=True, v=True)
        for one in self.volumes.values():
            one.remove(force=True)


@contextmanager
def subnets(client: docker.DockerClient) -> Iterator[Callable[[], tuple[str, str]]]:
    """`subnet()` makes a network: its name, and the first three numbers of its addresses."""
    made: list[Any] = []
    client.api.timeout = 300  # s; members keep a small machine busy

    def subnet() -> tuple[str, str]:
        first = f"198.19.{224 + len(client.networks.list()) % 31}"
        pool = IPAMPool(subnet=f"{first}.0/24", iprange=f"{first}.128/25")
        made.append(
            client.networks.create(
                f"storage-test-{uuid.uuid4().hex[:8]}",
                labels={LABEL: "storage"},
                ipam=IPAMConfig(pool_configs=[pool]),
            )
        )
        return str(made[-1].name), first

    try:
        yield subnet
    finally:
        for network in made:
            network.remove()


@contextmanager
def writing(mounted: Running, folder: str) -> Iterator[dict[str, Any]]:
    """Files are written all the time; filled in at the end: written, errors, slowest."""
    path = f"{UPLOADS}/{folder}"
    mounted.sh(f"mkdir -p {path}; rm -f /tmp/stop /tmp/done; cat > /tmp/writer <<'E'\n{WRITER}\nE")
    run = f"python3 /tmp/writer {path} {SIZE} > /tmp/result 2>&1; touch /tmp/done"
    mounted.container.exec_run(["bash", "-c", run], detach=True)
    wait(lambda: int(mounted.sh(f"ls {path} | wc -l")) > 5, 60)
    result: dict[str, Any] = {}
    try:
        yield result
    finally:
        mounted.sh("touch /tmp/stop; while [ ! -e /tmp/done ]; do sleep 0.1; done")
        result.update(json.loads(mounted.sh("cat /tmp/result")))


def report(record: Record, result: Mapping[str, Any], healed: float) -> None:
    """Put the measured figures into the test's report."""
    record("files", len(result["written"]))
    record("slowest_s", round(result["slowest"], 2))
    record("healed_s", round(healed, 1))


def took(condition: Callable[[], object], seconds: float) -> float:
    """Wait until something holds: the seconds that it took."""
    began = time.monotonic()
    wait(condition, seconds)
    return time.monotonic() - began
