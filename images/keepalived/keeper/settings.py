"""What the environment says, and keepalived's configuration made from it."""

import subprocess
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from string import Template
from typing import NamedTuple

TEMPLATE = Path("/usr/local/etc/keepalived/keepalived.conf")
RUN = Path("/run/keepalived")
FAULT = RUN / "fault"


class SettingError(Exception):
    """One sentence: which variable, what is wrong with it, what is allowed."""


class Settings(NamedTuple):
    """One node's place among those that share an address."""

    addresses: list[IPv4Interface]  # that move
    node_address: IPv4Address  # of this node
    interface: str  # that carries the addresses
    peers: list[IPv4Address]  # the other nodes
    multicast: bool
    macvlan: bool
    priority: int  # 1 to 254, each node its own
    router_id: int  # 1 to 255, one a network
    advert: float  # s
    garp_refresh: int  # s between two repetitions of whose the addresses are
    monitor_port: int  # of the load balancers
    interval: float  # s between two checks
    fall: int  # refusals in a row
    timeout: float  # s without an answer that count as `fall` refusals
    hold: float  # s in which another node is better off
    others: float  # s between two looks at the other nodes, and for an answer of theirs


def read(environment: Mapping[str, str]) -> Settings:
    """The settings; the interface is found by the node's address where none is named."""
    node_address = _address("NODE_ADDRESS", environment.get("NODE_ADDRESS", ""))
    addresses = [_interface("ADDRESSES", text) for text in environment.get("ADDRESSES", "").split()]
    if not addresses:
        raise SettingError("ADDRESSES is not set; such as 192.0.2.10/24")
    peers = [_address("PEERS", text) for text in environment.get("PEERS", "").split()]
    multicast = _switch(environment, "MULTICAST")
    if not peers:
        raise SettingError("PEERS is not set; the addresses of the other nodes")
    if node_address in peers:
        raise SettingError(f"PEERS: must be other nodes than NODE_ADDRESS, got {node_address}")
    for moving in addresses:
        if moving.ip in (node_address, *peers):
            raise SettingError(f"ADDRESSES: must be no node's own, got {moving.ip}")
    return Settings(
        addresses=addresses,
        node_address=node_address,
        interface=environment.get("INTERFACE") or _find_interface(node_address),
        peers=peers,
        multicast=multicast,
        macvlan=_switch(environment, "MACVLAN"),
        priority=int(_number(environment, "PRIORITY", 1, 254)),
        router_id=int(_number(environment, "ROUTER_ID", 1, 255)),
        advert=_number(environment, "ADVERT_SECONDS", 0.01, 40),
        garp_refresh=int(_number(environment, "GARP_REFRESH", 1, 3600)),
        monitor_port=int(_number(environment, "MONITOR_PORT", 1, 65535)),
        interval=_number(environment, "CHECK_INTERVAL", 0.05, 60),
        fall=int(_number(environment, "CHECK_FALL", 1, 100)),
        timeout=_number(environment, "CHECK_TIMEOUT", 0.05, 60),
        hold=_number(environment, "CHECK_HOLD", 0, 3600),
        others=_number(environment, "CHECK_OTHERS", 0.05, 60),
    )


def render(settings: Settings, template: str) -> str:
    """keepalived's configuration."""
    chosen = {
        "@multicast" if settings.multicast else "@unicast",
        "@macvlan" if settings.macvlan else "@host",
    }
    lines = []
    for line in template.splitlines():
        word = line.split(" ")[0]
        if word.startswith("@"):
            if word not in chosen:
                continue
            line = line.removeprefix(word)
        lines.append(line)
    return Template("\n".join(lines) + "\n").substitute(
        {
            name: f"{value:g}" if isinstance(value, float) else value
            for name, value in settings._asdict().items()
        },
        fault_file=FAULT,
        peers="\n        ".join(f"{peer} min_ttl 255" for peer in settings.peers),
        addresses="\n        ".join(address.with_prefixlen for address in settings.addresses),
    )


def _find_interface(address: IPv4Address) -> str:
    """Name of the network interface that has an address."""
    listed = subprocess.run(
        ["ip", "-brief", "-family", "inet", "address"], capture_output=True, text=True, check=True
    ).stdout
    for line in listed.splitlines():
        name, _, *carried = line.split()
        if str(address) in (text.partition("/")[0] for text in carried):
            return name.partition("@")[0]
    raise SettingError(f"NODE_ADDRESS: no network interface of this node has {address}")


def _address(name: str, text: str) -> IPv4Address:
    try:
        return IPv4Address(text)
    except ValueError:
        raise SettingError(f'{name}: must be an IPv4 address, got "{text}"') from None


def _interface(name: str, text: str) -> IPv4Interface:
    try:
        return IPv4Interface(text)
    except ValueError:
        raise SettingError(f'{name}: must be like 192.0.2.10/24, got "{text}"') from None


def _switch(environment: Mapping[str, str], name: str) -> bool:
    value = environment.get(name, "0")
    if value not in ("0", "1"):
        raise SettingError(f'{name}: must be 0 or 1, got "{value}"')
    return value == "1"


def _number(environment: Mapping[str, str], name: str, least: float, most: float) -> float:
    text = environment.get(name, "")
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise SettingError(f'{name}: must be a number from {least:g} to {most:g}, got "{text}"')
    return value
