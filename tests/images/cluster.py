"""A database cluster for tests: real members on one network, and what can happen to them."""

import itertools
import json
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import docker

from tests.images.conftest import Built, Run, Running, Volume, wait, write_secrets
from toolchain import rootfs
from toolchain.versions import versions

USER = 999
WWW_DATA = 33
PARAMETERS = "/etc/mysql/studip.d"
PASSWORD = "it's\\ a_$HOME_%40"
ROOT_PASSWORD = f"root_{PASSWORD}"


def certificates(*names: str) -> dict[str, str]:
    """PEM texts by file name: a new authority, and a certificate of its for these names."""
    with tempfile.TemporaryDirectory() as folder:
        extension = Path(folder, "extension")
        extension.write_text("subjectAltName=" + ",".join(f"DNS:{name}" for name in names))
        for command in (
            "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority "
            "-keyout authority.key -out authority.pem",
            f"req -newkey rsa:2048 -nodes -subj /CN={names[0]} -keyout key.pem -out request",
            "x509 -req -in request -CA authority.pem -CAkey authority.key -CAcreateserial "
            "-days 2 -extfile extension -out certificate.pem",
        ):
            subprocess.run(
                ["openssl", *command.split()], cwd=folder, check=True, capture_output=True
            )
        kept = ("authority.pem", "certificate.pem", "key.pem")
        return {name: Path(folder, name).read_text() for name in kept}


@dataclass
class Load:
    """Writes through the proxy, and which of them were acknowledged."""

    running: Running

    def acknowledged(self) -> dict[int, float]:
        """When each value was acknowledged, in seconds of the Unix clock."""
        lines = self.running.container.logs(stdout=True, stderr=False).decode().splitlines()
        return {int(value): float(at) for value, at in (line.split() for line in lines)}

    def longest_gap(self) -> float:
        """The longest time without an acknowledged write, in s."""
        times = sorted(self.acknowledged().values())
        return max(after - before for before, after in itertools.pairwise(times))

    def wait_for_more(self, seconds: float = 60.0, writes: int = 1) -> None:
        """Wait until so many writes are acknowledged that were not before."""
        now = time.time()
        wait(lambda: sum(at > now for at in self.acknowledged().values()) >= writes, seconds)

    def stop(self) -> None:
        """No more writes."""
        self.running.container.kill()


@dataclass
class Cluster:
    """Members of a Galera cluster, each with its own volume; numbers begin at 1."""

    prefix: ClassVar[str] = "MARIADB"  # of the environment's variables
    program: ClassVar[str] = "mariadb"  # its client

    engine: docker.DockerClient
    built: Built
    run: Run
    volume: Volume
    network: str
    size: int = 3
    running: dict[int, Running] = field(default_factory=dict)
    volumes: dict[int, str] = field(default_factory=dict)
    secrets: str = ""

    def __post_init__(self) -> None:
        self.image = self.build()
        self.certificates = certificates("database", *self.hosts)
        self.secrets = self.volume()
        self.write_secrets(PASSWORD)
        self.volumes = {number: self.volume() for number in self.numbers}

    def build(self) -> str:
        """The members' image."""
        base = self.built("database-member", BASE=self.built("mariadb"))
        return self.built("galera", BASE=base)

    def write_secrets(self, password: str) -> None:
        """Give members that start from now on another password of the application."""
        contents = {"password": password, "root-password": ROOT_PASSWORD, **self.certificates}
        write_secrets(self.engine, self.image, self.secrets, contents, USER)

    @property
    def numbers(self) -> range:
        """Of all members."""
        return range(1, self.size + 1)

    @property
    def hosts(self) -> list[str]:
        """Names of all members, in order."""
        return [f"database-{number}" for number in self.numbers]

    def start(self, *numbers: int) -> None:
        """Start members, all at the same time, each with the volume that it has."""
        for number in numbers or self.numbers:
            if number in self.running:
                self.running[number].container.remove(force=True)
            self.running[number] = self.member(number, self.volumes[number])

    def member(
        self,
        number: int,
        volume: str,
        alias: str | None = None,
        secrets: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        parameters: str = "",
    ) -> Running:
        """Start a member, or somebody who pretends to be one."""
        passwords = {"password": PASSWORD, "root-password": ROOT_PASSWORD}
        volumes = {volume: "/var/lib/mysql"}
        if parameters:
            files = {"parameters.cnf": f"[mysqld]\n{parameters}\n"}
            volumes[write_secrets(self.engine, self.image, self.volume(), files, USER)] = PARAMETERS
        return self.run(
            self.image,
            env={
                "MEMBER": str(number),
                "MEMBERS": ",".join(self.hosts),
                f"{self.prefix}_DATABASE": "studip",
                f"{self.prefix}_USER": "studip",
                f"{self.prefix}_PASSWORD_FILE": "/run/secrets/password",
                f"{self.prefix}_ROOT_PASSWORD_FILE": "/run/secrets/root-password",
                "TLS_CERTIFICATE_FILE": "/run/secrets/certificate.pem",
                "TLS_KEY_FILE": "/run/secrets/key.pem",
                "TLS_AUTHORITY_FILE": "/run/secrets/authority.pem",
                **(env or {}),
            },
            secrets={**secrets, **passwords} if secrets else self.secrets,
            volumes=volumes,
            tmpfs=["/tmp", "/run/mysqld"],
            network=self.network,
            alias=alias or self.hosts[number - 1],
        )

    def give_small_disk(self, number: int, size: int) -> str:
        """Start a member with a disk of `size` MiB, empty and in memory: the volume that it had."""
        usual = self.volumes[number]
        self.running[number].container.stop(timeout=60)
        self.volumes[number] = self.volume(memory=size, owner=USER)
        # What is in memory is there as long as somebody has it.
        kept = {self.volumes[number]: "/kept"}
        self.run(self.built("php"), ["sleep", "600"], volumes=kept, network=self.network)
        self.start(number)
        self.wait_synced(300)
        return usual

    def make_writer(self, number: int) -> None:
        """Restart whoever takes the writes, until it is this one."""
        while (writer := self.wait_synced(300)) != number:
            self.running[writer].container.stop(timeout=60)
            self.start(writer)

    def fill_writers_disk(self, number: int, size: int) -> Load:
        """Let a member take the writes on a disk of `size` MiB that fills up, also over a restart,
        until there is room again. The load meanwhile, once another one writes and all is well.
        """
        usual = self.give_small_disk(number, size)
        self.make_writer(number)
        load = self.load()
        self.fill_disk(number)
        wait(lambda: self.writers() not in ([], [number]), 60)
        load.wait_for_more(writes=10)
        assert self.running[number].wait_exit(60) == 1
        # Started again, as Swarm does, it leaves the others in peace.
        self.start(number)
        wait(lambda: self.log(number, "are needed to start; waiting for room"))
        load.wait_for_more(writes=10)
        (writer,) = self.writers()
        self.running[number].sh("rm /var/lib/mysql/full")
        # It comes back, and does not take the writes.
        assert self.wait_synced(300) == writer != number
        load.stop()
        self.running[number].container.stop(timeout=60)
        self.volumes[number] = usual
        self.start(number)
        assert self.wait_synced(300) == writer
        return load

    def fill_disk(self, number: int) -> None:
        """Leave nothing of a member's small disk."""
        self.running[number].sh("! dd if=/dev/zero of=/var/lib/mysql/full bs=1M 2>/dev/null")

    def kill(self, *numbers: int) -> None:
        """SIGKILL to whole containers: nothing ends in order."""
        for number in numbers or self.numbers:
            self.running[number].container.kill()

    def ask(self, number: int, path: str) -> int:
        """Status of a role server's answer; 0 where there is none."""
        try:
            return int(self._open(number, path).status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def report(self, number: int) -> dict[str, Any]:
        """What a member says of itself; a state `gone` where it says nothing."""
        try:
            return dict(json.load(self._open(number, "/position")))
        except OSError:
            return {"state": "gone"}

    def states(self) -> list[str]:
        """States of all members, in order."""
        return [self.report(number)["state"] for number in self.numbers]

    def writers(self) -> list[int]:
        """Members to which writes go."""
        return [number for number in self.numbers if self.ask(number, "/writer") == 200]

    def wait_states(self, *states: str, seconds: float = 120.0) -> None:
        """Wait until all members are as said; the end of their logs where they don't get so."""
        try:
            wait(lambda: self.states() == list(states), seconds)
        except AssertionError:
            logs = "\n".join(
                f"--- {number}\n{running.logs()[-4000:]}"
                for number, running in self.running.items()
            )
            raise AssertionError(f"{self.states()} instead of {states}\n{logs}") from None

    def wait_synced(self, seconds: float = 120.0) -> int:
        """Wait until all members serve and one of them takes the writes: its number."""
        self.wait_states(*["synced"] * self.size, seconds=seconds)
        wait(lambda: len(self.writers()) == 1)
        return self.writers()[0]

    def sql(self, number: int, statement: str) -> str:
        """Result of a statement on one member, as its administrator."""
        quoted = statement.replace("'", "'\\''")
        return self.running[number].sh(f"{self.program} --user=mysql -BN -e '{quoted}'")

    def log(self, number: int, text: str) -> int:
        """How often a member wrote something."""
        return self.running[number].logs().count(text)

    def bootstraps(self, number: int) -> int:
        """How often a member started the cluster."""
        return self.log(number, f"member {number}: bootstrap: ")

    def proxy(self, **env: str) -> Running:
        """Start a proxy, and wait until it finds a writer."""
        proxy = self.run(
            self.built("proxy"),
            env={"MEMBERS": ",".join(self.hosts), **env},
            network=self.network,
            alias="database",
        )
        proxy.wait_healthy()
        return proxy

    def client(
        self, image: str, command: Sequence[str], password: str = PASSWORD, **env: str
    ) -> Running:
        """Start something that uses the database through the proxy."""
        return self.run(
            image,
            command,
            env={
                "MYSQL_HOST": "database",
                "MYSQL_PASSWORD_FILE": "/run/secrets/password",
                "MYSQL_SSL_CA_FILE": "/run/secrets/authority",
                **env,
            },
            secrets={"password": password, "authority": self.certificates["authority.pem"]},
            network=self.network,
            user=WWW_DATA,
        )

    def load(self, processes: int = 2) -> Load:
        """Start to write through the proxy."""
        self.sql(
            self.writers()[0],
            # Empty, as a value that is there already would be acknowledged without being written.
            "DROP TABLE IF EXISTS studip.load_test;"
            "CREATE TABLE studip.load_test (value BIGINT PRIMARY KEY)",
        )
        script = Path(__file__).with_name("load.php").read_text().removeprefix("<?php")
        load = Load(self.client(self.built("php"), ["php", "-r", script, str(processes)]))
        wait(lambda: load.acknowledged())
        return load

    def lost(self, load: Load, member: int) -> set[int]:
        """Acknowledged writes that a member doesn't have."""
        found = self.sql(member, "SELECT value FROM studip.load_test").split()
        return load.acknowledged().keys() - {int(value) for value in found}

    def cut(self, number: int, *, off: bool = True) -> None:
        """Take a member's network away, or give it back; its addresses stay."""
        self.running[number].container.reload()
        pid = self.running[number].container.attrs["State"]["Pid"]
        for chain in ("INPUT", "OUTPUT"):
            rule = ["-A" if off else "-D", chain, "!", "-i" if chain == "INPUT" else "-o", "lo"]
            subprocess.run(
                ["nsenter", "--net", "--target", str(pid), "iptables", *rule, "-j", "DROP"],
                check=True,
                capture_output=True,
            )

    def _open(self, number: int, path: str) -> Any:
        address = self.running[number].address(self.network)
        if not address:
            raise ConnectionError("it doesn't run")
        return urllib.request.urlopen(f"http://{address}:8000{path}", timeout=2)


class GroupCluster(Cluster):
    """Members of a MySQL cluster with group replication."""

    prefix = "MYSQL"
    program = "mysql"

    def build(self) -> str:
        """The members' image, on a root file system of its own."""
        base = self.built("base", ROOTFS=rootfs.ensure(versions().mysql_suite))
        member = self.built("database-member", BASE=base)
        return self.built("innodb-cluster", BASE=member)
