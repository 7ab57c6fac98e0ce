"""A network of machines on this machine's engine."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from operations import engine, nodes
from operations.engine import Address
from stacks.settings.models import Node as Settings
from tests.testbed import keys
from tests.testbed.node import Node, docker
from toolchain import apt, docker_engine, rootfs
from toolchain.failure import Failure
from toolchain.places import ROOT, cache
from toolchain.run import run

FOLDER = Path(__file__).parent / "node"
RUN = Path("/run/studip-testbed")  # sockets and keys, a folder a testbed
LABEL = "studip.testbed"  # its value: the testbed's name
NODE = "studip.testbed.node"  # the machine's host name
OWNER = "studip.testbed.owner"  # the process that removes it in the end; none: it stays
NETWORKS = [f"198.19.{number}" for number in range(1, 100)]  # of the benchmark range
FIRST_NODE, ADDRESS, CLIENT = 11, 100, 200  # last numbers of IP addresses
PROGRAMS = {"ip": "iproute2", "openssl": "openssl", "ssh": "openssh-client"}

# A machine in a container. Not privileged: that takes capabilities which this machine may lack.
RIGHTS = (
    *("--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE"),
    *("--security-opt", "seccomp=unconfined"),
    *("--security-opt", "apparmor=unconfined"),
    *("--security-opt", "systempaths=unconfined"),
    *("--device-cgroup-rule", "a *:* rwm"),
)

T = TypeVar("T")


class Testbed:
    """Machines, a network, a client outside; `with` removes all of it in the end.

    `keep`: it outlives the process that made it, until `down`. `clocks`: each machine has a wall
    clock of its own, see `Node.clock`.
    """

    __test__ = False  # no test, whatever its name begins with

    def __init__(
        self, name: str, *, nodes: int = 3, keep: bool = False, clocks: bool = False
    ) -> None:
        if not name.isidentifier():
            raise Failure(f"a testbed's name must be letters and digits, got {name!r}")
        self.name = name
        self.network = f"testbed-{name}"
        self.folder = RUN / name
        self.count = nodes
        self._keep = keep
        self._clocks = clocks

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.down()

    # Life

    def up(self) -> None:
        """Make the machines and wait for their engines; what a killed run left goes first."""
        for program, package in PROGRAMS.items():
            if not shutil.which(program):
                apt.install(package)
        for name, owner in sorted(testbeds().items()):
            if owner and not _alive(owner):
                remove(name)
            elif name == self.name:
                raise Failure(f"testbed {name} is there already: `python -m tests.testbed down`")
        image = node_image()
        shutil.rmtree(self.folder, ignore_errors=True)
        try:
            prefix = self._make_network()
            self._make_keys([f"{prefix}.{FIRST_NODE + i}" for i in range(self.count)])
            _at_once(lambda i: self._make_node(image, prefix, i), range(self.count))
            self._make_client(image, f"{prefix}.{CLIENT}")
            _at_once(lambda node: node.wait(), self.nodes)
            _at_once(_provide_rootfs, self.nodes)
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        """Remove everything of this testbed."""
        remove(self.name)

    def _make_network(self) -> str:
        """Make the network; the first three numbers of its addresses."""
        for prefix in NETWORKS:
            try:
                docker(
                    *("network", "create", "--driver", "bridge", *self._labels()),
                    *("--subnet", f"{prefix}.0/24", "--gateway", f"{prefix}.1"),
                    self.network,
                )
                return prefix
            except Failure as failure:
                if "overlaps" not in str(failure):
                    raise
        raise Failure(f"no network of {NETWORKS[0]}.0/24 to {NETWORKS[-1]}.0/24 is free")

    def _make_keys(self, addresses: Iterable[str]) -> None:
        addresses = list(addresses)
        made = keys.make(self.folder / "keys", addresses)
        hosts = [f"Host node-{i}\n  HostName {a}\n" for i, a in enumerate(addresses, 1)]
        config = self.folder / "ssh_config"
        config.write_text(
            f"{''.join(hosts)}Host *\n  User root\n  IdentityFile {made.shell / 'id'}\n"
            f"  IdentitiesOnly yes\n  UserKnownHostsFile {made.shell / 'known_hosts'}\n"
            "  StrictHostKeyChecking yes\n  ConnectTimeout 5\n  BatchMode yes\n  LogLevel ERROR\n"
        )
        # First on PATH, it lets every program in that starts a secure shell by its name.
        program = self.folder / "bin" / "ssh"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {config} "$@"\n')
        program.chmod(0o755)

    def _make_node(self, image: str, prefix: str, index: int) -> None:
        name = f"node-{index + 1}"
        container = f"{self.network}-{name}"
        engine = self.folder / name
        engine.mkdir(parents=True)
        docker("volume", "create", *self._labels(), container)
        docker(
            *("run", "--detach", "--init", "--name", container, "--hostname", name, *RIGHTS),
            *(*self._labels(), "--label", f"{NODE}={name}", "--stop-timeout", "60"),
            *("--network", self.network, "--ip", f"{prefix}.{FIRST_NODE + index}"),
            *(
                "--network-alias",
                name,
                "--env",
                f"TESTBED_MTU={docker_engine.mtu()}",
            ),
            *(("--env", "TESTBED_CLOCKS=yes") if self._clocks else ()),
            *("--tmpfs", "/run", "--tmpfs", "/tmp:exec"),
            *("--volume", f"{container}:/var/lib/docker", "--volume", f"{engine}:/run/engine"),
            *("--volume", f"{self.folder / 'keys/server'}:/etc/testbed:ro"),
            *(("--volume", f"{seed()}:/seed.tar:ro") if seed().exists() else ()),
            image,
        )

    def _make_client(self, image: str, address: str) -> None:
        docker(
            *("run", "--detach", "--init", "--name", self.client, "--hostname", "client"),
            *(*self._labels(), "--cap-add", "NET_ADMIN", "--network", self.network),
            *("--ip", address, "--volume", f"{ROOT}:/project:ro", "--workdir", "/project"),
            *("--entrypoint", "sleep", image, "infinity"),
        )

    def _labels(self) -> tuple[str, ...]:
        owner = "" if self._keep else _identity(os.getpid())
        return ("--label", f"{LABEL}={self.name}", "--label", f"{OWNER}={owner}")

    # What is there

    @property
    def nodes(self) -> list[Node]:
        """The machines, switched off ones too; the ways to their engines take turns."""
        listed = docker(
            *("ps", "--all", "--quiet", "--filter", f"label={LABEL}={self.name}"),
            *("--filter", f"label={NODE}"),
        ).split()
        if not listed:
            raise Failure(f"there is no testbed {self.name}: `python -m tests.testbed up`")
        found = json.loads(docker("inspect", *listed))
        return sorted((self._node(raw) for raw in found), key=lambda node: node.name)

    def node(self, number: int) -> Node:
        """Machine 1, 2, ..."""
        return self.nodes[number - 1]

    def _node(self, raw: dict[str, Any]) -> Node:
        name = raw["Config"]["Labels"][NODE]
        attached = raw["NetworkSettings"]["Networks"][self.network]
        address = attached["IPAMConfig"]["IPv4Address"]
        number = int(name.removeprefix("node-")) - 1
        engine = (
            f"unix://{self.folder}/{name}/docker.sock",
            f"tcp://{address}:2376",
            f"ssh://root@{address}",
        )[number % 3]
        return Node(
            name=name,
            container=raw["Name"].removeprefix("/"),
            network=f"br-{attached['NetworkID'][:12]}",
            address=address,
            engine=engine,
            certificates=self.folder / "keys/client" if engine.startswith("tcp:") else None,
            labels={"zone": "abc"[number % 3]},
        )

    @property
    def client(self) -> str:
        """Container outside of the machines, on their network; the project is in /project."""
        return f"{self.network}-client"

    @property
    def address(self) -> str:
        """An IP address of the network that no machine has: for what moves between them."""
        return f"{self.node(1).address.rpartition('.')[0]}.{ADDRESS}"

    @property
    def path(self) -> str:
        """PATH for programs that reach the machines by a secure shell."""
        return f"{self.folder / 'bin'}:{os.environ['PATH']}"

    def settings(self) -> list[dict[str, Any]]:
        """The section `studip:nodes` of a settings file."""
        return [
            {
                "name": node.name,
                "engine": node.engine,
                **({"certificates": str(node.certificates)} if node.certificates else {}),
                "address": node.address,
                "labels": node.labels,
            }
            for node in self.nodes
        ]

    # What is done with them

    def join(self) -> None:
        """Make one Swarm of the machines, all of them managers, as `make nodes` does."""
        listed = [Settings.model_validate(raw) for raw in self.settings()]
        # Through their sockets, so that it needs no `path`.
        sockets = {node.name: f"unix://{self.folder}/{node.name}/docker.sock" for node in listed}
        clients, absent = engine.connect_all({n: Address(host) for n, host in sockets.items()})
        if absent:
            raise Failure("; ".join(absent.values()))
        nodes.make(listed, clients, {name: nodes.look(client) for name, client in clients.items()})
        for client in clients.values():
            client.close()

    def heal(self) -> None:
        """Switch on what is off, and make the network whole."""
        for node in self.nodes:
            if not node.running:
                node.start()
            node.heal()

    def save(self) -> None:
        """Keep images and build cache of the first machine, which ends, for testbeds to come."""
        node = self.node(1)
        # A Swarm that is left removes its containers too.
        remove_all = "until docker ps -aq | xargs -r docker rm -fv; do sleep 1; done"
        node.run("bash", "-c", f"docker swarm leave --force; {remove_all}")
        node.stop()
        made = seed().with_suffix(f".{os.getpid()}")
        inner = "cd /var/lib/docker && exec tar --create --xattrs --xattrs-include='*' "
        inner += "--numeric-owner $(ls --directory image overlay2 buildkit builder 2>/dev/null)"
        pack = ["docker", "run", "--rm", "--volumes-from", node.container, "--entrypoint", "bash"]
        try:
            with made.open("wb") as file:
                subprocess.run([*pack, node_image(), "-c", inner], stdout=file, check=True)
            made.rename(seed())
        finally:
            made.unlink(missing_ok=True)


def testbeds() -> dict[str, str]:
    """Names of all testbeds of this engine, each with its owner."""
    found: dict[str, str] = {}
    for kind in (("ps", "--all"), ("network", "ls"), ("volume", "ls")):
        form = f'{{{{.Label "{LABEL}"}}}} {{{{.Label "{OWNER}"}}}}'
        for line in docker(*kind, "--filter", f"label={LABEL}", "--format", form).splitlines():
            name, _, owner = line.partition(" ")
            found[name] = owner.strip()
    return found


def remove(name: str) -> None:
    """Remove everything of a testbed, as far as it is there."""
    own = f"label={LABEL}={name}"
    if containers := docker("ps", "--all", "--quiet", "--filter", own).split():
        docker("rm", "--force", "--volumes", *containers)
    if volumes := docker("volume", "ls", "--quiet", "--filter", own).split():
        docker("volume", "rm", "--force", *volumes)
    if networks := docker("network", "ls", "--quiet", "--filter", own).split():
        docker("network", "rm", *networks)
    shutil.rmtree(RUN / name, ignore_errors=True)


def node_image() -> str:
    """Reference of the machines' image, built where it is not there yet."""
    reference = f"studip-testbed/node:{_key()}"
    if docker("image", "ls", "--quiet", reference).strip():
        return reference
    # Imported here: a client library costs time that an existing image need not pay.
    from toolchain.plugins.common.resource import Call
    from toolchain.plugins.docker.build import build
    from toolchain.plugins.docker.connection import Engine, Settings

    call = Call(
        urn="",
        name="testbed-node",
        timeout=0,
        cancelled=threading.Event(),
        send=lambda severity, text, ephemeral: None,  # a failure carries its last lines
    )
    build(
        call,
        Engine(Settings()),
        reference,
        {
            "context": str(FOLDER),
            "dockerfile": str(FOLDER / "Dockerfile"),
            "args": {"ROOTFS": rootfs.ensure()},
        },
    )
    return reference


def seed() -> Path:
    """Packed images and build cache for new machines; need not exist."""
    return cache() / f"testbed-seed-{_key()}.tar"


def _key() -> str:
    """What the machines' image is made of, as a short name."""
    from toolchain.versions import versions

    digest = sha256(versions().rootfs.encode())
    for path in sorted(FOLDER.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def _provide_rootfs(node: Node) -> None:
    """Give a machine the root file system that images stand on."""
    reference = rootfs.ensure()
    if not node.docker("image", "ls", "--quiet", reference).strip():
        command = 'set -o pipefail; docker save "$1" | docker exec -i "$2" docker load'
        run(["bash", "-c", command, "-", reference, node.container])


def _at_once(what: Callable[[T], object], these: Iterable[T]) -> None:
    """Do something with all at the same time; the first failure is raised when all ended."""
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(what, one) for one in these]:
            done.result()


def _identity(pid: int) -> str:
    """A process, told from a later one with the same number by its start."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    return f"{pid}-{stat.rpartition(')')[2].split()[19]}"


def _alive(owner: str) -> bool:
    try:
        return _identity(int(owner.partition("-")[0])) == owner
    except OSError:
        return False
