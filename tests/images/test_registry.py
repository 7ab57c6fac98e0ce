"""The registry of a cluster: TLS, a login, and one folder for several of them."""

import io
import socket
import subprocess
import tarfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import bcrypt
import docker
import pytest
from docker.errors import APIError, ImageNotFound, NotFound

from tests.images.authority import Authority
from tests.images.conftest import Built, Run, Running

pytestmark = pytest.mark.live

USER = 999
LOGIN = {"username": "studip", "password": "pass'w\\rd"}
DATA = "/srv/registry"
TRUSTED = Path("/etc/docker/certs.d")  # where an engine looks for authorities of registries

Server = Callable[..., Running]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of this machine that the registry's user owns."""
    path = tmp_path / "registry"
    path.mkdir()
    subprocess.run(["chown", str(USER), str(path)], check=True)
    tmp_path.chmod(0o755)
    return path


@pytest.fixture
def server(built: Built, run: Run, folder: Path, authority: Authority) -> Server:
    """`server(network, port)` runs a registry as the cluster does."""
    hashed = bcrypt.hashpw(LOGIN["password"].encode(), bcrypt.gensalt(rounds=10)).decode()

    def server(network: str, port: int = 5000, **more: str) -> Running:
        addresses = ["127.0.0.1"] + [f"{prefix(network)}{last}" for last in range(2, 12)]
        issued = authority.issue(ip_addresses=addresses)
        return run(
            built("registry"),
            env={
                "REGISTRY_HTTP_ADDR": f":{port}",
                "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": DATA,
                "REGISTRY_CERTIFICATE_FILE": "/run/secrets/certificate.pem",
                "REGISTRY_KEY_FILE": "/run/secrets/key.pem",
                "REGISTRY_HTPASSWD_FILE": "/run/secrets/htpasswd",
                **more,
            },
            secrets={
                "certificate.pem": issued.certificate,
                "key.pem": issued.key,
                "htpasswd": f"{LOGIN['username']}:{hashed}\n",
            },
            volumes={str(folder): DATA},
            network=network,
        )

    def prefix(network: str) -> str:
        if network == "host":
            return "127.0.0."
        client = docker.from_env()
        gateway = client.networks.get(network).attrs["IPAM"]["Config"][0]["Gateway"]
        client.close()
        return str(gateway.rsplit(".", 1)[0]) + "."

    return server


@pytest.fixture
def images(client: docker.DockerClient) -> Iterator[Callable[[str], str]]:
    """`images(registry)` makes a small image for a registry: its name, without tag."""
    made: list[str] = []

    def image(registry: str) -> str:
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w") as tar:
            entry = tarfile.TarInfo("content")
            data = uuid.uuid4().bytes * 10_000
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
        name = f"{registry}/studip-test/{uuid.uuid4().hex[:8]}"
        client.api.import_image_from_data(content.getvalue(), repository=name, tag="1")
        made.append(name)
        return name

    yield image
    for name in made:
        for found in client.images.list():
            for reference in [*found.tags, *found.attrs.get("RepoDigests", ())]:
                if reference.startswith(name):
                    with suppress(ImageNotFound, NotFound):
                        client.images.remove(reference, force=True)


@pytest.fixture
def trusted(authority: Authority) -> Iterator[Callable[[str], None]]:
    """`trusted(address)` lets this machine's engine trust the authority at an address."""
    made: list[Path] = []

    def trust(address: str) -> None:
        path = TRUSTED / address
        path.mkdir(parents=True)
        made.append(path)
        (path / "ca.crt").write_text(authority.certificate)

    yield trust
    for path in made:
        (path / "ca.crt").unlink()
        path.rmdir()


def push(client: docker.DockerClient, name: str, login: dict[str, str] = LOGIN) -> str:
    """Push an image: its reference by digest; raises AssertionError with the engine's words."""
    for line in client.api.push(name, "1", auth_config=login, stream=True, decode=True):
        assert "error" not in line, line["error"]
        if digest := line.get("aux", {}).get("Digest"):
            found = str(digest)
    return f"{name}@{found}"


def pull_anew(client: docker.DockerClient, reference: str, login: dict[str, str] = LOGIN) -> str:
    """Forget an image and pull it again: its id."""
    with suppress(ImageNotFound):
        client.images.remove(client.images.get(reference).id, force=True)
    return str(client.images.pull(reference, auth_config=login).id)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


Images = Callable[[str], str]


def test_an_engine_pushes_and_pulls_by_digest_through_its_own_loopback(
    server: Server, images: Images, client: docker.DockerClient, folder: Path
) -> None:
    port = free_port()
    server("host", port).wait_healthy()
    name = images(f"127.0.0.1:{port}")
    before = client.images.get(f"{name}:1").id
    reference = push(client, name)
    assert pull_anew(client, reference) == before
    digest = reference.rpartition(":")[2]
    blobs = folder / "docker/registry/v2/blobs/sha256"
    assert (blobs / digest[:2] / digest / "data").is_file()


@pytest.mark.parametrize("login", [{**LOGIN, "password": "wrong"}, {}])
def test_nothing_is_pushed_or_pulled_without_the_password(
    server: Server, images: Images, client: docker.DockerClient, login: dict[str, str]
) -> None:
    port = free_port()
    server("host", port).wait_healthy()
    name = images(f"127.0.0.1:{port}")
    with pytest.raises(AssertionError, match=r"unauthorized|no basic auth"):
        push(client, name, login)
    reference = push(client, name)
    with pytest.raises(APIError, match=r"unauthorized|no basic auth"):
        pull_anew(client, reference, login)


def test_from_outside_the_authority_must_be_trusted(
    server: Server,
    images: Images,
    client: docker.DockerClient,
    trusted: Callable[[str], None],
    network: str,
) -> None:
    running = server(network)
    running.wait_healthy()
    address = f"{running.address(network)}:5000"
    name = images(address)
    with pytest.raises(AssertionError, match="certificate signed by unknown authority"):
        push(client, name)
    trusted(address)
    before = client.images.get(f"{name}:1").id
    assert pull_anew(client, push(client, name)) == before


def test_it_speaks_modern_tls_only_and_proves_who_it_is(
    server: Server, authority: Authority, network: str, tmp_path: Path
) -> None:
    running = server(network)
    running.wait_healthy()
    address = running.address(network)
    trusted = tmp_path / "authority.pem"
    trusted.write_text(authority.certificate)

    def connect(*options: str) -> "subprocess.CompletedProcess[str]":
        command = ["openssl", "s_client", "-connect", f"{address}:5000", "-CAfile", str(trusted)]
        return subprocess.run(
            [*command, "-verify_return_error", "-verify_ip", address, *options],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    assert "Verify return code: 0 (ok)" in connect().stdout
    assert connect("-tls1_2").returncode == 0
    assert connect("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0").returncode != 0
    trusted.write_text(Authority("Another").certificate)
    assert connect().returncode != 0


def test_two_on_one_folder_serve_each_others_images(
    server: Server, images: Images, client: docker.DockerClient
) -> None:
    ports = free_port(), free_port()
    first, second = (server("host", port) for port in ports)
    first.wait_healthy()
    second.wait_healthy()
    addresses = [f"127.0.0.1:{port}" for port in ports]
    for one, other in (addresses, reversed(addresses)):
        name = images(one)
        before = client.images.get(f"{name}:1").id
        reference = push(client, name)
        elsewhere = reference.replace(one, other)
        assert client.images.pull(elsewhere, auth_config=LOGIN).id == before
        first.container.restart(timeout=5)  # and after a restart
        first.wait_healthy()
        assert pull_anew(client, elsewhere) == before


def test_what_one_has_removed_the_other_takes_again(
    server: Server, images: Images, client: docker.DockerClient, folder: Path
) -> None:
    """One that remembered what it once had would take a push without the layers."""
    ports = free_port(), free_port()
    first, second = (server("host", port) for port in ports)
    first.wait_healthy()
    second.wait_healthy()
    name = images(f"127.0.0.1:{ports[1]}")
    reference = push(client, name)
    kept = client.images.get(f"{name}:1").id
    layers = [path.parent for path in folder.glob("docker/registry/v2/blobs/sha256/*/*/data")]
    assert len(layers) == 3  # manifest, configuration, layer
    repositories = f"{DATA}/docker/registry/v2/repositories/"
    first.sh(f"rm -r {repositories}{name.split('/', 1)[1]}")
    first.sh("docker-registry garbage-collect /etc/docker/registry/config.yml")
    assert not any(layer.exists() for layer in layers)
    push(client, name)
    assert pull_anew(client, reference) == kept


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"REGISTRY_KEY_FILE": "/no"}, "REGISTRY_KEY_FILE: /no cannot be read by uid 999"),
        ({"REGISTRY_KEY_FILE": ""}, "REGISTRY_KEY_FILE: must be set beside REGISTRY_CERTIFICATE_"),
        ({"REGISTRY_CERTIFICATE_FILE": "/no"}, "REGISTRY_CERTIFICATE_FILE: /no cannot be read"),
        ({"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "/etc"}, "/etc cannot be written by uid"),
    ],
)
def test_it_does_not_start_with_less_than_it_was_asked_for(
    server: Server, network: str, env: dict[str, str], message: str
) -> None:
    running = server(network, **env)
    assert running.wait_exit() == 1
    assert message in running.logs()


def test_it_is_unhealthy_when_it_hangs(server: Server, network: str) -> None:
    running = server(network)
    running.wait_healthy()
    running.sh("kill -STOP $(pidof docker-registry)")
    code, _ = running.container.exec_run(["timeout", "9", "healthcheck"])
    assert code != 0
