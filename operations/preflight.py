"""What must hold before `up` changes anything: ports free, room on the disk, registry open."""

import errno
import shutil
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from operations import holders
from operations.engine import Engines
from toolchain import places
from toolchain.failure import Failure

MIB = 1024 * 1024

# Rounded up from a first `make up` (build cache, images, registry) and from one that has them.
FIRST_ROOM = 3072  # MiB
LATER_ROOM = 512  # MiB
STATE_ROOM = 32  # MiB


@dataclass(frozen=True)
class Listener:
    """A port of this machine that the environment will listen on."""

    key: str  # the setting that names it
    address: str
    port: int


@dataclass(frozen=True)
class Login:
    """A registry that asks who comes."""

    key: str  # the setting that names it
    address: str  # host:port
    user: str
    password: str


def check_ports(engines: Engines, environment: str, listeners: Iterable[Listener]) -> None:
    """Raise Failure naming each port that somebody else holds.

    On other machines only containers are seen: a process in the way fails the roll-out.
    """
    taken = []
    for listener in listeners:
        for node, client in engines.nodes.items():
            if node:
                holder = holders.publisher(client, listener.port)
            else:
                holder = None if is_free(listener) else holders.of_port(client, listener.port)
            if holder is not None and holder.environment != environment:
                taken.append(
                    f"{listener.key}: port {listener.port}{f' of {node}' if node else ''} is taken "
                    f"by {holder.description}; end that, or choose another port"
                )
    if taken:
        raise Failure("\n".join(taken))


def is_free(listener: Listener) -> bool:
    """Whether the port can be bound now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((listener.address, listener.port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def check_room(folders: Mapping[Path, int]) -> None:
    """Raise Failure naming each folder with less free room than it needs (MiB)."""
    cramped = [
        f"the disk is nearly full: {folder} has {free} MiB free, {needed} MiB are needed; "
        "make room, `make prune` may help"
        for folder, needed in folders.items()
        if (free := room(folder)) < needed
    ]
    if cramped:
        raise Failure("\n".join(cramped))


def room(folder: Path) -> int:
    """MiB free where `folder` is, or will be made."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free // MIB


def folders(engines: Engines, first: bool) -> dict[Path, int]:
    """MiB that the engine's folder, the cache and the state need; `first`: nothing is built yet."""
    needed = {places.cache(): LATER_ROOM, places.state(): STATE_ROOM}
    for node, client in engines.nodes.items():
        engine_folder = Path(client.info()["DockerRootDir"])
        if not node and engine_folder.exists():  # else the engine runs elsewhere
            needed[engine_folder] = FIRST_ROOM if first else LATER_ROOM
    return needed


def check_login(engines: Engines, login: Login) -> None:
    """Raise Failure where the registry refuses the user, or can't be asked by an engine."""
    from docker.errors import APIError

    for node, client in engines.nodes.items():
        try:
            client.api.login(
                login.user, password=login.password, registry=login.address, reauth=True
            )
        except APIError as error:
            raise Failure(
                f"{login.key}: the registry at {login.address} does not let user {login.user!r} in"
                f"{f' from {node}' if node else ''} ({error.explanation or error})"
            ) from None
