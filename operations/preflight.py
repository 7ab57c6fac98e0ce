"""What must hold before `up` changes anything: ports free, room on the disk, registry open."""

import errno
import shutil
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from operations import holders
from operations.engine import Client
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


def check_ports(client: Client, environment: str, listeners: Iterable[Listener]) -> None:
    """Raise Failure naming each port that somebody else holds."""
    taken = []
    for listener in listeners:
        if is_free(listener):
            continue
        holder = holders.of_port(client, listener.port)
        if holder.environment != environment:
            taken.append(
                f"{listener.key}: port {listener.port} is taken by {holder.description}; "
                "end that, or choose another port"
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


def folders(client: Client, first: bool) -> dict[Path, int]:
    """MiB that the engine's folder, the cache and the state need; `first`: nothing is built yet."""
    needed = {places.cache(): LATER_ROOM, places.state(): STATE_ROOM}
    engine_folder = Path(client.info()["DockerRootDir"])
    if engine_folder.exists():  # else the engine runs elsewhere
        needed[engine_folder] = FIRST_ROOM if first else LATER_ROOM
    return needed


def check_login(client: Client, login: Login) -> None:
    """Raise Failure where the registry refuses the user, or can't be asked by the engine."""
    from docker.errors import APIError

    try:
        client.api.login(login.user, password=login.password, registry=login.address, reauth=True)
    except APIError as error:
        raise Failure(
            f"{login.key}: the registry at {login.address} does not let user {login.user!r} in "
            f"({error.explanation or error})"
        ) from None
