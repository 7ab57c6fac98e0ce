"""Certificates, reloads and stops of the load balancer, none of which loses a request."""

import base64
import http.client
import shlex
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import docker
import pytest
from docker.models.containers import Container

from tests import acme
from tests.images.balancers import HTTP, HTTPS, MONITOR, Cluster, Load, ask
from tests.images.conftest import Built, Volume, volumes, wait

pytestmark = [pytest.mark.live, pytest.mark.fault]

NAME = "studip.example"  # that the client asks for
STATISTICS = 8404


@pytest.fixture(scope="module")
def network(session_client: docker.DockerClient, built: Built) -> Iterator[Cluster]:
    """A network with a replica, and no machines."""
    made = Cluster(session_client, built)
    try:
        made.start_replica()
        yield made
    finally:
        made.close()


@pytest.fixture
def folder(session_client: docker.DockerClient) -> Iterator[Volume]:
    with volumes(session_client) as volume:
        yield volume


Run = Callable[..., Container]


@pytest.fixture
def run(network: Cluster, folder: Volume) -> Iterator[Run]:
    """Containers that go before their folders do."""
    with ExitStack() as made:

        def run(*arguments: Any, **more: Any) -> Container:
            container = network.run(*arguments, **more)
            made.callback(container.remove, force=True, v=True)
            return container

        yield run


@dataclass
class Balancer:
    """A load balancer of its own."""

    container: Container
    address: str

    def log(self) -> str:
        """What it wrote."""
        return str(self.container.logs().decode(errors="replace"))

    def reload(self) -> None:
        """Ask for a new worker, and wait for it."""
        before = self.log().count("Loading success")
        self.container.kill("SIGHUP")
        wait(lambda: self.log().count("Loading success") > before)


Start = Callable[..., Balancer]


@pytest.fixture
def start(network: Cluster, run: Run) -> Start:
    """`start(ENV=...)` starts a load balancer, and waits until it forwards requests."""

    def start(volume: str | None = None, alias: str | None = None, **env: str) -> Balancer:
        container = run(
            "haproxy",
            env={
                "BACKEND_HOST": "web",
                "BACKEND_PORT": "8000",
                "CHECK_INTER": "500",
                "WATCH_SECONDS": "1",
                **env,
            },
            volumes={volume: {"bind": "/certificates", "mode": "ro"}} if volume else {},
            alias=alias,
        )
        container.reload()
        networks = container.attrs["NetworkSettings"]["Networks"]
        balancer = Balancer(container, networks[network.network.name]["IPAddress"])
        wait(lambda: ask(balancer.address, MONITOR) == b"ready", 60)
        return balancer

    return start


class Authority:
    """A site's own authority, and a folder of certificates that load balancers read."""

    def __init__(self, run: Run, volume: str) -> None:
        self._container = run(
            "haproxy",
            ["sleep", "infinity"],
            env={"BACKEND_HOST": "none"},
            volumes={volume: {"bind": "/certificates", "mode": "rw"}},
        )
        new = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
        self._sh(f"cd /tmp && {new} -subj /CN=own -keyout ca.key -out ca.pem")
        self.certificate = self._sh("cat /tmp/ca.pem")

    def issue(self, *names: str) -> str:
        """Certificate and key for host names, in one text."""
        new = "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=leaf"
        alternatives = ",".join(f"DNS:{name}" for name in names)
        sign = "openssl x509 -req -CA ca.pem -CAkey ca.key -CAcreateserial -days 2"
        return self._sh(
            f"cd /tmp && {new} -keyout leaf.key -out leaf.csr 2>/dev/null"
            f" && {sign} -extfile <(echo subjectAltName={alternatives}) -in leaf.csr 2>/dev/null"
            " && cat leaf.key"
        )

    def put(self, file: str, text: str) -> None:
        """Put a file into the folder, in one step."""
        encoded = base64.b64encode(text.encode()).decode()
        self._sh(
            f"mkdir -p /certificates/.new && base64 -d <<<{encoded} >/certificates/.new/{file}"
            f" && mv /certificates/.new/{file} /certificates/"
        )

    def remove(self, file: str) -> None:
        """Take a file out of the folder."""
        self._sh(f"rm /certificates/{file}")

    def trusting(self) -> ssl.SSLContext:
        """What a client needs that trusts this authority and no other."""
        return ssl.create_default_context(cadata=self.certificate)

    def _sh(self, script: str) -> str:
        code, output = self._container.exec_run(["bash", "-c", script])
        assert code == 0, output.decode()
        return str(output.decode())


@pytest.fixture
def authority(run: Run, folder: Volume) -> tuple[Authority, str]:
    """An authority, and the volume of its folder."""
    volume = folder()
    return Authority(run, volume), volume


def served(address: str, context: ssl.SSLContext, name: str) -> dict[str, Any]:
    """The certificate that is shown to who asks for a name, as far as the client trusts it."""
    with (
        socket.create_connection((address, HTTPS), 5) as plain,
        context.wrap_socket(plain, server_hostname=name) as tls,
    ):
        return dict(tls.getpeercert() or {})


def test_no_request_fails_in_reloads(start: Start) -> None:
    balancer = start()
    with Load(balancer.address, timeout=15, kept=1) as load:
        for _ in range(4):
            balancer.reload()
    assert len(load.samples) > 100
    assert load.failures == []


def test_a_reload_and_a_stop_let_open_requests_end(start: Start) -> None:
    balancer = start()
    bodies: list[object] = []

    def slow() -> None:
        connection = http.client.HTTPConnection(balancer.address, HTTP, timeout=20)
        connection.request("GET", "/slow")
        bodies.append(connection.getresponse().status)
        connection.close()

    for act in (balancer.reload, lambda: balancer.container.stop(timeout=20)):
        thread = threading.Thread(target=slow)
        thread.start()
        time.sleep(0.5)
        act()
        thread.join()
    assert bodies == [200, 200]
    balancer.container.reload()
    assert balancer.container.attrs["State"]["ExitCode"] == 0


def test_a_stopping_one_refuses_nobody(start: Start) -> None:
    """New connections get no answer, as from an address that is just moving."""
    balancer = start(HANDOVER_SECONDS="6")
    balancer.container.kill("SIGTERM")
    wait(lambda: ask(balancer.address, MONITOR) is None, 10)
    with pytest.raises(TimeoutError):
        socket.create_connection((balancer.address, HTTP), 2)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((balancer.address, MONITOR), 2)


def test_the_monitor_answers_while_the_site_is_full(start: Start) -> None:
    balancer = start(MAXCONN="5")
    with ExitStack() as opened:
        for _ in range(8):
            opened.enter_context(socket.create_connection((balancer.address, HTTP), 2))
        assert ask(balancer.address, timeout=1) is None
        assert ask(balancer.address, MONITOR) == b"ready"


def test_the_site_shows_neither_monitor_nor_statistics(start: Start) -> None:
    balancer = start(STATISTICS_FROM="0.0.0.0/0")
    pages = {path: ask(balancer.address, HTTP, path) for path in ("/", "/metrics", "/stats")}
    assert set(pages.values()) == {pages["/"]}
    assert ask(balancer.address, MONITOR, "/metrics") == b"ready"
    assert b"haproxy_process" in (ask(balancer.address, STATISTICS, "/metrics") or b"")


def test_a_client_keeps_its_address(start: Start) -> None:
    balancer = start()
    with socket.create_connection((balancer.address, HTTP), 5) as connection:
        own = connection.getsockname()[0]
    assert (ask(balancer.address) or b"").decode() == own


def test_certificates_of_the_own_authority_are_chosen_by_name(
    start: Start, authority: tuple[Authority, str]
) -> None:
    own, volume = authority
    own.put("a.pem", own.issue(NAME))
    own.put("b.pem", own.issue("other.example"))
    balancer = start(volume, CERTIFICATES="/certificates")
    trusting = own.trusting()
    for name in (NAME, "other.example"):
        names = served(balancer.address, trusting, name)["subjectAltName"]
        assert names == (("DNS", name),)
    with pytest.raises(ssl.SSLCertVerificationError):
        served(balancer.address, ssl.create_default_context(), NAME)
    with pytest.raises(ssl.SSLCertVerificationError):
        served(balancer.address, trusting, "third.example")


def test_no_request_fails_when_a_certificate_is_replaced(
    start: Start, authority: tuple[Authority, str]
) -> None:
    own, volume = authority
    own.put("a.pem", own.issue(NAME))
    balancer = start(volume, CERTIFICATES="/certificates")
    trusting = own.trusting()

    def serial() -> str:
        return str(served(balancer.address, trusting, NAME)["serialNumber"])

    with Load(balancer.address, HTTPS, timeout=15, kept=1, tls=trusting) as load:
        for _ in range(2):
            before = serial()
            own.put("a.pem", own.issue(NAME))
            wait(lambda: serial() != before)  # noqa: B023
        # One that can't be used changes nothing.
        own.put("b.pem", "-----BEGIN CERTIFICATE-----\n")
        wait(lambda: "can't be used" in balancer.log())
        before = serial()
        own.remove("b.pem")
    assert serial() == before
    assert len(load.samples) > 50
    assert load.failures == []


def test_an_empty_folder_of_certificates_is_refused(run: Run, folder: Volume) -> None:
    container = run(
        "haproxy",
        env={"BACKEND_HOST": "web", "CERTIFICATES": "/certificates"},
        volumes={folder(): {"bind": "/certificates", "mode": "ro"}},
    )
    assert container.wait(timeout=60)["StatusCode"] == 1
    assert container.logs() == b"entrypoint: CERTIFICATES: /certificates is empty\n"


# --- ACME ----------------------------------------------------------------------------------------


def test_certificates_come_by_acme_and_are_renewed_without_a_failed_request(
    network: Cluster,
    run: Run,
    start: Start,
    authority: tuple[Authority, str],
    folder: Volume,
) -> None:
    own, secrets = authority
    own.put("authority.pem", own.certificate)
    settings = acme.settings("0.0.0.0", HTTP, HTTPS, certificate="/tmp/pebble.pem")
    script = (
        f"echo {shlex.quote(own.issue('directory.example'))} >/tmp/pebble.pem"
        f" && echo {shlex.quote(settings)} >/tmp/pebble.json"
        " && PEBBLE_VA_NOSLEEP=1 exec /pebble -config /tmp/pebble.json"
    )
    directory = run(
        "base",
        ["bash", "-c", script],
        alias="directory.example",
        volumes={str(acme.pebble()): {"bind": "/pebble", "mode": "ro"}},
    )
    certificates = folder()
    client = run(
        "acme",
        env={
            "ACME_DIRECTORY": f"https://directory.example:{acme.PORT}/dir",
            "ACME_EMAIL": "operator@studip.example",
            "ACME_DOMAINS": NAME,
            "RENEW_DAYS": "9999",
            "RENEW_SECONDS": "5",
            "RETRY_SECONDS": "2",
            "START_SECONDS": "1",
            "LEGO_CA_CERTIFICATES": "/run/secrets/authority.pem",
        },
        alias="acme",
        volumes={
            certificates: {"bind": "/certificates", "mode": "rw"},
            folder(): {"bind": "/var/lib/acme", "mode": "rw"},
            secrets: {"bind": "/run/secrets", "mode": "ro"},
        },
    )
    balancer = start(
        certificates, NAME, CERTIFICATES="/certificates", ACME_HOST="acme", ACME_PORT="8402"
    )
    trusting = ssl.create_default_context(cadata=_root_of(directory, network, own))

    def serial() -> str:
        try:
            return str(served(balancer.address, trusting, NAME)["serialNumber"])
        except ssl.SSLCertVerificationError:  # the placeholder
            return ""

    wait(serial, 90)
    connection = http.client.HTTPConnection(balancer.address, HTTP, timeout=5)
    connection.request("GET", "/")
    assert connection.getresponse().status == 308
    connection.close()
    with Load(balancer.address, HTTPS, timeout=15, kept=1, tls=trusting) as load:
        for _ in range(2):
            before = serial()
            wait(lambda: serial() != before, 90)  # noqa: B023
    assert len(load.samples) > 50
    assert load.failures == []
    code, _ = client.exec_run(["healthcheck"])
    assert code == 0
    assert "PRIVATE KEY" not in client.logs().decode()


def _root_of(directory: Container, network: Cluster, own: Authority) -> str:
    """The certificate that a pebble signs with."""
    directory.reload()
    address = directory.attrs["NetworkSettings"]["Networks"][network.network.name]["IPAddress"]
    context = own.trusting()
    context.check_hostname = False  # it is asked by its address
    wait(lambda: acme.root(address, context))
    return acme.root(address, context)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ACME_EMAIL": ""}, "ACME_EMAIL is not set"),
        ({"RENEW_DAYS": "x"}, 'RENEW_DAYS: must be a number, got "x"'),
        (
            {"ACME_DOMAINS": "a.example *.b"},
            'ACME_DOMAINS: must be host names such as studip.example.org, got "*.b"',
        ),
        ({}, "/var/lib/acme cannot be written by uid 999"),
    ],
)
def test_the_acme_client_says_what_is_wrong_with_its_settings(
    run: Run, wrong: dict[str, str], message: str
) -> None:
    usual = {"ACME_DIRECTORY": "https://x/", "ACME_EMAIL": "a@b.c", "ACME_DOMAINS": "a.example"}
    container = run("acme", env={**usual, **wrong})
    assert container.wait(timeout=60)["StatusCode"] == 1
    assert container.logs().decode() == f"entrypoint: {message}\n"
