"""Images built and run on the real engine, as the components run them; always removed.

For tests of any image:

- `built(name, target=None, context=None, **build_args) -> str`: reference of the image of
  `images/<name>`, built once a session, its base first. A base other than the usual one goes in as
  `BASE=...`, a build context other than the image's own folder as `context`.
- `network`: name of a bridge network of the test, on which containers find each other by alias.
- `run(image, command=None, *, env, secrets, volumes, tmpfs, network, alias, ...) -> Running`: a
  container with read-only root, without capabilities and with an init process, as on Swarm.
  `secrets` maps names to contents of /run/secrets, readable by `user` alone.
- `volume() -> str`: name of a new volume.
"""

import io
import os
import tarfile
import threading
import time
import tomllib
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import docker
import pytest
from docker.errors import ImageNotFound, NotFound
from docker.models.containers import Container

from toolchain.plugins.common.resource import Call
from toolchain.plugins.docker.build import build
from toolchain.plugins.docker.connection import Engine, Settings

ROOT = Path(__file__).resolve().parents[2]
LABEL = "studip.test"
SECOND = 1_000_000_000  # ns

# What each image stands on; the others stand on `base`. None: on the root file system.
BASES = {
    "base": None,
    "ceph": "storage-base",
    "demo": "php-apache",
    "glusterfs": "storage-base",
    "php-apache": "php",
    "php-fpm": "php",
    "official-registry": "registry",
    "registry": None,
    "studip": "php-apache",
}
# Images of the tests themselves: stand-ins for official ones, which can't be had everywhere.
STAND_INS = {"official-php", "official-registry"}
# Images with a stage for each source of packages, of which one is chosen.
STAGED = {
    "base",
    "galera",
    "haproxy",
    "innodb-cluster",
    "mariadb",
    "proxy",
    "redis",
    "registry",
}


def rootfs() -> str:
    """The root file system that the toolchain made, or another one named by STUDIP_TEST_ROOTFS."""
    debian = tomllib.loads((ROOT / "versions.toml").read_text())["debian"]
    return os.environ.get(
        "STUDIP_TEST_ROOTFS", f"studip/rootfs:{debian['suite']}-{debian['serial']}"
    )


def wait(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until something holds; an AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.1)


@pytest.fixture(scope="session")
def session_client() -> Iterator[docker.DockerClient]:
    """The engine of this machine."""
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture
def client(session_client: docker.DockerClient) -> docker.DockerClient:
    """The engine of this machine."""
    return session_client


Built = Callable[..., str]


@pytest.fixture(scope="session")
def built(session_client: docker.DockerClient) -> Iterator[Built]:
    """`built("redis")`: the image's reference; built once a session, see above."""
    done: dict[tuple[str, str, Path | None, tuple[tuple[str, str], ...]], str] = {}
    tags: list[str] = []

    def built(
        name: str, target: str | None = None, context: Path | None = None, **build_args: str
    ) -> str:
        target = target or ("debian" if name in STAGED else "")
        if name == "base":
            build_args = {"ROOTFS": rootfs(), **build_args}
        elif "BASE" not in build_args:
            base = BASES.get(name, "base")
            build_args["BASE"] = built(base) if base else rootfs()
        key = (name, target, context, tuple(sorted(build_args.items())))
        if key not in done:
            tags.append(f"studip-test/{name}:{uuid.uuid4().hex[:12]}")
            done[key] = _build(tags[-1], name, target, context, build_args)
        return done[key]

    try:
        yield built
    finally:
        for tag in reversed(tags):
            with suppress(ImageNotFound):
                session_client.images.remove(tag)


def _build(
    tag: str, name: str, target: str, context: Path | None, build_args: Mapping[str, str]
) -> str:
    folder = (ROOT / "tests" if name in STAND_INS else ROOT) / "images" / name
    options = {
        "context": str(context or folder),
        "dockerfile": str(folder / "Dockerfile"),
        "target": target,
        "args": dict(build_args),
    }
    call = Call(
        urn="",
        name=name,
        timeout=0,
        cancelled=threading.Event(),
        send=lambda severity, text, ephemeral: None,  # a failure carries its last lines
    )
    build(call, Engine(Settings()), tag, options)
    return tag


class Volume(Protocol):
    """Makes a volume: its name."""

    def __call__(self, *, memory: int = 0, owner: int = 0) -> str:
        """`memory`: instead of on the disk, of so many MiB, and for user `owner` alone."""


@contextmanager
def volumes(client: docker.DockerClient) -> Iterator[Volume]:
    """What the fixture `volume` gives, for a time of any length."""
    made: list[Any] = []

    def volume(*, memory: int = 0, owner: int = 0) -> str:
        held = f"size={memory}m,uid={owner},mode=0750"
        options = {"type": "tmpfs", "device": "tmpfs", "o": held} if memory else {}
        name = f"studip-test-{uuid.uuid4().hex}"
        made.append(client.volumes.create(name, driver_opts=options, labels={LABEL: ""}))
        return name

    try:
        yield volume
    finally:
        for one in made:
            one.remove(force=True)


@pytest.fixture
def volume(client: docker.DockerClient) -> Iterator[Volume]:
    """`volume()` makes a volume: its name."""
    with volumes(client) as volume:
        yield volume


@contextmanager
def networks(client: docker.DockerClient, *, internal: bool = False) -> Iterator[str]:
    """What the fixture `network` gives, for a time of any length; no way out if `internal`."""
    name = f"studip-test-{uuid.uuid4().hex[:12]}"
    made = client.networks.create(name, labels={LABEL: ""}, internal=internal)
    try:
        yield str(made.name)
    finally:
        made.reload()
        for container in made.containers:  # fixtures that are torn down later made them
            container.remove(force=True, v=True)
        made.remove()


@pytest.fixture
def network(client: docker.DockerClient) -> Iterator[str]:
    """Name of a network on which containers find each other by their alias."""
    with networks(client) as network:
        yield network


@dataclass(frozen=True)
class Running:
    """A container of a test."""

    container: Container

    def health(self) -> str:
        """`starting`, `healthy` or `unhealthy`."""
        self.container.reload()
        return str(self.container.attrs["State"].get("Health", {}).get("Status"))

    def status(self) -> str:
        """`created`, `running` or `exited`."""
        self.container.reload()
        return str(self.container.status)

    def wait_healthy(self, seconds: float = 60.0) -> None:
        """Wait until the health check succeeds; an AssertionError with the log if it does not."""
        deadline = time.monotonic() + seconds
        while (health := self.health()) != "healthy":
            log = self.container.attrs["State"].get("Health", {}).get("Log")
            assert self.status() == "running", f"it stopped:\n{self.logs()}"
            assert time.monotonic() < deadline, f"{health} {log}:\n{self.logs()}"
            time.sleep(0.1)

    def wait_exit(self, seconds: float = 30.0) -> int:
        """Wait until it ended: its exit code."""
        wait(lambda: self.status() == "exited", seconds)
        return int(self.container.attrs["State"]["ExitCode"])

    def logs(self) -> str:
        """Everything it wrote."""
        return str(self.container.logs().decode(errors="replace"))

    def sh(self, script: str, user: str = "") -> str:
        """Output of a shell script in the container; an AssertionError if it fails."""
        code, output = self.container.exec_run(["bash", "-c", script], user=user)
        text = output.decode(errors="replace")
        assert code == 0, f"{script[:200]}: exit code {code}: {text}"
        return str(text).strip()

    def address(self, network: str) -> str:
        """IP address in a network; the machine itself reaches it too."""
        self.container.reload()
        return str(self.container.attrs["NetworkSettings"]["Networks"][network]["IPAddress"])


Run = Callable[..., Running]


@contextmanager
def runs(client: docker.DockerClient, volume: Volume) -> Iterator[Run]:
    """What the fixture `run` gives, for a time of any length."""
    made: list[Container] = []

    def run(
        image: str,
        command: Sequence[str] | None = None,
        *,
        env: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | str | None = None,  # or a volume from `write_secrets`
        volumes: Mapping[str, str] | None = None,  # name of a volume: path in the container
        tmpfs: Sequence[str] = ("/tmp",),
        network: str = "none",
        alias: str | None = None,
        user: int = 999,  # owner of the secrets
        stop_signal: str | None = None,
        entrypoint: str | None = None,
        interval: int = 1,  # s from the start to the first health check, and between two
        name_server: str | None = None,  # for names that the engine doesn't know
    ) -> Running:
        binds = {name: {"bind": path, "mode": "rw"} for name, path in (volumes or {}).items()}
        if secrets:
            if not isinstance(secrets, str):
                secrets = write_secrets(client, image, volume(), secrets, user)
            binds[secrets] = {"bind": "/run/secrets", "mode": "ro"}
        container = client.containers.create(
            image,
            list(command) if command is not None else None,
            environment=dict(env or {}),
            volumes=binds,
            tmpfs=dict.fromkeys(tmpfs, "mode=1777,size=256m"),
            network=network,
            labels={LABEL: ""},
            read_only=True,
            init=True,
            dns=[name_server] if name_server else None,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            stop_signal=stop_signal,
            entrypoint=entrypoint,
            healthcheck={"interval": interval * SECOND, "start_period": 120 * SECOND},
        )
        made.append(container)
        if alias:
            connected = client.networks.get(network)
            connected.disconnect(container)
            connected.connect(container, aliases=[alias])
        container.start()
        return Running(container)

    try:
        yield run
    finally:
        for container in made:
            with suppress(NotFound):  # the test itself removed it
                container.remove(force=True, v=True)


@pytest.fixture
def run(client: docker.DockerClient, volume: Volume) -> Iterator[Run]:
    """Start a container the way the components do, and remove it afterwards; see above."""
    with runs(client, volume) as run:
        yield run


def write_secrets(
    client: docker.DockerClient, image: str, volume: str, contents: Mapping[str, str], user: int
) -> str:
    """Write files into a volume that only `user` can read; the volume's name."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content.encode()), 0o400
            entry.uid = entry.gid = user
            tar.addfile(entry, io.BytesIO(content.encode()))
    helper = client.containers.create(
        image, volumes={volume: {"bind": "/run/secrets"}}, labels={LABEL: ""}
    )
    try:
        assert helper.put_archive("/run/secrets", archive.getvalue())
    finally:
        helper.remove()
    return volume
