"""The address that users know: on one load balancer's node at a time, on another when that dies.

VRRP (RFC 5798) by keepalived. A node may have the address while its load balancer serves; whoever
has it keeps it, so that a node that comes back moves nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pulumi import Input

from components.budget import Budget
from components.node import Node
from components.workload import Logging, Resources

PART = "address"
TOP = 250  # priority of the first node; 255 would take the address back at once
STEP = 50  # between two nodes, so that they don't take over at the same time
OTHERS = 1.0  # s between two looks at the other nodes' load balancers, and for an answer of theirs
TAKE_OVER = 0.2  # s to put the address on an interface and to tell the neighbours
ADVERTS = 3  # that must be missing (RFC 5798, section 6.1)


@dataclass(frozen=True, kw_only=True)
class Timers:
    """What decides how long the address is nowhere."""

    advert: float  # s between two advertisements of whoever has it
    interval: float  # s between two checks of the node's load balancer
    fall: int  # refused checks in a row until it counts as gone
    timeout: float  # s without an answer until it counts as gone
    hold: float = 5.0  # s without any replica, while another node has some, until it moves


# A stall of the machine for three times `advert` moves the address: `fast` wants quiet machines.
PROFILES: Mapping[str, Timers] = {
    "fast": Timers(advert=0.2, interval=0.2, fall=2, timeout=2.0),
    "standard": Timers(advert=1.0, interval=0.5, fall=2, timeout=3.0),
}


@dataclass(frozen=True, kw_only=True)
class VirtualAddressArgs:
    """One keepalived a node, on the node's own network."""

    image: Input[str]  # passed through
    nodes: Sequence[Node]  # that have a load balancer; the first gets the address first
    addresses: Sequence[str]  # with prefix length, e.g. 192.0.2.10/24
    interface: str | None = None  # of every node; none: the one with the node's address
    # On a virtual MAC address of its own, which moves along (macvlan), or on the node's.
    on: Literal["host", "macvlan"] = "host"
    multicast: bool = False  # to a group, instead of to each of the other nodes
    router_id: int = 51  # 1 to 255, unique in its network
    timers: Timers = PROFILES["standard"]
    monitor_port: int  # of the load balancers, on their nodes
    garp_refresh: int = 10  # s between two repetitions of whose the address is
    labels: Mapping[str, str]
    resources: Resources
    logging: Logging


def priority(number: int, nodes: int) -> int:
    """VRRP priority of node `number`, counted from 0, among so many."""
    return TOP - number * min(STEP, (TOP - 1) // max(1, nodes - 1))


def skew(number: int, nodes: int, timers: Timers) -> float:
    """Seconds that a node waits longer than the first would (RFC 5798, section 6.1)."""
    return (256 - priority(number, nodes)) / 256 * timers.advert


def handover(timers: Timers, nodes: int) -> float:
    """Seconds after which a load balancer that stops has no address any more, at most."""
    return timers.interval * (timers.fall + 1) + skew(1, nodes, timers) + TAKE_OVER


def environment(args: VirtualAddressArgs, number: int) -> dict[str, str]:
    """What keepalived is told on node `number`, counted from 0."""
    node = args.nodes[number]
    timers = args.timers
    env = {
        "ADDRESSES": " ".join(args.addresses),
        "NODE_ADDRESS": node.address,
        "PEERS": " ".join(other.address for other in args.nodes if other is not node),
        "MULTICAST": f"{args.multicast:d}",
        "MACVLAN": f"{args.on == 'macvlan':d}",
        "PRIORITY": str(priority(number, len(args.nodes))),
        "ROUTER_ID": str(args.router_id),
        "ADVERT_SECONDS": f"{timers.advert:g}",
        "GARP_REFRESH": str(args.garp_refresh),
        "MONITOR_PORT": str(args.monitor_port),
        "CHECK_INTERVAL": f"{timers.interval:g}",
        "CHECK_FALL": str(timers.fall),
        "CHECK_TIMEOUT": f"{timers.timeout:g}",
        "CHECK_HOLD": f"{timers.hold:g}",
        "CHECK_OTHERS": f"{OTHERS:g}",
    }
    if args.interface is not None:
        env["INTERFACE"] = args.interface
    return env


def budgets(timers: Timers, nodes: int) -> list[Budget]:
    """How long the address may be nowhere, with the second node as the one that takes over."""
    wait = skew(1, nodes, timers) + TAKE_OVER
    found = {
        "node killed": (f"{ADVERTS} x advert", ADVERTS * timers.advert),
        "keepalived killed": (f"{ADVERTS} x advert", ADVERTS * timers.advert),
        "keepalived stopped": ("", 0.0),
        "load balancer killed": ("fall x interval", timers.fall * timers.interval),
        "load balancer hangs": ("interval + timeout", timers.interval + timers.timeout),
        "load balancer has no replicas, another has": (
            "hold + interval + 2 x look at the others",
            timers.hold + timers.interval + 2 * OTHERS,
        ),
    }
    return [
        Budget(
            part=PART,
            fault=fault,
            outage=detection + wait,
            formula=" + ".join(filter(None, [formula, "skew", "take-over"])),
        )
        for fault, (formula, detection) in found.items()
    ]
