"""The load balancer: the only part that can be reached from outside."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pulumi import Input

from components.application import ApplicationEndpoint
from components.workload import Logging, Network, Resources


@dataclass(frozen=True, kw_only=True)
class LoadBalancerArgs:
    """HAProxy in front of the web replicas."""

    kind: Literal["haproxy"]
    image: Input[str]  # passed through
    edge_network: Network
    application_network: Network
    backend: ApplicationEndpoint
    http_port: int  # on the node
    https_port: int | None  # on the node, with `certificate`
    certificate: Input[str] | None  # PEM: certificate, chain and key; secret
    labels: Mapping[str, str]
    resources: Resources
    logging: Logging
