"""The load balancer: the only part that can be reached from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pulumi import Input, Output

from components.application import ApplicationEndpoint
from components.budget import Budget
from components.certificate import Certificate
from components.workload import Logging, Mount, Network, Resources

PART = "load balancer"


@dataclass(frozen=True, kw_only=True)
class Checks:
    """How HAProxy watches the replicas."""

    interval: float = 1.0  # s between two checks
    fall: int = 2  # failed checks in a row until a replica gets no more requests
    timeout: float = 2.0  # s without an answer that fail a check


@dataclass(frozen=True, kw_only=True)
class Acme:
    """Certificates from an authority that speaks ACME (RFC 8555), proved by HTTP on port 80."""

    image: Input[str]  # passed through
    directory: str  # URL of the authority's directory
    email: str  # where the authority writes to
    domains: Sequence[str]  # the first one names the certificate
    certificates: Mount  # folder that all load balancers see; its target is not used
    account: Mount  # folder that outlives the client; its target is not used
    authority: Input[str] | None = None  # PEM that the directory's own certificate is checked by
    renew_before: int = 30  # days


@dataclass(frozen=True, kw_only=True)
class LoadBalancerArgs:
    """HAProxy in front of the web replicas."""

    kind: Literal["haproxy"]
    image: Input[str]  # passed through
    edge_network: Network
    application_network: Network
    backend: ApplicationEndpoint
    http_port: int  # on the node, or on its own address in the edge network
    https_port: int | None  # the same, with `certificate` or `acme`
    # PEM with certificate, chain and key, secret; or one of the site's own authority.
    certificate: Input[str] | Certificate | None
    # More of them, chosen by the name that a client asks for.
    certificates: Sequence[Input[str] | Certificate] = ()
    acme: Acme | None = None  # instead of given ones
    replicas: int = 1  # at most one a node
    constraints: Sequence[str] = ()  # placement, see `Node.constraint` and `node.apart_from`
    monitor_port: int | None = None  # on the node, for keepalived; none: not published
    handover: float = 0.0  # s from a stop until this node has no address, see `address.handover`
    checks: Checks = Checks()
    labels: Mapping[str, str]
    resources: Resources
    logging: Logging


def pem(certificate: Input[str] | Certificate) -> Output[str]:
    """Certificate, chain and key in one text, as HAProxy reads them; secret."""
    if isinstance(certificate, Certificate):
        # Each ends in a line end, wherever it comes from.
        parts = Output.all(certificate.certificate, certificate.key)
        return Output.secret(parts.apply(lambda texts: "".join(f"{t.rstrip()}\n" for t in texts)))
    return Output.secret(certificate)


def budgets(checks: Checks) -> list[Budget]:
    """How long requests may go to a lost replica; those that only read are then repeated."""
    return [
        Budget(
            part=PART,
            fault="web replica killed",
            outage=checks.interval * checks.fall,
            formula="interval x fall",
        ),
        Budget(
            part=PART,
            fault="web replica hangs",
            outage=(checks.interval + checks.timeout) * checks.fall,
            formula="(interval + timeout) x fall",
        ),
    ]
