"""The cache: what it takes, what it tells the application."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pulumi import Input

from components.budget import Budget
from components.node import Node
from components.workload import RESTART_DELAY, HealthCheck, Logging, Network, Resources

HEALTH_CHECK = HealthCheck(command=["healthcheck"])
START = 5.0  # s that a server takes to start and answer
# Sentinel's own constants, s: a question to the others, a random wait before the vote, and looks at
# the chosen member before and after it is made the master (sentinel.c).
ASK, DESYNC, LOOK = 1.0, 1.0, 1.0


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
class Failover:
    """When the sentinels make another member the master."""

    down_after: float = 2.0  # s without an answer until a member counts as down
    timeout: float = 5.0  # s for one attempt; the next one comes after twice as long


@dataclass(frozen=True, kw_only=True)
class CacheClusterArgs:
    """Several Redis, one of them the master, and as many sentinels that agree on which."""

    kind: Literal["redis"]
    image: Input[str]  # passed through
    network: Network
    nodes: Sequence[Node]
    members: int = 3  # odd, at least 3
    password: Input[str]  # secret, passed through
    memory: int  # MiB of values; while a member joins it may need twice as much
    failover: Failover = Failover()
    labels: Mapping[str, str]
    resources: Resources  # of a member
    sentinel_resources: Resources
    logging: Logging


@dataclass(frozen=True, kw_only=True)
class CacheMembers:
    """Where a load balancer finds the master: the member that has `role:master` and replicas."""

    hosts: Sequence[Input[str]]  # service names, known only once they are healthy
    port: int


@dataclass(frozen=True, kw_only=True)
class CacheEndpoint:
    """A cache that all replicas share."""

    kind: Literal["redis"]
    host: Input[str]
    port: int
    password: Input[str] | None  # secret


def budgets(
    failover: Failover | None, *, check_interval: float = 0.0, check_timeout: float = 0.0
) -> list[Budget]:
    """Without sentinels a server that is started again; with them another member.

    `check_interval` and `check_timeout` are those with which the load balancer looks for the
    master, in s.
    """
    if failover is None:
        return [
            Budget(
                part="cache",
                fault="cache killed",
                outage=RESTART_DELAY + START,
                formula="restart delay + start",
            )
        ]
    outage = failover.down_after + ASK + DESYNC + 2 * LOOK + check_interval + check_timeout
    formula = "down after + ask + desync + 2 x look + check interval + check timeout"
    return [
        Budget(part="cache", fault=fault, outage=outage, formula=formula)
        for fault in ("cache master killed", "cache master's node lost", "cache master cut off")
    ] + [Budget(part="cache", fault="cache replica killed", outage=0.0, formula="the master stays")]
