"""A whole environment whose certificate comes from an authority that speaks ACME."""

import json
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import acme
from tests.live.certificate import self_signed
from tests.live.platform import Platform, docker, free_port, wait_for
from toolchain import rootfs

pytestmark = pytest.mark.live

HOST = "studip.test"
PROOF_PORT = 80  # where every ACME authority asks


@dataclass(frozen=True)
class Directory:
    """An ACME authority on this machine, where containers reach it."""

    address: str
    certificate: Path  # its own
    https_port: int  # TCP, of the site

    def root(self) -> str:
        """The certificate that it signs with."""
        trusting = ssl.create_default_context(cafile=str(self.certificate))
        return acme.root(self.address, trusting)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    described = docker("network", "inspect", "docker_gwbridge", "--format", "{{json .IPAM.Config}}")
    address = json.loads(described)[0]["Gateway"]
    made = Directory(address, tmp_path / "directory.pem", free_port())
    made.certificate.write_text(self_signed(address))
    settings = tmp_path / "pebble.json"
    settings.write_text(acme.settings(address, PROOF_PORT, made.https_port, certificate="/own.pem"))
    files = {acme.pebble(): "/pebble", made.certificate: "/own.pem", settings: "/pebble.json"}
    mounts = [word for file, at in files.items() for word in ("--volume", f"{file}:{at}:ro")]
    container = docker(
        *("run", "--detach", "--network", "host", "--add-host", f"{HOST}:127.0.0.1"),
        *("--env", "PEBBLE_VA_NOSLEEP=1", *mounts),
        *(rootfs.ensure(), "/pebble", "-config", "/pebble.json"),
    )
    try:
        yield made
    finally:
        docker("rm", "--force", container)


@pytest.fixture
def site(tmp_path: Path, directory: Directory) -> Iterator[Platform]:
    folder = tmp_path / "site"
    folder.mkdir()
    made = Platform(folder, "acme")
    made.config |= {
        "studip:platform": {"name": "Stud.IP", "url": f"https://{HOST}"},
        "studip:load_balancer": {
            "kind": "haproxy",
            "http_port": PROOF_PORT,
            "https_port": directory.https_port,
            "issuer": "acme",
            "acme": {
                "directory": f"https://{directory.address}:{acme.PORT}/dir",
                "email": "operator@studip.test",
                "authority": str(directory.certificate),
            },
        },
    }
    made.write()
    try:
        yield made
    finally:
        made.destroy()


def test_a_certificate_comes_by_acme(site: Platform, directory: Directory) -> None:
    first = site.up()
    assert first.code == 0, first.output
    root = directory.root()
    assert root
    trusting = ssl.create_default_context(cadata=root)
    port = directory.https_port
    wait_for("a page with its certificate", lambda: serves(port, trusting), 120)
    assert site.up().changed == {}
    assert site.refresh().changed == {}


def serves(port: int, trusting: ssl.SSLContext) -> bool:
    """Whether there is a page on a TCP port, with a certificate that is trusted."""
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
            trusting.wrap_socket(plain, server_hostname=HOST) as secure,
        ):
            secure.sendall(f"GET / HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode())
            return b" 200 " in secure.recv(64)
    except OSError:  # the placeholder's certificate, or a load balancer that starts
        return False
