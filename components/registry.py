"""The private registry: what it takes, what it tells the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pulumi import Input

from components.budget import Budget
from components.certificate import Certificate
from components.node import Node
from components.workload import RESTART_DELAY, HealthCheck, Logging, Mount, Resources

REGISTRY_USER = "studip"  # who logs in at a registry of our own
HEALTH_CHECK = HealthCheck(command=["healthcheck"])
GRACE_PERIOD = 10.0  # s from SIGTERM to SIGKILL
START = 5.0  # s that a registry takes to start and listen


@dataclass(frozen=True, kw_only=True)
class RegistryArgs:
    """A registry on the loopback address of the node, without login."""

    kind: Literal["distribution"]
    image: Input[str]  # passed through; an image id, as it can't come from itself
    port: int  # TCP on the loopback address
    labels: Mapping[str, str]
    resources: Resources
    logging: Logging


@dataclass(frozen=True, kw_only=True)
class RegistryClusterArgs:
    """A registry on every node, on one folder that they share; with TLS and a login."""

    kind: Literal["distribution"]
    images: Mapping[str, Input[str]]  # by node: an image id, as it can't come from itself
    nodes: Sequence[Node]
    port: int  # TCP on every address of the nodes
    data: Mount  # the shared folder; uid 999 must be able to write to it
    certificate: Certificate  # for 127.0.0.1 and for the nodes' names and addresses
    user: str
    password: Input[str]  # secret, passed through
    password_hash: Input[str]  # bcrypt of the password, secret
    labels: Mapping[str, str]
    resources: Resources
    logging: Logging


@dataclass(frozen=True, kw_only=True)
class RegistryEndpoint:
    """Where images are pushed to and pulled from."""

    address: Input[str]  # host:port, known only once it answers
    user: str | None = None
    password: Input[str] | None = None  # secret


def budgets() -> list[Budget]:
    """How long one node's engine may be without its registry; the others have their own.

    Containers whose image the node holds start without it.
    """
    check = HEALTH_CHECK
    hangs = check.retries * (check.interval + check.timeout)
    return [
        Budget(
            part="registry",
            fault="registry killed",
            outage=RESTART_DELAY + START,
            formula="restart delay + start",
        ),
        Budget(
            part="registry",
            fault="registry hangs",
            outage=hangs + GRACE_PERIOD + RESTART_DELAY + START,
            formula="retries x (interval + timeout) + grace period + restart delay + start",
        ),
        Budget(
            part="registry",
            fault="node lost",
            outage=0.0,
            formula="every other node has its own",
        ),
    ]
