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
    http_port: int  # on the node, or on its own address in the edge network
    https_port: int | None  # the same, with `certificate`
    certificate: Input[str] | None  # PEM: certificate, chain and key; secret
    labels: Mapping[str, str]
    resources: Resources
    logging: Logging
