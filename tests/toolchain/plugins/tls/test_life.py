"""Keys, requests and certificates through their lives; OpenSSL says whether they are right."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.toolchain.plugins.docker.conftest import Failed, Object, Plugin, Refused, started
from tests.toolchain.plugins.tls.conftest import (
    KEY,
    LOCALLY_SIGNED,
    REQUEST,
    SELF_SIGNED,
    OpenSSL,
)
from toolchain.plugins.common.values import Secret

ECDSA = {"algorithm": "ECDSA", "ecdsaCurve": "P256"}
KEYS = {
    "RSA": ({"algorithm": "RSA"}, "Private-Key: (2048 bit, 2 primes)"),
    "P224": ({"algorithm": "ECDSA"}, "ASN1 OID: secp224r1"),
    "P256": (ECDSA, "ASN1 OID: prime256v1"),
    "P384": ({"algorithm": "ECDSA", "ecdsaCurve": "P384"}, "ASN1 OID: secp384r1"),
    "P521": ({"algorithm": "ECDSA", "ecdsaCurve": "P521"}, "ASN1 OID: secp521r1"),
    "ED25519": ({"algorithm": "ED25519"}, "ED25519 Private-Key:"),
}
AUTHORITY = {
    "subject": {"commonName": "Test authority", "organization": "Test & Söhne"},
    "validityPeriodHours": 87600,
    "isCaCertificate": True,
    "allowedUses": ["cert_signing", "crl_signing"],
}
HOLDER = {
    "subject": {"commonName": "registry"},
    "dnsNames": ["registry.example", "*.studip.example"],
    "ipAddresses": ["127.0.0.1", "fd00::1"],
    "uris": ["spiffe://studip/registry"],
}
TERMS = {
    "validityPeriodHours": 48,
    "allowedUses": ["digital_signature", "server_auth", "client_auth"],
}


def make(plugin: Plugin, token: str, **inputs: Any) -> Object:
    return plugin.create(token, "it", inputs)


def key(plugin: Plugin, **inputs: Any) -> Secret:
    """A new key in PEM, as the SDK hands it on."""
    return Secret(make(plugin, KEY, **(inputs or ECDSA)).outputs["privateKeyPem"])


def authority(plugin: Plugin, pem: Secret, **more: Any) -> str:
    """A new authority's certificate in PEM."""
    made = make(plugin, SELF_SIGNED, **{**AUTHORITY, "privateKeyPem": pem, **more})
    return str(made.outputs["certPem"])


def leaf_inputs(plugin: Plugin, **more: Any) -> dict[str, Any]:
    """What a certificate of a new authority takes."""
    signer = key(plugin)
    asked = make(plugin, REQUEST, **HOLDER, privateKeyPem=key(plugin))
    return {
        "caPrivateKeyPem": signer,
        "caCertPem": authority(plugin, signer),
        "certRequestPem": asked.outputs["certRequestPem"],
        **TERMS,
        **more,
    }


# --- keys --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_is_what_it_says_in_every_form(
    plugin: Plugin, openssl: OpenSSL, tmp_path: Path, kind: str
) -> None:
    inputs, described = KEYS[kind]
    made = make(plugin, KEY, **inputs)
    outputs = made.outputs
    for form in ("privateKeyPem", "privateKeyPemPkcs8"):
        assert described in openssl("pkey", "-noout", "-text", text=outputs[form])
        assert openssl("pkey", "-pubout", text=outputs[form]) == outputs["publicKeyPem"].strip()
    header = {"RSA": "RSA PRIVATE KEY", "ED25519": "PRIVATE KEY"}.get(kind, "EC PRIVATE KEY")
    assert outputs["privateKeyPem"].startswith(f"-----BEGIN {header}-----\n")
    der = openssl.raw(["pkey", "-pubin", "-outform", "DER"], outputs["publicKeyPem"])
    assert made.id == hashlib.sha1(der).hexdigest()
    if kind == "P224":  # OpenSSH does not know it
        assert outputs["publicKeyOpenssh"] == outputs["privateKeyOpenssh"] == ""
        return
    file = tmp_path / "key"
    file.touch(mode=0o600)
    file.write_text(outputs["privateKeyOpenssh"])

    def keygen(*arguments: str) -> str:
        command = ["ssh-keygen", *arguments, "-f", str(file)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert keygen("-y") == outputs["publicKeyOpenssh"]
    assert outputs["publicKeyFingerprintSha256"] in keygen("-l", "-E", "sha256").split()
    assert f"MD5:{outputs['publicKeyFingerprintMd5']}" in keygen("-l", "-E", "md5").split()


def test_private_halves_are_secret_in_the_state(plugin: Plugin) -> None:
    state = make(plugin, KEY, **ECDSA).state
    sealed = {name for name, value in state.items() if isinstance(value, Secret)}
    assert sealed == {"privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh"}
    assert state["__meta"] == '{"schema_version":"1"}'
    certificate = make(plugin, SELF_SIGNED, **{**AUTHORITY, "privateKeyPem": key(plugin)})
    assert isinstance(certificate.state["privateKeyPem"], Secret)
    assert isinstance(certificate.inputs["privateKeyPem"], Secret)


@pytest.mark.parametrize("change", [{"ecdsaCurve": "P384"}, {"algorithm": "RSA"}])
def test_another_kind_of_key_replaces_it(plugin: Plugin, change: dict[str, str]) -> None:
    made = make(plugin, KEY, **ECDSA)
    assert plugin.diff(made, ECDSA).changes == {}
    (name,) = change
    diff = plugin.diff(made, {**ECDSA, **change})
    assert diff.changes == {name: "UPDATE_REPLACE"}
    assert not diff.delete_before_replace


# --- certificates ------------------------------------------------------------------------------


@pytest.mark.parametrize("signer", ["RSA", "P256", "P384", "P521", "ED25519"])
@pytest.mark.parametrize("holder", ["RSA", "P256", "ED25519"])
def test_a_certificate_is_verified_through_its_authority(
    plugin: Plugin, openssl: OpenSSL, signer: str, holder: str
) -> None:
    signing, held = key(plugin, **KEYS[signer][0]), key(plugin, **KEYS[holder][0])
    root = authority(plugin, signing)
    asked = make(plugin, REQUEST, **HOLDER, privateKeyPem=held).outputs
    algorithm = KEYS[holder][0]["algorithm"]
    assert asked["keyAlgorithm"] == algorithm
    openssl("req", "-verify", "-noout", text=asked["certRequestPem"])
    made = make(
        plugin,
        LOCALLY_SIGNED,
        caPrivateKeyPem=signing,
        caCertPem=root,
        certRequestPem=asked["certRequestPem"],
        **TERMS,
    ).outputs
    assert made["caKeyAlgorithm"] == KEYS[signer][0]["algorithm"]
    openssl.verify(root, made["certPem"], "-purpose", "sslserver", "-verify_ip", "127.0.0.1")
    openssl.verify(
        root, made["certPem"], "-purpose", "sslclient", "-verify_hostname", "a.studip.example"
    )
    with pytest.raises(AssertionError, match="hostname mismatch"):
        openssl.verify(root, made["certPem"], "-verify_hostname", "elsewhere.example")
    with pytest.raises(AssertionError, match="unable to get local issuer certificate"):
        openssl.verify(authority(plugin, signing, subject={"commonName": "x"}), made["certPem"])
    public = openssl("pkey", "-pubout", text=held.value)
    assert openssl("x509", "-noout", "-pubkey", text=made["certPem"]) == public


def shown(openssl: OpenSSL, pem: str) -> str:
    return openssl("x509", "-noout", "-text", "-nameopt", "utf8,sep_comma_plus", text=pem)


def test_what_is_asked_for_stands_in_the_certificate(plugin: Plugin, openssl: OpenSSL) -> None:
    made = make(plugin, LOCALLY_SIGNED, **leaf_inputs(plugin))
    text = shown(openssl, made.outputs["certPem"])
    assert "Subject: CN=registry" in text
    assert "Issuer: O=Test & Söhne,CN=Test authority" in text
    assert (
        "DNS:registry.example, DNS:*.studip.example, IP Address:127.0.0.1, "
        "IP Address:FD00:0:0:0:0:0:0:1, URI:spiffe://studip/registry" in text
    )
    assert re.search(r"Key Usage: critical\n +Digital Signature\n", text)
    assert "TLS Web Server Authentication, TLS Web Client Authentication" in text
    assert re.search(r"Basic Constraints: critical\n +CA:FALSE\n", text)
    assert "Subject Key Identifier" not in text
    assert "Subject Alternative Name: critical" not in text
    serial = openssl("x509", "-noout", "-serial", text=made.outputs["certPem"])
    assert int(made.id) == int(serial.removeprefix("serial="), 16)


def test_other_names_are_critical_where_there_is_no_subject(
    plugin: Plugin, openssl: OpenSSL
) -> None:
    pem = key(plugin)
    asked = make(plugin, REQUEST, dnsNames=["a.example"], privateKeyPem=pem).outputs
    inputs = leaf_inputs(plugin, certRequestPem=asked["certRequestPem"])
    made = make(plugin, LOCALLY_SIGNED, **inputs).outputs["certPem"]
    own = make(plugin, SELF_SIGNED, dnsNames=["a.example"], privateKeyPem=pem, **TERMS).outputs
    for text in (shown(openssl, made), shown(openssl, own["certPem"])):
        assert re.search(r"Subject Alternative Name: critical\n +DNS:a.example\n", text)


def test_an_authority_may_sign_and_says_whose_key_it_has(plugin: Plugin, openssl: OpenSSL) -> None:
    text = shown(openssl, authority(plugin, key(plugin), maxPathLength=0))
    assert re.search(r"Basic Constraints: critical\n +CA:TRUE, pathlen:0\n", text)
    assert re.search(r"Key Usage: critical\n +Certificate Sign, CRL Sign\n", text)
    assert "Subject Key Identifier" in text
    assert "pathlen" not in shown(openssl, authority(plugin, key(plugin)))


def test_validity_is_told_as_it_stands_in_the_certificate(plugin: Plugin, openssl: OpenSSL) -> None:
    outputs = make(plugin, LOCALLY_SIGNED, **leaf_inputs(plugin)).outputs
    dates = openssl(
        "x509", "-noout", "-startdate", "-enddate", "-dateopt", "iso_8601", text=outputs["certPem"]
    )
    told = [outputs[name].replace("T", " ") for name in ("validityStartTime", "validityEndTime")]
    assert dates.split("\n") == [f"notBefore={told[0]}", f"notAfter={told[1]}"]
    openssl("x509", "-noout", "-checkend", str(47 * 3600), text=outputs["certPem"])
    with pytest.raises(AssertionError, match="will expire"):
        openssl("x509", "-noout", "-checkend", str(49 * 3600), text=outputs["certPem"])


def test_a_renewed_authority_with_the_same_key_and_name_keeps_what_was_issued(
    plugin: Plugin, openssl: OpenSSL
) -> None:
    inputs = leaf_inputs(plugin)
    leaf = make(plugin, LOCALLY_SIGNED, **inputs).outputs["certPem"]
    renewed = authority(plugin, inputs["caPrivateKeyPem"])
    assert renewed != inputs["caCertPem"]
    openssl.verify(renewed, leaf)
    fresh = make(plugin, LOCALLY_SIGNED, **{**inputs, "caCertPem": renewed}).outputs["certPem"]
    openssl.verify(inputs["caCertPem"], fresh)


def valid(plugin: Plugin, token: str) -> dict[str, Any]:
    """Valid inputs of each type."""
    if token == KEY:
        return dict(ECDSA)
    if token == LOCALLY_SIGNED:
        return leaf_inputs(plugin)
    return {**(AUTHORITY if token == SELF_SIGNED else HOLDER), "privateKeyPem": key(plugin)}


@pytest.mark.parametrize("token", [KEY, SELF_SIGNED, REQUEST, LOCALLY_SIGNED])
def test_it_stays_as_it_is_and_goes_without_trace(plugin: Plugin, token: str) -> None:
    inputs = valid(plugin, token)
    made = make(plugin, token, **inputs)
    assert plugin.diff(made, inputs).changes == {}
    assert plugin.read(made) == made
    plugin.delete(made)


@pytest.mark.parametrize("token", [KEY, SELF_SIGNED, REQUEST, LOCALLY_SIGNED])
def test_it_can_not_be_imported(plugin: Plugin, token: str) -> None:
    with pytest.raises(Failed, match=r"can't be imported: it lives in Pulumi's state only"):
        plugin.read(Object(f"urn:pulumi:test::test::{token}::it", "1", {}, {}))


@pytest.mark.parametrize(
    ("token", "change", "path"),
    [
        (SELF_SIGNED, {"subject": {"commonName": "other"}}, "subject.commonName"),
        (SELF_SIGNED, {"maxPathLength": 0}, "maxPathLength"),
        (SELF_SIGNED, {"setSubjectKeyId": True}, "setSubjectKeyId"),
        (REQUEST, {"dnsNames": ["registry.example"]}, "dnsNames"),
        (LOCALLY_SIGNED, {"validityPeriodHours": 49}, "validityPeriodHours"),
        (LOCALLY_SIGNED, {"allowedUses": ["server_auth"]}, "allowedUses"),
    ],
)
def test_what_stands_in_a_certificate_replaces_it(
    plugin: Plugin, token: str, change: Mapping[str, Any], path: str
) -> None:
    inputs = valid(plugin, token)
    made = make(plugin, token, **inputs)
    changes = plugin.diff(made, {**inputs, **change}).changes
    assert changes[path].endswith("_REPLACE")


@pytest.mark.parametrize("token", [SELF_SIGNED, LOCALLY_SIGNED])
def test_the_time_for_renewal_changes_in_place(plugin: Plugin, token: str) -> None:
    inputs = valid(plugin, token)
    made = make(plugin, token, **inputs)
    assert plugin.diff(made, {**inputs, "earlyRenewalHours": 5}).changes == {
        "earlyRenewalHours": "UPDATE"
    }
    updated = plugin.update(made, {**inputs, "earlyRenewalHours": 5})
    assert updated.outputs["certPem"] == made.outputs["certPem"]
    assert updated.outputs["earlyRenewalHours"] == 5


@pytest.mark.parametrize("token", [SELF_SIGNED, LOCALLY_SIGNED])
@pytest.mark.parametrize(
    ("hours", "early", "due"), [(48, 47, False), (48, 48, True), (48, 0, False), (0, 0, True)]
)
def test_a_certificate_is_replaced_when_its_time_has_come(
    plugin: Plugin, token: str, hours: int, early: int, due: bool
) -> None:
    inputs = valid(plugin, token) | {"validityPeriodHours": hours, "earlyRenewalHours": early}
    made = make(plugin, token, **inputs)
    assert made.outputs["readyForRenewal"] is False
    diff = plugin.diff(made, inputs)
    assert diff.changes == ({"readyForRenewal": "UPDATE_REPLACE"} if due else {})
    assert not diff.delete_before_replace
    found = plugin.read(made)
    assert found is not None
    assert found.outputs["readyForRenewal"] is due
    assert found.inputs == made.inputs


# --- what can't be done ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "change", "path", "reason"),
    [
        (KEY, {"algorithm": "DSA"}, "algorithm", "must be one of RSA, ECDSA, ED25519; got 'DSA'"),
        (KEY, {"ecdsaCurve": "P1"}, "ecdsaCurve", "must be one of P224, P256, P384, P521; got"),
        (KEY, {"rsaBits": 512}, "rsaBits", "must be at least 1024, got 512"),
        (SELF_SIGNED, {"allowedUses": ["all"]}, "allowedUses[0]", "must be one of any_extended, "),
        (SELF_SIGNED, {"subject": {}}, "subject", "must have a name where isCaCertificate is true"),
        (SELF_SIGNED, {"privateKeyPem": None}, "privateKeyPem", "is required"),
        (REQUEST, {"ipAddresses": ["::1", "x"]}, "ipAddresses[1]", "must be an IP address, got"),
        (REQUEST, {"privateKeyPem": ""}, "privateKeyPem", "is required"),
        (LOCALLY_SIGNED, {"caPrivateKeyPem": None}, "caPrivateKeyPem", "is required"),
        (LOCALLY_SIGNED, {"earlyRenewalHours": -1}, "earlyRenewalHours", "must be at least 0, got"),
    ],
)
def test_a_wrong_property_is_named_with_what_is_allowed(
    plugin: Plugin, token: str, change: Mapping[str, Any], path: str, reason: str
) -> None:
    with pytest.raises(Refused) as caught:
        plugin.check(token, "it", {**valid(plugin, token), **change})
    assert caught.value.failures[path].startswith(reason)


@pytest.mark.parametrize(
    ("token", "change", "message"),
    [
        (SELF_SIGNED, {"privateKeyPem": Secret("never seen")}, "privateKeyPem: is not a private "),
        (LOCALLY_SIGNED, {"caCertPem": "x"}, "caCertPem: is not a certificate in PEM"),
        (LOCALLY_SIGNED, {"certRequestPem": "x"}, "certRequestPem: is not a certificate request "),
        (REQUEST, {"subject": {"country": "Germany"}}, "subject.country: "),
        (REQUEST, {"dnsNames": ["a", "müller"]}, r"dnsNames\[1\]: 'müller' can't be used: "),
    ],
)
def test_what_only_making_it_shows_is_told_by_property_too(
    plugin: Plugin, token: str, change: Mapping[str, Any], message: str
) -> None:
    with pytest.raises(Failed, match=message) as caught:
        make(plugin, token, **{**valid(plugin, token), **change})
    assert "never seen" not in str(caught.value)


def test_an_authority_does_not_sign_with_another_ones_key(plugin: Plugin) -> None:
    inputs = leaf_inputs(plugin, caPrivateKeyPem=key(plugin))
    with pytest.raises(Failed, match="caPrivateKeyPem: is not the key of the certificate in caC"):
        make(plugin, LOCALLY_SIGNED, **inputs)


def test_nothing_of_cryptography_is_loaded_before_something_is_made(tmp_path: Path) -> None:
    with started(tmp_path, package="tls") as plugin:

        def loaded() -> bool:
            return "cryptography" in Path(f"/proc/{plugin.process.pid}/maps").read_text()

        preview = plugin.create(KEY, "it", ECDSA, preview=True)
        assert set(preview.state) > {"privateKeyPem", "publicKeyPem"}
        existing = Object(preview.urn, "1", preview.inputs, {**preview.inputs, "publicKeyPem": "x"})
        assert plugin.diff(existing, ECDSA).changes == {}
        assert plugin.read(existing) is not None
        assert not loaded()
        make(plugin, KEY, **ECDSA)
        assert loaded()
