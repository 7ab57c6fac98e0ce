"""The database: what it takes, what it tells the application."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pulumi import Input

from components.workload import Logging, Network, Resources


@dataclass(frozen=True, kw_only=True)
class DatabaseClusterArgs:
    """MariaDB for one application, reachable on the data network only."""

    kind: Literal["single"]
    image: Input[str]  # passed through
    network: Network
    database: str
    user: str
    password: Input[str]  # secret, passed through
    root_password: Input[str]  # secret, passed through
    parameters: Mapping[str, str]  # server variables of my.cnf
    labels: Mapping[str, str]
    resources: Resources
    logging: Logging


@dataclass(frozen=True, kw_only=True)
class DatabaseEndpoint:
    """Where the application writes, known only once the server answers."""

    host: Input[str]
    port: int
    database: str
    user: str
    password: Input[str]  # secret
