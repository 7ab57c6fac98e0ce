"""Keys, requests and certificates themselves: everything that needs `cryptography`.

Identifiers, encodings and extensions are those of the official plugin (Go's crypto/x509).
"""

from __future__ import annotations

import hashlib
import ipaddress
from base64 import b64decode, b64encode
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from ..common.errors import PluginError
from ..common.values import Plain
from .certificates import EXTENDED_KEY_USAGES, KEY_USAGES

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
Public = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
Issued = tuple[str, dict[str, Any]]
"""Id and outputs."""

T = TypeVar("T")

_CURVES: Final[dict[str, type[ec.EllipticCurve]]] = {
    "P224": ec.SECP224R1,
    "P256": ec.SECP256R1,
    "P384": ec.SECP384R1,
    "P521": ec.SECP521R1,
}
# In the order in which the official plugin writes them.
_NAMES: Final = (
    ("country", NameOID.COUNTRY_NAME),
    ("organization", NameOID.ORGANIZATION_NAME),
    ("organizationalUnit", NameOID.ORGANIZATIONAL_UNIT_NAME),
    ("locality", NameOID.LOCALITY_NAME),
    ("province", NameOID.STATE_OR_PROVINCE_NAME),
    ("streetAddresses", NameOID.STREET_ADDRESS),
    ("postalCode", NameOID.POSTAL_CODE),
    ("commonName", NameOID.COMMON_NAME),
    ("serialNumber", NameOID.SERIAL_NUMBER),
    ("emailAddress", NameOID.EMAIL_ADDRESS),
)


# --- keys --------------------------------------------------------------------------------------


def generate(algorithm: str, curve: str, bits: int) -> Key:
    """A new key."""
    if algorithm == "RSA":
        return rsa.generate_private_key(public_exponent=65537, key_size=bits)
    if algorithm == "ECDSA":
        return ec.generate_private_key(_CURVES[curve]())
    return ed25519.Ed25519PrivateKey.generate()


def describe(key: Key) -> Issued:
    """A key and its public half in all forms; the id is the hash of the public half."""
    public = key.public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    own = (
        PrivateFormat.PKCS8
        if isinstance(key, ed25519.Ed25519PrivateKey)
        else PrivateFormat.TraditionalOpenSSL
    )
    return hashlib.sha1(der).hexdigest(), {
        "privateKeyPem": _private(key, own),
        "privateKeyPemPkcs8": _private(key, PrivateFormat.PKCS8),
        "publicKeyPem": public.public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        ).decode(),
        **_openssh(key),
    }


def _private(key: Key, form: PrivateFormat) -> str:
    return key.private_bytes(Encoding.PEM, form, serialization.NoEncryption()).decode()


def _openssh(key: Key) -> dict[str, str]:
    """OpenSSH's forms; empty for the one curve that it does not know."""
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP224R1):
        private = line = md5 = sha256 = ""
    else:
        public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        blob = b64decode(public.split()[1])
        private = _private(key, PrivateFormat.OpenSSH)
        line = public.decode() + "\n"
        md5 = hashlib.md5(blob).hexdigest()
        md5 = ":".join(md5[index : index + 2] for index in range(0, len(md5), 2))
        sha256 = "SHA256:" + b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return {
        "privateKeyOpenssh": private,
        "publicKeyOpenssh": line,
        "publicKeyFingerprintMd5": md5,
        "publicKeyFingerprintSha256": sha256,
    }


def _algorithm(key: Key) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        return "RSA"
    return "ECDSA" if isinstance(key, ec.EllipticCurvePrivateKey) else "ED25519"


def _hash(key: Key) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None:
    """What a key signs with: a hash as strong as its curve, none for ED25519."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return None
    size = key.curve.key_size if isinstance(key, ec.EllipticCurvePrivateKey) else 0
    if size > 384:
        return hashes.SHA512()
    return hashes.SHA384() if size == 384 else hashes.SHA256()


# --- certificates ------------------------------------------------------------------------------


def request(inputs: Plain) -> Issued:
    """A signed request; the id is its hash."""
    key = _key(inputs, "privateKeyPem")
    builder = x509.CertificateSigningRequestBuilder(_subject(inputs))
    if names := _alternatives(inputs):
        builder = builder.add_extension(names, critical=False)
    signed = builder.sign(key, _hash(key))
    return hashlib.sha1(signed.public_bytes(Encoding.DER)).hexdigest(), {
        "certRequestPem": signed.public_bytes(Encoding.PEM).decode(),
        "keyAlgorithm": _algorithm(key),
    }


def self_signed(inputs: Plain) -> Issued:
    """A certificate signed by its own key; the id is its serial number."""
    key = _key(inputs, "privateKeyPem")
    subject = _subject(inputs)
    builder = _builder(inputs, subject, key.public_key(), subject)
    if names := _alternatives(inputs):
        builder = builder.add_extension(names, critical=not list(subject))
    if inputs["setAuthorityKeyId"]:
        if not (inputs["setSubjectKeyId"] or inputs["isCaCertificate"]):
            raise PluginError("setAuthorityKeyId: needs setSubjectKeyId or isCaCertificate")
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
        builder = builder.add_extension(authority, critical=False)
    return _sign(builder, key, "keyAlgorithm")


def locally_signed(inputs: Plain) -> Issued:
    """A certificate for a request, signed by an authority's key; the id is its serial number."""
    key = _key(inputs, "caPrivateKeyPem")
    authority = _parsed(inputs, "caCertPem", x509.load_pem_x509_certificate, "a certificate")
    asked = _parsed(inputs, "certRequestPem", x509.load_pem_x509_csr, "a certificate request")
    if authority.public_key() != key.public_key():
        raise PluginError("caPrivateKeyPem: is not the key of the certificate in caCertPem")
    if not asked.is_signature_valid:
        raise PluginError("certRequestPem: its signature is not that of its key")
    public = asked.public_key()
    assert isinstance(public, Public)
    builder = _builder(inputs, asked.subject, public, authority.subject)
    with suppress(x509.ExtensionNotFound):
        names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        builder = builder.add_extension(names, critical=not list(asked.subject))
    with suppress(x509.ExtensionNotFound):
        own = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own), critical=False
        )
    return _sign(builder, key, "caKeyAlgorithm")


def _builder(
    inputs: Plain, subject: x509.Name, public: Public, issuer: x509.Name
) -> x509.CertificateBuilder:
    """What both kinds of certificates have in common."""
    start = datetime.now(UTC).replace(microsecond=0)
    is_authority = inputs["isCaCertificate"]
    length = inputs.get("maxPathLength", -1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(hours=inputs["validityPeriodHours"]))
        .add_extension(
            x509.BasicConstraints(is_authority, length if is_authority and length >= 0 else None),
            critical=True,
        )
    )
    if is_authority or inputs["setSubjectKeyId"]:
        identifier = x509.SubjectKeyIdentifier.from_public_key(public)
        builder = builder.add_extension(identifier, critical=False)
    uses = inputs["allowedUses"]
    if set(uses) & set(KEY_USAGES):
        builder = builder.add_extension(_key_usage(uses), critical=True)
    if purposes := [EXTENDED_KEY_USAGES[use] for use in uses if use in EXTENDED_KEY_USAGES]:
        extended = x509.ExtendedKeyUsage(map(x509.ObjectIdentifier, purposes))
        builder = builder.add_extension(extended, critical=False)
    return builder


def _key_usage(uses: list[str]) -> x509.KeyUsage:
    if {"encipher_only", "decipher_only"} & set(uses) and "key_agreement" not in uses:
        raise PluginError("allowedUses: encipher_only and decipher_only need key_agreement")
    return x509.KeyUsage(
        digital_signature="digital_signature" in uses,
        content_commitment="content_commitment" in uses,
        key_encipherment="key_encipherment" in uses,
        data_encipherment="data_encipherment" in uses,
        key_agreement="key_agreement" in uses,
        key_cert_sign="cert_signing" in uses,
        crl_sign="crl_signing" in uses,
        encipher_only="encipher_only" in uses,
        decipher_only="decipher_only" in uses,
    )


def _sign(builder: x509.CertificateBuilder, key: Key, algorithm: str) -> Issued:
    certificate = builder.sign(key, _hash(key))
    return str(certificate.serial_number), {
        "certPem": certificate.public_bytes(Encoding.PEM).decode(),
        "validityStartTime": _time(certificate.not_valid_before_utc),
        "validityEndTime": _time(certificate.not_valid_after_utc),
        algorithm: _algorithm(key),
    }


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


# --- what the program gives --------------------------------------------------------------------


def _key(inputs: Plain, name: str) -> Key:
    key = _parsed(
        inputs, name, lambda pem: serialization.load_pem_private_key(pem, None), "a private key"
    )
    if not isinstance(key, Key):
        raise PluginError(f"{name}: must be an RSA, ECDSA or ED25519 key")
    return key


def _parsed(inputs: Plain, name: str, parse: Callable[[bytes], T], what: str) -> T:
    try:
        return parse(inputs[name].encode())
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature):
        # Its own words could quote the key.
        raise PluginError(f"{name}: is not {what} in PEM, without a passphrase") from None


def _subject(inputs: Plain) -> x509.Name:
    subject = inputs.get("subject") or {}
    attributes = []
    for name, identifier in _NAMES:
        value = subject.get(name) or []
        for one in value if isinstance(value, list) else [value]:
            try:
                attributes.append(x509.NameAttribute(identifier, one))
            except ValueError as error:
                raise PluginError(f"subject.{name}: {error}") from None
    return x509.Name(attributes)


def _alternatives(inputs: Plain) -> x509.SubjectAlternativeName | None:
    names: list[x509.GeneralName] = []
    makers: dict[str, Callable[[str], x509.GeneralName]] = {
        "dnsNames": x509.DNSName,
        "ipAddresses": lambda text: x509.IPAddress(ipaddress.ip_address(text)),
        "uris": x509.UniformResourceIdentifier,
    }
    for name, make in makers.items():
        for index, text in enumerate(inputs.get(name) or ()):
            try:
                names.append(make(text))
            except ValueError as error:
                raise PluginError(f"{name}[{index}]: {text!r} can't be used: {error}") from None
    return x509.SubjectAlternativeName(names) if names else None
