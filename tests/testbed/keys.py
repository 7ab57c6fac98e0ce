"""Keys of one testbed: an authority for TLS, and a secure shell's."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from toolchain.run import run

DAYS = "30"
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")


@dataclass(frozen=True)
class Keys:
    """Folders with keys, each named by who may have them."""

    server: Path  # of the nodes
    client: Path  # ca.pem, cert.pem, key.pem, as Docker's clients want them
    shell: Path  # id, known_hosts

    @classmethod
    def of(cls, folder: Path) -> "Keys":
        """Where the keys of a testbed are."""
        return cls(folder / "server", folder / "client", folder / "shell")


def make(folder: Path, addresses: Iterable[str]) -> Keys:
    """Make the keys of a testbed whose nodes have these addresses."""
    keys = Keys.of(folder)
    for made in (keys.server, keys.client, keys.shell):
        made.mkdir(parents=True)
    authority = (keys.server / "ca.pem", keys.shell / "ca-key.pem")
    _openssl("-subj", "/CN=testbed", *CURVE, "-keyout", authority[1], "-out", authority[0])
    names = ",".join(f"IP:{address}" for address in addresses)
    _certificate(authority, keys.server / "server.pem", keys.server / "server-key.pem", names)
    _certificate(authority, keys.client / "cert.pem", keys.client / "key.pem", "DNS:client")
    (keys.client / "ca.pem").write_bytes(authority[0].read_bytes())

    _ssh_key(keys.server / "ssh_host_key")
    _ssh_key(keys.shell / "id")
    (keys.server / "authorized_keys").write_text((keys.shell / "id.pub").read_text())
    host_key = (keys.server / "ssh_host_key.pub").read_text()
    (keys.shell / "known_hosts").write_text(f"* {host_key}")
    return keys


def _certificate(authority: tuple[Path, Path], certificate: Path, key: Path, names: str) -> None:
    ca, ca_key = authority
    _openssl(
        *("-subj", f"/CN={certificate.stem}", "-addext", f"subjectAltName={names}"),
        *("-addext", "basicConstraints=critical,CA:FALSE"),
        *("-CA", ca, "-CAkey", ca_key, *CURVE, "-keyout", key, "-out", certificate),
    )


def _openssl(*arguments: str | Path) -> None:
    run(["openssl", "req", "-x509", "-nodes", "-days", DAYS, *arguments])


def _ssh_key(path: Path) -> None:
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "testbed", "-f", path])
