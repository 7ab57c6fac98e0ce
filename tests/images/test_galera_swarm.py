"""The same cluster as real Swarm services, which find each other only once they are healthy.

The commands are those of docs/runbooks/database-full-outage.md.
"""

import contextlib
import re
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.images.cluster import PASSWORD, ROOT_PASSWORD, USER, Load, certificates
from tests.images.conftest import LABEL, Built, Volume, runs, volumes, wait

pytestmark = [pytest.mark.live, pytest.mark.fault]

WWW_DATA = 33
NUMBERS = (1, 2, 3)


def command(*words: str, text: str | None = None) -> str:
    """Run a command on this machine: its output; an AssertionError if it fails."""
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)[:200]}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


class Swarm:
    """Services of three members and a proxy, and how operators look at them."""

    def __init__(self, built: Built, network: str) -> None:
        self.network = network
        self.prefix = network
        self.image = built("galera", BASE=built("database-member", BASE=built("mariadb")))
        self.proxy_image = built("proxy")
        self.php = built("php")
        self.database = f"{self.prefix}-proxy"
        self.certificates = certificates(self.database, *map(self.host, NUMBERS))
        contents = {"password": PASSWORD, "root-password": ROOT_PASSWORD, **self.certificates}
        for name, content in contents.items():
            command(
                *("docker", "secret", "create", "--label", LABEL, f"{self.prefix}-{name}", "-"),
                text=content,
            )

    def host(self, number: int) -> str:
        """Name of a member's service."""
        return f"{self.prefix}-{number}"

    def create(self, number: int) -> None:
        """Make a member's service, and wait until its task is healthy."""
        secrets = ["password", "root-password", *self.certificates]
        self._create(
            self.host(number),
            self.image,
            {
                "MEMBER": str(number),
                "MEMBERS": ",".join(map(self.host, NUMBERS)),
                "MARIADB_DATABASE": "studip",
                "MARIADB_USER": "studip",
                "MARIADB_PASSWORD_FILE": "/run/secrets/password",
                "MARIADB_ROOT_PASSWORD_FILE": "/run/secrets/root-password",
                "TLS_CERTIFICATE_FILE": "/run/secrets/certificate.pem",
                "TLS_KEY_FILE": "/run/secrets/key.pem",
                "TLS_AUTHORITY_FILE": "/run/secrets/authority.pem",
            },
            "--mount=type=tmpfs,target=/run/mysqld",
            f"--mount=type=volume,source={self.host(number)},target=/var/lib/mysql",
            f"--constraint=node.hostname == {command('hostname')}",
            "--stop-grace-period=60s",
            *(
                f"--secret=source={self.prefix}-{name},target={name},uid={USER},mode=0400"
                for name in secrets
            ),
        )

    def create_proxy(self) -> None:
        """Make the proxy's service, and wait until it has a writer."""
        members = ",".join(map(self.host, NUMBERS))
        self._create(self.database, self.proxy_image, {"MEMBERS": members})

    def _create(self, name: str, image: str, env: dict[str, str], *options: str) -> None:
        command(
            *("docker", "service", "create", "--quiet", "--name", name, "--label", LABEL),
            *("--container-label", LABEL, "--network", self.network, "--endpoint-mode", "dnsrr"),
            *("--no-resolve-image", "--read-only", "--init", "--cap-drop", "ALL"),
            *("--mount", "type=tmpfs,target=/tmp", "--restart-delay", "2s"),
            *(f"--env={key}={value}" for key, value in env.items()),
            *("--health-cmd", "healthcheck", "--health-interval", "250ms", "--health-retries", "3"),
            *("--health-timeout", "7s", "--health-start-period", "1h"),
            *options,
            image,
        )

    def container(self, number: int) -> str:
        """Id of a member's container, empty where there is none."""
        label = f"label=com.docker.swarm.service.name={self.host(number)}"
        return command("docker", "ps", "--quiet", "--filter", label)

    def execute(self, number: int, *words: str) -> str:
        """Run a command in a member's container."""
        return command("docker", "exec", self.container(number), *words)

    def shown(self, number: int) -> dict[int, list[str]]:
        """What `python3 -m member` shows in a member's container, by number."""
        with contextlib.suppress(AssertionError):  # it isn't there, or on its way out
            lines = self.execute(number, "python3", "-m", "member").splitlines()
            return {int(line.split("\t")[0]): line.split("\t")[1:] for line in lines}
        return {}

    def wait_synced(self, *numbers: int, seconds: float = 240.0) -> None:
        """Wait until these members serve, as seen by each of them, and one takes the writes."""

        def synced() -> bool:
            shown = [self.shown(number) for number in numbers]
            return (
                all(
                    each and all(each[number][1] == "synced" for number in numbers)
                    for each in shown
                )
                and sum(line[-1] == "writer" for line in shown[0].values()) == 1
            )

        try:
            wait(synced, seconds)
        except AssertionError:
            raise AssertionError("\n".join(self.logs(number) for number in NUMBERS)) from None

    def logs(self, number: int) -> str:
        """What the supervisors of all tasks of a member wrote."""
        said = subprocess.run(
            ["docker", "service", "logs", "--raw", self.host(number)],
            capture_output=True,
            text=True,
            check=False,
        )
        return "\n".join(re.findall(r"(?m)^member \d: .*$", said.stdout + said.stderr))

    def sql(self, number: int, statement: str) -> str:
        """Result of a statement on a member, as its administrator."""
        return self.execute(number, "mariadb", "--user=mysql", "-BNe", statement)

    def lost(self, load: Load, number: int) -> set[int]:
        """Acknowledged writes that a member doesn't have."""
        found = self.sql(number, "SELECT value FROM studip.load_test").split()
        return load.acknowledged().keys() - {int(value) for value in found}


@pytest.fixture(scope="module")
def swarm(session_client: docker.DockerClient, built: Built) -> Iterator[Swarm]:
    """Services for all tests of this module."""
    name = f"galera-test-{uuid.uuid4().hex[:8]}"
    create = ("docker", "network", "create", "--driver", "overlay", "--attachable", "--internal")
    command(*create, "--label", LABEL, name)
    try:
        yield Swarm(built, name)
    finally:
        services = session_client.services.list(filters={"name": name})
        for service in services:
            service.remove()
        label = "com.docker.swarm.service.name"
        names = {service.name for service in services}

        def gone() -> bool:
            running = session_client.containers.list(all=True, filters={"label": LABEL})
            return not any(one.labels.get(label) in names for one in running)

        wait(gone, 120)
        for secret in session_client.secrets.list(filters={"name": name}):
            secret.remove()
        for number in NUMBERS:
            with contextlib.suppress(docker.errors.NotFound):
                session_client.volumes.get(f"{name}-{number}").remove(force=True)
        session_client.networks.get(name).remove()


@pytest.fixture
def load(swarm: Swarm, client: docker.DockerClient, volume: Volume) -> Iterator[Load]:
    """Writes through the proxy while the test runs."""
    statement = "CREATE TABLE IF NOT EXISTS studip.load_test (value BIGINT PRIMARY KEY)"
    swarm.sql(1, statement)
    swarm.sql(1, "TRUNCATE studip.load_test")
    script = Path(__file__).with_name("load.php").read_text().removeprefix("<?php")
    with volumes(client) as own, runs(client, own) as run:
        load = Load(
            run(
                swarm.php,
                ["php", "-r", script, "2"],
                env={
                    "MYSQL_HOST": swarm.database,
                    "MYSQL_PASSWORD_FILE": "/run/secrets/password",
                    "MYSQL_SSL_CA_FILE": "/run/secrets/authority",
                },
                secrets={
                    "password": PASSWORD,
                    "authority": swarm.certificates["authority.pem"],
                },
                network=swarm.network,
                user=WWW_DATA,
            )
        )
        wait(load.acknowledged)
        yield load


def test_services_made_one_after_the_other_make_one_cluster(swarm: Swarm) -> None:
    """As Pulumi makes them: the next one only once the one before is healthy."""
    started = time.monotonic()
    for number in NUMBERS:
        swarm.create(number)
    swarm.create_proxy()
    print(f"from nothing to a proxy with a writer: {time.monotonic() - started:.1f} s")
    swarm.wait_synced(*NUMBERS)
    started_by = [swarm.logs(number).count("bootstrap: ") for number in NUMBERS]
    assert started_by == [1, 0, 0]


def test_members_changed_one_after_the_other_cost_no_acknowledged_write(
    swarm: Swarm, load: Load
) -> None:
    swarm.wait_synced(*NUMBERS)
    for number in NUMBERS:
        # Returns once the new task is healthy: that is when it has joined.
        command(
            *("docker", "service", "update", "--quiet", "--env-add", "CHANGED=1"),
            *("--no-resolve-image", swarm.host(number)),
        )
        assert swarm.shown(number)[number][1] in ("synced", "donor")
    swarm.wait_synced(*NUMBERS)
    load.wait_for_more()
    load.stop()
    print(f"all members changed: {load.longest_gap():.2f} s without an acknowledged write")
    assert [swarm.lost(load, number) for number in NUMBERS] == [set()] * 3


def test_a_writer_that_is_killed_comes_back_by_itself(swarm: Swarm, load: Load) -> None:
    swarm.wait_synced(*NUMBERS)
    writer = next(number for number, line in swarm.shown(1).items() if line[-1] == "writer")
    command("docker", "kill", swarm.container(writer))
    wait(lambda: swarm.shown(writer), 120)
    swarm.wait_synced(*NUMBERS)
    load.wait_for_more()
    load.stop()
    print(f"writer killed: {load.longest_gap():.2f} s without an acknowledged write")
    assert [swarm.lost(load, number) for number in NUMBERS] == [set()] * 3


def test_all_killed_at_once_start_again_by_themselves(swarm: Swarm, load: Load) -> None:
    swarm.wait_synced(*NUMBERS)
    command("docker", "kill", *map(swarm.container, NUMBERS))
    wait(lambda: not any(map(swarm.shown, NUMBERS)), 60)
    swarm.wait_synced(*NUMBERS)
    load.wait_for_more(120)
    load.stop()
    assert [swarm.lost(load, number) for number in NUMBERS] == [set()] * 3


def test_the_runbook(swarm: Swarm, load: Load) -> None:
    swarm.wait_synced(*NUMBERS)
    # Member 1 goes first and is missing; the others go on for a while, and die.
    command("docker", "service", "scale", "--detach", f"{swarm.host(1)}=0")
    wait(lambda: not swarm.container(1), 90)
    load.wait_for_more()
    command("docker", "kill", *map(swarm.container, (2, 3)))
    load.stop()
    said = "see docs/runbooks/database-full-outage.md: member 1 can't be reached"
    for number in (2, 3):
        wait(lambda number=number: said in swarm.logs(number), 120)  # type: ignore[misc]
    wait(lambda: {2, 3} <= {n for n, line in swarm.shown(2).items() if line[1] == "waiting"}, 60)
    shown = swarm.shown(2)
    assert shown[1] == [swarm.host(1), "can't be reached"]
    newest = max((2, 3), key=lambda number: int(shown[number][2]))

    swarm.execute(newest, "touch", "/var/lib/mysql/force-bootstrap")
    swarm.wait_synced(2, 3)
    assert swarm.logs(newest).count("bootstrap: forced by an operator") == 1
    assert [swarm.lost(load, number) for number in (2, 3)] == [set()] * 2

    # Its disk is given up, as if it had gone further.
    command("docker", "volume", "rm", swarm.host(1))
    command("docker", "service", "scale", "--detach", f"{swarm.host(1)}=1")
    swarm.wait_synced(*NUMBERS)
    assert swarm.lost(load, 1) == set()
