"""The database: what it takes, what it tells the application."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from pulumi import Input

from components.budget import Budget
from components.certificate import Certificate
from components.members import MemberTimers
from components.node import Node
from components.proxy_timers import ProxyTimers
from components.workload import Logging, Network, Resources

PORT = 3306


@dataclass(frozen=True, kw_only=True)
class GaleraTimers:
    """How soon members of a Galera cluster give up one that is silent, in s."""

    keepalive: float = 0.5  # between two signs of life, and between two looks at those of others
    suspect: float = 2.0  # silence until a member is suspected
    inactive: float = 4.0  # silence until it is given up, whatever the others say


@dataclass(frozen=True, kw_only=True)
class GaleraArgs:
    """A MariaDB cluster whose members all have all data; the proxy sends writes to one of them."""

    members: int  # 3, 5 or 7
    nodes: Sequence[Node]
    # With the names of all members (`components.members.hosts`) and of the proxy.
    certificate: Certificate
    timers: GaleraTimers = field(default_factory=GaleraTimers)
    member_timers: MemberTimers = field(default_factory=MemberTimers)
    cache: int = 128  # MiB of writes kept for members that were away; beyond it they copy all


@dataclass(frozen=True, kw_only=True)
class GroupTimers:
    """How soon members of a MySQL group give up one that is silent, in s."""

    expel: int = 0  # from the suspicion until it is given up; what it missed is kept meanwhile

    # MySQL 9 Reference Manual, 20.7.7.1 "Expel Timeout": 5 s until a suspicion, which can't be set,
    # and "a further short period" until the member is out. How short is not told. Measured: members
    # look at each other once a second, and it takes up to three looks: the last sign of life, the
    # suspicion, the expulsion.
    suspicion: ClassVar[float] = 5.0
    expulsion: ClassVar[float] = 3.0
    # Its group communication is one thread, which stops for each try to reach a member that is
    # gone: a second each, which can't be set (`dial` in its xcom_transport.cc). Measured: up to
    # three tries follow each other.
    tries: ClassVar[int] = 3
    dial: ClassVar[float] = 1.0


@dataclass(frozen=True, kw_only=True)
class InnodbClusterArgs:
    """A MySQL group whose members all have all data; it has one primary, which takes the writes."""

    members: int  # 3, 5 or 7
    nodes: Sequence[Node]
    # With the names of all members (`components.members.hosts`) and of the proxy.
    certificate: Certificate
    timers: GroupTimers = field(default_factory=GroupTimers)
    member_timers: MemberTimers = field(default_factory=MemberTimers)
    cache: int = 128  # MiB of messages kept for members that don't answer
    # Transactions; a member that lacks more of them copies all.
    clone_threshold: int = 100_000


@dataclass(frozen=True, kw_only=True)
class DatabaseClusterArgs:
    """MariaDB or MySQL for one application, reachable on the data network only."""

    kind: Literal["single", "galera", "innodb-cluster"]
    image: Input[str]  # passed through
    network: Network
    database: str
    user: str
    password: Input[str]  # secret, passed through
    root_password: Input[str]  # secret, passed through
    parameters: Mapping[str, str]  # server variables of my.cnf
    galera: GaleraArgs | None = None  # for that kind
    innodb_cluster: InnodbClusterArgs | None = None  # for that kind
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
    authority: Input[str] | None = None  # PEM; the server proves with TLS that it is `host`
    # Where there are several, of which one takes the writes: a proxy has to find it.
    members: Sequence[Input[str]] = ()


def budgets(args: GaleraArgs, proxy: ProxyTimers) -> list[Budget]:
    """Outages that faults of a Galera cluster may cause: s without a write."""
    # A write needs all members of the view, so every silent one has to be given up first.
    given_up = args.timers.inactive + args.timers.keepalive
    words = "inactive + keepalive"
    return _budgets(given_up, words, (given_up, words), args.member_timers, proxy)


def group_budgets(args: InnodbClusterArgs, proxy: ProxyTimers) -> list[Budget]:
    """Outages that faults of a MySQL group may cause: s without a write."""
    timers = args.timers
    given_up = timers.suspicion + timers.expel + timers.expulsion
    # The majority goes on, but for the tries to reach the one that is silent.
    secondary = (timers.tries * timers.dial + proxy.interval, "tries x dial + proxy interval")
    words = "suspicion + expel + expulsion"
    return _budgets(given_up, words, secondary, args.member_timers, proxy)


def _budgets(
    given_up: float,
    words: str,
    secondary: tuple[float, str],
    members: MemberTimers,
    proxy: ProxyTimers,
) -> list[Budget]:
    """`given_up`: s until a silent member is out, and how they add up (`words`)."""
    found = members.tick + proxy.interval
    stopped = members.poll + found + proxy.detection
    stopped_words = "poll + tick + proxy interval + proxy detection"
    taken_over = f"{words} + tick + proxy interval"
    outages = {
        "database primary killed": (given_up + found, taken_over),
        "network of the database primary cut": (
            max(given_up + found, proxy.detection),
            f"max({taken_over}, proxy detection)",
        ),
        "database secondary killed": secondary,
        "database primary stopped": (stopped, stopped_words),
        # It may hold the others up until it has left.
        "disk of a database member full": (
            members.full + members.tick + stopped,
            f"full + tick + {stopped_words}",
        ),
    }
    return [
        Budget(part="database", fault=fault, outage=outage, formula=formula)
        for fault, (outage, formula) in outages.items()
    ]
