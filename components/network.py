"""Networks: edge (towards users), application (load balancer to web), data (web to state)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Driver = Literal["overlay", "bridge", "macvlan"]


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """One network."""

    driver: Driver  # overlay is made, the others are there already
    labels: Mapping[str, str]
    internal: bool = False  # no way out of the cluster
    encrypted: bool = False  # IPsec between nodes
    subnet: str | None = None  # CIDR; none: from the engine's pool
    existing: str | None = None  # name of the one that is there already
    mtu: int | None = None  # bytes; none: the engine's default
