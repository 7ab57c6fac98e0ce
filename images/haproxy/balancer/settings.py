"""What the environment says, checked before HAProxy says it in its own words."""

import os
import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

NUMBERS = (
    "BACKEND_PORT",
    "BACKEND_SLOTS",
    "BIND_HTTP",
    "BIND_HTTPS",
    "BIND_MONITOR",
    "CHECK_FALL",
    "CHECK_INTER",
    "CHECK_TIMEOUT",
    "HANDOVER_SECONDS",
    "HTTPS_PORT",
    "LINGER_SECONDS",
    "MAXCONN",
    "WATCH_SECONDS",
)
ROUTES = Path("/proc/net/route")
RESERVE = 100  # connections beside MAXCONN, so that a full site still answers its monitor


class SettingError(Exception):
    """One sentence: which variable, what is wrong with it."""


class Settings(NamedTuple):
    """The environment, as far as it is not HAProxy's alone."""

    ports: Mapping[str, int]  # that users reach, by the variable that the configuration binds
    certificates: Path | None  # a PEM file, or a folder of them
    acme: bool  # the folder may be empty at first
    handover: int  # s after a stop in which another node takes the address
    linger: int  # s that open requests are granted after a stop
    watch: int  # s between two looks at the certificates


def read(environment: Mapping[str, str]) -> Settings:
    """The settings; a certificate that is named but cannot be read must not end as plain HTTP."""
    if not environment.get("BACKEND_HOST"):
        raise SettingError("BACKEND_HOST is not set")
    numbers = {name: _number(environment, name) for name in NUMBERS}
    certificates = _certificates(environment)
    ports = {"LISTEN_HTTP": numbers["BIND_HTTP"]}
    if certificates:
        ports["LISTEN_HTTPS"] = numbers["BIND_HTTPS"]
    return Settings(
        ports=ports,
        certificates=certificates,
        acme=bool(environment.get("ACME_HOST")),
        handover=numbers["HANDOVER_SECONDS"],
        linger=numbers["LINGER_SECONDS"],
        watch=max(1, numbers["WATCH_SECONDS"]),
    )


def for_haproxy(settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment that the configuration is written for."""
    derived = {name: f":{port}" for name, port in settings.ports.items()}
    derived["MAXCONN_WITH_RESERVE"] = str(int(environment["MAXCONN"]) + RESERVE)
    derived["STATISTICS_FROM"] = " ".join(
        ["127.0.0.0/8", environment.get("STATISTICS_FROM", inner_networks(ROUTES.read_text()))]
    )
    # To HAProxy, a variable that is empty is defined.
    kept = {name: value for name, value in environment.items() if value}
    return kept | derived


def inner_networks(routes: str) -> str:
    """Networks of this container but those of the interface that leads out, as `address/mask`."""
    rows = [line.split() for line in routes.splitlines()[1:]]
    leads_out = {row[0] for row in rows if int(row[1], 16) == 0}
    return " ".join(
        f"{_dotted(row[1])}/{_dotted(row[7])}" for row in rows if row[0] not in leads_out
    )


def _dotted(hexadecimal: str) -> str:
    # The kernel writes addresses as numbers of the processor.
    return socket.inet_ntoa(struct.pack("=L", int(hexadecimal, 16)))


def _number(environment: Mapping[str, str], name: str) -> int:
    value = environment.get(name, "")
    if not value.isascii() or not value.isdigit():
        raise SettingError(f'{name}: must be a number, got "{value}"')
    return int(value)


def _certificates(environment: Mapping[str, str]) -> Path | None:
    value = environment.get("CERTIFICATES")
    if not value:
        return None
    path = Path(value)
    if not os.access(path, os.R_OK):
        raise SettingError(f"CERTIFICATES: {path} cannot be read by uid {os.getuid()}")
    if path.is_dir() and not environment.get("ACME_HOST") and not any(path.iterdir()):
        raise SettingError(f"CERTIFICATES: {path} is empty")
    return path
