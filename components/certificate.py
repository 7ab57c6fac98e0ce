"""Certificates of the site's own authority: what a part gets to prove who it is."""

from dataclasses import dataclass

from pulumi import Input


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A key, its certificate, and the authority that whoever connects must trust."""

    certificate: Input[str]  # PEM, chain included
    key: Input[str]  # PEM, secret
    authority: Input[str]  # PEM of the authority's certificate
