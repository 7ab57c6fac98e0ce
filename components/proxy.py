"""The proxy between the application and its state: finds the one writer, the readers, the cache."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pulumi import Input

from components.budget import Budget
from components.cache import CacheEndpoint
from components.database import DatabaseEndpoint
from components.proxy_timers import ProxyTimers
from components.workload import Logging, Network, Resources

WRITER, READER, CACHE = 3306, 3307, 6379


@dataclass(frozen=True, kw_only=True)
class ProxyArgs:
    """HAProxy, one replica a node; its name is the application's database and cache host."""

    image: Input[str]  # passed through
    network: Network
    replicas: int  # at most one a node
    database: DatabaseEndpoint  # with `members`
    cache: CacheEndpoint | None = None  # with `cache_members`
    cache_members: Sequence[Input[str]] = ()  # Redis servers, of which one is the master
    timers: ProxyTimers = field(default_factory=ProxyTimers)
    labels: Mapping[str, str]
    resources: Resources
    logging: Logging


def budgets(timers: ProxyTimers) -> list[Budget]:
    """Outages that faults of a proxy may cause to those who are connected to it."""
    return [
        Budget(
            part="proxy",
            fault="proxy killed",
            outage=timers.connect,
            formula="connect, as another replica answers to the next attempt",
        )
    ]
