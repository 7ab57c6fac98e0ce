"""The site's own authority: who signs the certificates that the parts show each other."""

from dataclasses import dataclass

from pulumi import Input


@dataclass(frozen=True, kw_only=True)
class GivenAuthority:
    """An authority that the site has already."""

    certificate: Input[str]  # PEM; of one below a root: with those between, in order
    key: Input[str]  # PEM without passphrase, secret
    root: Input[str] | None = None  # PEM of what clients trust; none: `certificate` itself


@dataclass(frozen=True, kw_only=True)
class AuthorityArgs:
    """A new authority, or a given one, and how long what it signs is valid.

    A new authority ends in time for none of its certificates to outlive it: `renewal` must be
    longer than `leaf_validity`.
    """

    common_name: str  # as it stands in certificates, e.g. `Stud.IP production`
    given: GivenAuthority | None = None  # none: a new one
    validity: int = 10 * 365  # days
    renewal: int = 2 * 365  # days before its end from which an update renews it
    leaf_validity: int = 365  # days
    leaf_renewal: int = 60  # days before its end from which an update replaces a certificate
