"""Certificates for tests, made by what the plugin `tls` makes them with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from toolchain.plugins.tls import issuing

TERMS = {"validityPeriodHours": 24, "setSubjectKeyId": True}


@dataclass(frozen=True)
class Issued:
    """A certificate and its key, PEM."""

    certificate: str
    key: str


class Authority:
    """An authority of one test."""

    def __init__(self, name: str = "Test authority") -> None:
        self._key = _key()
        _, made = issuing.self_signed(
            {
                **TERMS,
                "privateKeyPem": self._key,
                "subject": {"commonName": name},
                "isCaCertificate": True,
                "setAuthorityKeyId": False,
                "allowedUses": ["cert_signing"],
            }
        )
        self.certificate: str = made["certPem"]

    def issue(self, *, dns_names: Sequence[str] = (), ip_addresses: Sequence[str] = ()) -> Issued:
        """A certificate for a server or a client."""
        key = _key()
        asked: dict[str, Any] = {
            "privateKeyPem": key,
            "subject": {"commonName": "test"},
            "dnsNames": list(dns_names),
            "ipAddresses": list(ip_addresses),
        }
        _, made = issuing.locally_signed(
            {
                **TERMS,
                "caPrivateKeyPem": self._key,
                "caCertPem": self.certificate,
                "certRequestPem": issuing.request(asked)[1]["certRequestPem"],
                "isCaCertificate": False,
                "allowedUses": ["digital_signature", "server_auth", "client_auth"],
            }
        )
        return Issued(made["certPem"], key)


def _key() -> str:
    return str(issuing.describe(issuing.generate("ECDSA", "P256", 0))[1]["privateKeyPemPkcs8"])
