"""The cache: what it takes, what it tells the application."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pulumi import Input

from components.workload import Logging, Network, Resources


@dataclass(frozen=True, kw_only=True)
class CacheArgs:
    """Redis without persistence, reachable on the data network only."""

    kind: Literal["redis"]
    image: Input[str]  # passed through
    network: Network
    password: Input[str]  # secret, passed through
    memory: int  # MiB of values before the oldest go
    labels: Mapping[str, str]
    resources: Resources
    logging: Logging


@dataclass(frozen=True, kw_only=True)
class CacheEndpoint:
    """A cache that all replicas share."""

    kind: Literal["redis"]
    host: Input[str]
    port: int
    password: Input[str] | None  # secret
