"""The plugin's provider: which token is which class."""

from __future__ import annotations

from typing import Final

from ..common import sdk
from ..common.provider import Provider
from .certificates import CertRequest, LocallySignedCert, SelfSignedCert
from .private_key import PrivateKey

RESOURCES: Final = (PrivateKey, SelfSignedCert, CertRequest, LocallySignedCert)


def provider() -> Provider:
    """The plugin's provider."""
    return Provider("tls", sdk.version("tls"), {one.token: one for one in RESOURCES})
