"""The plugin `tls` as a process, and OpenSSL's command line as the judge of what it makes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.toolchain.plugins.docker.conftest import Plugin, started

KEY = "tls:index/privateKey:PrivateKey"
SELF_SIGNED = "tls:index/selfSignedCert:SelfSignedCert"
REQUEST = "tls:index/certRequest:CertRequest"
LOCALLY_SIGNED = "tls:index/locallySignedCert:LocallySignedCert"


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    """One plugin process; it keeps nothing between two calls."""
    with started(tmp_path_factory.mktemp("plugin"), package="tls") as plugin:
        yield plugin


class OpenSSL:
    """OpenSSL's command line on files of the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, text: str) -> str:
        """Path of a file with this text."""
        path = self.folder / f"{len(list(self.folder.iterdir()))}.pem"
        path.write_text(text)
        return str(path)

    def __call__(self, *arguments: str, text: str = "") -> str:
        """Output of a command; `text` goes to its standard input."""
        return self.raw(arguments, text).decode(errors="replace").strip()

    def raw(self, arguments: Sequence[str], text: str = "") -> bytes:
        """The same, as bytes."""
        done = subprocess.run(
            ["openssl", *arguments], input=text.encode(), capture_output=True, check=False
        )
        assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")
        return done.stdout

    def verify(self, authority: str, certificate: str, *options: str) -> str:
        """Verify a certificate against an authority, both PEM; AssertionError if it fails."""
        trusted = self.file(authority)
        path = self.file(certificate)
        return self("verify", "-x509_strict", "-CAfile", trusted, *options, path)


@pytest.fixture
def openssl(tmp_path: Path) -> OpenSSL:
    """OpenSSL's command line."""
    return OpenSSL(tmp_path)
