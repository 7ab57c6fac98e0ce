"""Who holds a port of this machine: a container, or else a process."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.labels import ENVIRONMENT
from operations import engine
from operations.engine import Client

PROC = Path("/proc")
LISTEN = "0A"  # state of a socket in /proc/net/tcp


@dataclass(frozen=True)
class Holder:
    """Who holds a port."""

    description: str
    environment: str | None = None  # where it is a container of ours


def of_port(client: Client, port: int) -> Holder:
    """The container that publishes or listens on the port, or the process that does."""
    with engine.refusals():
        running = list(client.api.containers())
    if raw := _publisher(running, port):
        return _container(raw)
    pid = listening_process(port)
    if pid is None:
        return Holder("a program that this user can't see")
    # On the machine's own network a container publishes nothing: its process listens.
    if raw := _container_of(pid, running):
        return _container(raw)
    return Holder(f"process {pid} ({_command(pid)})")


def publisher(client: Client, port: int) -> Holder | None:
    """The container that publishes the port on the engine's machine."""
    with engine.refusals():
        raw = _publisher(client.api.containers(), port)
    return _container(raw) if raw else None


def _publisher(running: Iterable[Mapping[str, Any]], port: int) -> Mapping[str, Any] | None:
    for raw in running:
        if any(published.get("PublicPort") == port for published in raw["Ports"]):
            return raw
    return None


def _container(raw: Mapping[str, Any]) -> Holder:
    name = raw["Names"][0].removeprefix("/")
    return Holder(f"container {name}", (raw["Labels"] or {}).get(ENVIRONMENT))


def _container_of(pid: int, running: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    try:
        groups = (PROC / str(pid) / "cgroup").read_text()
    except OSError:
        return None
    return next((raw for raw in running if raw["Id"] in groups), None)


def _command(pid: int) -> str:
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return "ended meanwhile"


def _open(folder: Path) -> Iterator[str]:
    """What the files that a process has open are called; some close while we look."""
    try:
        links = list(folder.iterdir())
    except OSError:
        return  # the process ended, or is not ours to look at
    for link in links:
        with suppress(OSError):
            yield str(link.readlink())


def listening_process(port: int) -> int | None:
    """Identifier of the process that listens on a TCP port, where this user may see it."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        try:
            inodes |= listening_inodes((PROC / "net" / table).read_text(), port)
        except OSError:
            continue  # a machine without IPv6
    sockets = {f"socket:[{inode}]" for inode in inodes}
    for folder in PROC.glob("[0-9]*/fd"):
        if not sockets.isdisjoint(_open(folder)):
            return int(folder.parent.name)
    return None


def listening_inodes(table: str, port: int) -> set[str]:
    """Inodes of the sockets that listen on the port, in the text of /proc/net/tcp."""
    found = set()
    for line in table.splitlines()[1:]:
        columns = line.split()
        match = re.fullmatch(r"[0-9A-F]+:([0-9A-F]{4})", columns[1])
        if match and int(match[1], 16) == port and columns[3] == LISTEN:
            found.add(columns[9])
    return found
