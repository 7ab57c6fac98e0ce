"""Certificates and requests for them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from ..common.changes import Change, Difference
from ..common.fields import Failure, Field, Fields, block, boolean, integer, items, string
from ..common.resource import Call, Live, Made
from ..common.rules import Rule, at_least, one_of
from ..common.values import UNKNOWN, Plain
from .private_key import Logical

KEY_USAGES: Final = (
    "cert_signing",
    "content_commitment",
    "crl_signing",
    "data_encipherment",
    "decipher_only",
    "digital_signature",
    "encipher_only",
    "key_agreement",
    "key_encipherment",
)

# Purpose -> its object identifier (RFC 5280, 4.2.1.12, and those of Microsoft and Netscape).
EXTENDED_KEY_USAGES: Final = {
    "any_extended": "2.5.29.37.0",
    "client_auth": "1.3.6.1.5.5.7.3.2",
    "code_signing": "1.3.6.1.5.5.7.3.3",
    "email_protection": "1.3.6.1.5.5.7.3.4",
    "ipsec_end_system": "1.3.6.1.5.5.7.3.5",
    "ipsec_tunnel": "1.3.6.1.5.5.7.3.6",
    "ipsec_user": "1.3.6.1.5.5.7.3.7",
    "microsoft_commercial_code_signing": "1.3.6.1.4.1.311.2.1.22",
    "microsoft_kernel_code_signing": "1.3.6.1.4.1.311.61.1.1",
    "microsoft_server_gated_crypto": "1.3.6.1.4.1.311.10.3.3",
    "netscape_server_gated_crypto": "2.16.840.1.113730.4.1",
    "ocsp_signing": "1.3.6.1.5.5.7.3.9",
    "server_auth": "1.3.6.1.5.5.7.3.1",
    "timestamping": "1.3.6.1.5.5.7.3.8",
}


def _address_problem(value: str) -> str | None:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return f"must be an IP address, got {value!r}"
    return None


def _names(rule: Rule | None = None) -> Field:
    return items(string(rule=rule), replace=True)


SUBJECT: Final[Fields] = {
    "commonName": string(replace=True),
    "country": string(replace=True),
    "emailAddress": string(replace=True),
    "locality": string(replace=True),
    "organization": string(replace=True),
    "organizationalUnit": string(replace=True),
    "postalCode": string(replace=True),
    "province": string(replace=True),
    "serialNumber": string(replace=True),
    "streetAddresses": _names(),
}

# Whom a certificate is for.
HOLDER: Final[Fields] = {
    "privateKeyPem": string(replace=True, secret=True),
    "subject": block(SUBJECT, replace=True),
    "dnsNames": _names(),
    "ipAddresses": _names(Rule(_address_problem)),
    "uris": _names(),
}

# What its holder may do with it, and for how long.
TERMS: Final[Fields] = {
    "allowedUses": items(
        string(rule=one_of(*sorted([*KEY_USAGES, *EXTENDED_KEY_USAGES]))),
        required=True,
        replace=True,
    ),
    "validityPeriodHours": integer(required=True, replace=True, rule=at_least(0)),
    "earlyRenewalHours": integer(default=0, rule=at_least(0)),
    "isCaCertificate": boolean(default=False, replace=True),
    # 0 is a length, and something else than none.
    "maxPathLength": integer(replace=True, rule=Rule(at_least(-1).problem, str)),
    "setSubjectKeyId": boolean(default=False, replace=True),
    "certPem": string(output=True),
    "readyForRenewal": boolean(output=True),
    "validityEndTime": string(output=True),
    "validityStartTime": string(output=True),
}


def _given(inputs: Plain, name: str) -> Iterable[Failure]:
    # Optional in the schema, beside a write-only one that this plugin does not have.
    if not inputs.get(name):
        yield Failure(name, "is required")


class _Certificate(Logical):
    """A certificate that is replaced once the time for its renewal has come."""

    def read(self, call: Call, id: str, inputs: Plain, state: Plain) -> Live | None:
        live = super().read(call, id, inputs, state)
        assert live is not None
        return Live(id, {**live.outputs, "readyForRenewal": _is_due(state, state)})

    def overdue(self, state: Plain, new: Plain) -> Iterable[Difference]:
        if _is_due(state, new):
            yield Difference("readyForRenewal", Change.UPDATE, replace=True, input=False)


def _is_due(state: Plain, terms: Plain) -> bool:
    """Whether a certificate has ended or is within the hours of `terms` for early renewal."""
    early = terms.get("earlyRenewalHours") or 0
    if early is UNKNOWN or not state.get("validityEndTime"):
        return False
    end = datetime.fromisoformat(state["validityEndTime"])
    return bool(datetime.now(UTC) >= end - timedelta(hours=early))


class SelfSignedCert(_Certificate):
    """A certificate that its own key has signed."""

    token = "tls:index/selfSignedCert:SelfSignedCert"
    fields: ClassVar[Fields] = {
        **HOLDER,
        **TERMS,
        "setAuthorityKeyId": boolean(default=False, replace=True),
        "keyAlgorithm": string(output=True),
    }

    def validate(self, inputs: Plain) -> Iterable[Failure]:
        yield from _given(inputs, "privateKeyPem")
        subject = inputs.get("subject")
        if inputs["isCaCertificate"] is True and not subject:
            yield Failure("subject", "must have a name where isCaCertificate is true")

    def create(self, call: Call, inputs: Plain) -> Made:
        from . import issuing

        return _made(issuing.self_signed(inputs))


class CertRequest(Logical):
    """A request for a certificate."""

    token = "tls:index/certRequest:CertRequest"
    fields: ClassVar[Fields] = {
        **HOLDER,
        "certRequestPem": string(output=True),
        "keyAlgorithm": string(output=True),
    }

    def validate(self, inputs: Plain) -> Iterable[Failure]:
        return _given(inputs, "privateKeyPem")

    def create(self, call: Call, inputs: Plain) -> Made:
        from . import issuing

        return Made(*issuing.request(inputs))


class LocallySignedCert(_Certificate):
    """A certificate for a request, signed by an authority whose key is at hand."""

    token = "tls:index/locallySignedCert:LocallySignedCert"
    fields: ClassVar[Fields] = {
        **TERMS,
        "caCertPem": string(required=True, replace=True),
        "caPrivateKeyPem": string(replace=True, secret=True),
        "certRequestPem": string(required=True, replace=True),
        "caKeyAlgorithm": string(output=True),
    }

    def validate(self, inputs: Plain) -> Iterable[Failure]:
        return _given(inputs, "caPrivateKeyPem")

    def create(self, call: Call, inputs: Plain) -> Made:
        from . import issuing

        return _made(issuing.locally_signed(inputs))


def _made(issued: tuple[str, Mapping[str, Any]]) -> Made:
    id, outputs = issued
    return Made(id, {**outputs, "readyForRenewal": False})
