"""What settings offer beside the usual, one after the other on one platform of the real engine."""

import http.client
import json
import shutil
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from components.labels import ENVIRONMENT as LABEL
from stacks.provenance import provenance
from tests.live import registries
from tests.live.certificate import self_signed
from tests.live.platform import (
    Client,
    Config,
    Platform,
    answering_replicas,
    containers,
    docker,
    free_port,
    wait_for,
)
from tests.stacks.test_source import git
from toolchain.places import ROOT
from toolchain.versions import versions

pytestmark = pytest.mark.live

ENVIRONMENT = "variants"
OWN = f"label={LABEL}={ENVIRONMENT}"
EXTERNAL = "http://studip.example.org"


class Site(Platform):
    """A platform with HTTPS."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, ENVIRONMENT)
        self.https_port = free_port()
        self.certificate = folder / "site.pem"
        self.issue()
        self.config["studip:load_balancer"] |= {
            "https_port": self.https_port,
            "certificate": str(self.certificate),
        }
        self.write()

    def issue(self) -> None:
        """A new certificate in the file that the settings name."""
        self.certificate.write_text(self_signed("127.0.0.1"))

    def served(self) -> str:
        """The certificate that the load balancer shows, as PEM."""
        return ssl.get_server_certificate(("127.0.0.1", self.https_port))

    def changed(self, **sections: Config) -> None:
        """`up` with other sections; then a refresh finds nothing to tell."""
        self.write(**sections)
        done = self.up()
        assert done.code == 0, done.output
        found = self.refresh()
        assert found.code == 0, found.output
        assert found.changed == {}, found.output

    def container(self, part: str) -> str:
        """The only container of a part."""
        (found,) = containers(self.name(part))
        return found

    def image(self, part: str) -> str:
        """Image of a part's containers."""
        return docker("inspect", "--format", "{{.Image}}", containers(self.name(part))[0])

    def addresses(self, part: str) -> list[str]:
        """IP addresses of a part's only container, in all networks."""
        return docker("exec", self.container(part), "hostname", "-I").split()

    def ask_from(self, network: str, url: str) -> str:
        """What a container in `network` gets from `url`; empty where it gets no answer."""
        ask = ["--entrypoint", "curl", self.image("web"), "--silent", "--max-time", "5", url]
        return docker("run", "--rm", "--label", OWN[6:], "--network", network, *ask, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp(ENVIRONMENT))
    try:
        first = made.up()
        assert first.code == 0, first.output
        yield made
    finally:
        made.destroy()
        for kind in ("service", "secret", "config", "network", "volume"):
            for name in docker(kind, "ls", "--quiet", "--filter", OWN).split():
                docker(kind, "rm", name, check=False)
        for name in docker("ps", "--all", "--quiet", "--filter", OWN).split():
            docker("rm", "--force", name, check=False)


def connects(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError:
        return False
    return True


# --- HTTPS -------------------------------------------------------------------------------------


def test_pages_come_over_https_and_plain_http_leads_there(site: Site) -> None:
    plain = Client(site.url).get("/some/page?with=query")
    assert plain.status == 308
    secure = f"https://127.0.0.1:{site.https_port}"
    assert plain.headers["location"] == f"{secure}/some/page?with=query"
    trusting = ssl.create_default_context(cafile=str(site.certificate))
    connection = http.client.HTTPSConnection(
        "127.0.0.1", site.https_port, timeout=10, context=trusting
    )
    with closing(connection):
        connection.request("GET", "/api/status")
        answer = connection.getresponse()
        assert answer.status == 200
        assert json.loads(answer.read())["url"] == f"{secure}/"


def test_a_new_certificate_in_the_file_is_served_after_up(site: Site) -> None:
    before = site.served()
    site.issue()
    renewed = site.up()
    assert renewed.code == 0, renewed.output
    assert renewed.changed == {"replace": 1, "update": 1}, renewed.output
    wait_for("the new certificate", lambda: _serves_another(site, before))
    assert site.served().strip() in site.certificate.read_text()
    secrets = docker("secret", "ls", "--quiet", "--filter", OWN).split()
    assert len(secrets) == site.in_state("docker:index/secret:Secret")


def _serves_another(site: Site, before: str) -> bool:
    try:
        return site.served() != before
    except OSError:
        return False


# --- images ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "recipe"),
    [("web", "demo"), ("database", "mariadb"), ("cache", "redis"), ("load-balancer", "haproxy")],
)
def test_a_deployed_image_tells_the_commit_that_it_was_built_from(
    site: Site, part: str, recipe: str
) -> None:
    labels = json.loads(
        docker("image", "inspect", "--format", "{{json .Config.Labels}}", site.image(part))
    )
    prefix = "org.opencontainers.image."
    assert labels[f"{prefix}title"] == recipe
    unknown = {
        "VERSION": "development",
        "REVISION": "unknown",
        "CREATED": "1970-01-01T00:00:00Z",
    }
    for name, value in (unknown | provenance(ROOT / "images" / recipe)).items():
        assert labels[f"{prefix}{name.lower()}"] == value


# --- statistics --------------------------------------------------------------------------------


def test_metrics_are_for_containers_in_the_platforms_networks_alone(site: Site) -> None:
    url = f"http://tasks.{site.name('load-balancer')}:8404/metrics"
    for network in ("edge", "application"):
        assert "haproxy_process_uptime_seconds" in site.ask_from(site.name(network), url)
    # The node reaches its containers through docker_gwbridge, and gets no answer.
    described = docker("network", "inspect", "docker_gwbridge", "--format", "{{json .IPAM.Config}}")
    gateway = ip_network(json.loads(described)[0]["Subnet"])
    (reached,) = [a for a in site.addresses("load-balancer") if ip_address(a) in gateway]
    assert Client(f"http://{reached}:8080").get("/").status == 308
    with pytest.raises(OSError, match=r"(?i)reset|closed"):
        Client(f"http://{reached}:8404").get("/metrics")
    assert site.ask_from("bridge", f"http://{reached}:8404/metrics") == ""


# --- networks ----------------------------------------------------------------------------------


@pytest.fixture
def bridge() -> Iterator[str]:
    """A bridge network of the Swarm, made by hand."""
    name = f"studip-{ENVIRONMENT}-bridge"
    docker("network", "create", "--driver", "bridge", "--scope", "swarm", "--attachable", name)
    yield name
    docker("network", "rm", name)


@pytest.fixture
def macvlan() -> Iterator[str]:
    """A macvlan network of the Swarm, made by hand on a device of this test."""
    name, device = f"studip-{ENVIRONMENT}-macvlan", "studip-var0"
    docker("network", "create", "--opt", f"com.docker.network.bridge.name={device}", f"{name}-lan")
    # A device has a carrier once something is plugged in.
    somebody = docker(
        "run", "--detach", "--network", f"{name}-lan", versions().rootfs, "sleep", "inf"
    )
    docker(
        *("network", "create", "--config-only", "--subnet", "198.19.77.0/24"),
        *("--opt", f"parent={device}", f"{name}-node"),
    )
    docker(
        *("network", "create", "--driver", "macvlan", "--scope", "swarm", "--attachable"),
        *("--config-from", f"{name}-node", name),
    )
    yield name
    docker("rm", "--force", somebody)
    for network in (name, f"{name}-node", f"{name}-lan"):
        docker("network", "rm", network)


def networks_of(container: str) -> set[str]:
    return set(
        json.loads(docker("inspect", "--format", "{{json .NetworkSettings.Networks}}", container))
    )


PLAIN_PORT = free_port()


def test_the_load_balancer_may_stand_on_a_bridge(site: Site, bridge: str) -> None:
    balancer = {"kind": "haproxy", "http_port": PLAIN_PORT}
    edge: Config = {"edge": {"driver": "bridge", "name": bridge}}
    site.changed(networks=edge, load_balancer=balancer)
    assert networks_of(site.container("load-balancer")) == {bridge, site.name("application")}
    assert len(answering_replicas(Client(f"http://127.0.0.1:{PLAIN_PORT}"))) == 2
    url = f"http://tasks.{site.name('load-balancer')}:8404/metrics"
    assert site.ask_from(bridge, url) == ""
    assert "haproxy_" in site.ask_from(site.name("application"), url)
    site.changed(load_balancer=balancer)  # so that nobody holds the network any more
    assert networks_of(site.container("load-balancer")) == {
        site.name("edge"),
        site.name("application"),
    }


def test_the_load_balancer_may_have_an_address_of_its_own(site: Site, macvlan: str) -> None:
    balancer = {"kind": "haproxy", "http_port": 80}
    edge: Config = {"edge": {"driver": "macvlan", "name": macvlan}}
    site.changed(
        networks=edge,
        load_balancer=balancer,
        platform={"name": "Test", "demo_data": True, "url": EXTERNAL},
    )
    (address,) = [a for a in site.addresses("load-balancer") if a.startswith("198.19.77.")]
    status = json.loads(site.ask_from(macvlan, f"http://{address}/api/status"))
    assert status["url"] == f"{EXTERNAL}/"
    assert site.ask_from(macvlan, f"http://{address}:8404/metrics") == ""
    service = json.loads(docker("service", "inspect", site.name("load-balancer")))[0]
    assert service["Endpoint"].get("Ports", []) == []
    site.changed(load_balancer={"kind": "haproxy", "http_port": PLAIN_PORT})


# --- parts of the data centre ------------------------------------------------------------------


def test_an_external_load_balancer_finds_a_replica_on_the_node(site: Site) -> None:
    port = free_port()
    sections: dict[str, Config] = {
        "platform": {"name": "Test", "demo_data": True, "url": EXTERNAL},
        "load_balancer": {
            "kind": "external",
            "backend_port": port,
            "trusted_proxies": ["203.0.113.0/24"],
        },
    }
    web: Config = {"replicas": 1, "update": {"order": "stop-first"}}
    site.changed(application={"web": web}, **sections)
    assert containers(site.name("load-balancer")) == []
    client = Client(f"http://127.0.0.1:{port}")
    assert client.get("/health").status == 200
    told = client.request("GET", "/api/status", headers={"X-Forwarded-For": "198.51.100.7"})
    assert told.json["url"] == f"{EXTERNAL}/"
    logged = docker("logs", site.container("web"))
    assert '"GET /api/status HTTP/1.1" 200' in logged
    assert "198.51.100.7" not in logged
    (stack,) = [
        resource
        for resource in json.loads(site.export())["deployment"]["resources"]
        if resource["type"] == "pulumi:pulumi:Stack"
    ]
    assert stack["outputs"]["backend"] == [f"local:{port}"]
    # The node has the port once: a roll-out stops the old replica first.
    old = site.container("web")
    site.changed(application={"web": web | {"drain_seconds": 2}}, **sections)
    wait_for("a new replica", lambda: containers(site.name("web")) not in ([], [old]))
    wait_for("its answer", lambda: connects("127.0.0.1", port))
    assert client.get("/api/status").status == 200


# --- Stud.IP's recipe --------------------------------------------------------------------------


@pytest.fixture
def registry(site: Site, tmp_path: Path) -> Iterator[str]:
    """Address of a package registry that builds reach."""
    served = tmp_path / "registry"
    served.mkdir()
    serve = ["--entrypoint", "php", site.image("web"), "-S", "0.0.0.0:8000", "-t", "/srv"]
    container = docker(
        "run", "--detach", "--label", OWN[6:], "--volume", f"{served}:/srv:ro", *serve
    )
    where = "{{.NetworkSettings.Networks.bridge.IPAddress}}"
    url = f"http://{docker('inspect', '--format', where, container)}:8000"
    registries.write(served, url)
    tmp_path.chmod(0o755)
    yield url
    docker("rm", "--force", "--volumes", container)


def test_a_source_in_git_becomes_a_platform_with_what_the_hosts_registries_have(
    site: Site, registry: str, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    shutil.copytree(ROOT / "images" / "demo" / "app", source)
    (source / "config").mkdir()
    (source / "config" / "config.inc.php.dist").write_text("<?php\n")
    registries.require(source)
    git(source, "init", "--quiet")
    git(source, "add", ".")
    git(source, "commit", "--quiet", "--message", "a release")
    git(source, "tag", "v6.0")
    composer = tmp_path / "composer"
    composer.mkdir()
    repositories = {"packagist": {"type": "composer", "url": registry}}
    (composer / "config.json").write_text(json.dumps({"repositories": repositories}))
    site.env |= {
        "NPM_CONFIG_REGISTRY": registry,
        "COMPOSER_HOME": str(composer),
        "STUDIP_CACHE": str(tmp_path / "cache"),
    }
    legacy = tmp_path / "legacy"
    legacy.mkdir()
    (legacy / "old").write_text("from the node")
    site.changed(
        images={
            "source": "debian",
            "application": "studip",
            "runtime": "php-fpm",
            "studip": {"git": source.as_uri(), "revision": "v6.0"},
        },
        application={
            "mounts": [
                {"target": "/srv/legacy", "kind": "bind", "source": str(legacy), "read_only": True},
                {"target": "/srv/scratch", "kind": "tmpfs", "size": 16},
            ]
        },
        database={"kind": "single", "parameters": {"max_connections": 77}},
        load_balancer={"kind": "haproxy", "http_port": PLAIN_PORT},
    )
    client = Client(f"http://127.0.0.1:{PLAIN_PORT}")
    # Stud.IP has no front controller; its start page is the same page.
    wait_for("both replicas", lambda: len({_replica(client) for _ in range(20)}) == 2)
    style = client.get("/assets/stylesheets/studip.css")
    assert style.body.decode() == f"body {{ color: {registries.COLOUR} }}"
    web = containers(site.name("web"))[0]
    load = 'require "composer/autoload.php"; echo COLOUR;'
    assert docker("exec", web, "php", "-r", load) == registries.COLOUR
    labels = json.loads(docker("inspect", "--format", "{{json .Config.Labels}}", web))
    assert labels["org.opencontainers.image.revision"] == "v6.0"
    assert docker("exec", web, "cat", "/srv/legacy/old") == "from the node"
    assert "size=16384k" in docker("exec", web, "grep", " /srv/scratch ", "/proc/mounts")
    asked = ["mariadb", "--user=mysql", "--skip-column-names", "-e", "SELECT @@max_connections"]
    assert docker("exec", site.container("database"), *asked) == "77"
    # The address of the registry is in no file, image or state.
    assert registry not in site.export()
    for seen in (docker("history", "--no-trunc", site.image("web")), json.dumps(labels)):
        assert registry not in seen


def _replica(client: Client) -> object:
    return client.get("/?format=json").json["replica"]


def test_destroy_leaves_nothing_behind(site: Site) -> None:
    done = site.destroy()
    assert done.code == 0, done.output
    for kind in ("service", "secret", "config", "network", "volume"):
        assert docker(kind, "ls", "--quiet", "--filter", OWN) == ""
    assert docker("ps", "--all", "--quiet", "--filter", OWN) == ""
