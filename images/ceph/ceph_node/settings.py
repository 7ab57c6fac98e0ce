"""What a role needs to know, from the environment; SettingError says what is wrong there."""

import re
import socket
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from storage import environment
from storage.environment import NAME, SettingError
from storage.status import log

MONITOR = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")
USER = re.compile(r"[A-Za-z0-9._-]{1,64}")
PATH = re.compile(r"/[A-Za-z0-9._/-]*")
PORT = 3300  # of a monitor
RESOLVING = 30.0  # s that a name may take to be known


def address_of(name: str) -> str:
    """A member's IPv4 address; SettingError where its name stays unknown."""
    deadline = time.monotonic() + RESOLVING
    while True:
        try:
            return socket.gethostbyname(name)
        except OSError as error:
            if time.monotonic() > deadline:
                raise SettingError(f"MEMBERS: {name} has no address: {error.strerror}") from error
            log(f"{name} has no address yet")
            time.sleep(1)


@dataclass(frozen=True)
class Settings:
    """One of a member's daemons; each member has one of each kind."""

    member: str  # its name, which resolves to an address of the node
    members: tuple[str, ...]  # all of them, the same order everywhere
    addresses: tuple[str, ...]  # of the members, IPv4
    cluster: str  # what tells this storage from any other; identities come from it
    grace: int  # s until who is silent is missed
    size: int  # GiB that a member's store may hold

    @classmethod
    def read(cls) -> "Settings":
        """From the environment."""
        member, members = environment.member()
        return cls(
            member=member,
            members=members,
            addresses=tuple(address_of(name) for name in members),
            cluster=environment.value("CLUSTER"),
            grace=environment.number("GRACE", 6, 4, 60),
            size=environment.number("SIZE", 100, 1, 1_000_000),
        )

    @property
    def number(self) -> int:
        """Position among the members; a store's id."""
        return self.members.index(self.member)

    @property
    def address(self) -> str:
        """This member's."""
        return self.addresses[self.number]

    @property
    def monitors(self) -> str:
        """Where they all are, as `mon_host` takes it."""
        return ",".join(f"[v2:{address}:{PORT}]" for address in self.addresses)

    @property
    def is_first(self) -> bool:
        """Whether it is the one that registers stores and makes the file system."""
        return self.number == 0

    def identity(self, what: str) -> str:
        """A UUID that is the same on an empty disk: of the cluster, or of a member's store."""
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{what}.{self.cluster}"))

    @property
    def filled(self) -> Mapping[str, str]:
        """What the configuration's template leaves open."""
        return {
            "FSID": self.identity("cluster"),
            "MONITORS": self.monitors,
            "ADDRESS": self.address,
            "MEMBER": self.member,
            "GRACE": str(self.grace),
            # A monitor misses its leader after twice the lease.
            "LEASE": str(self.grace / 2),
            "ELECTION": "2",
            "RECONNECT": str(self.grace),
        }


@dataclass(frozen=True)
class ClientSettings:
    """A node's mount."""

    monitors: str  # as `mon_host` takes it
    secure: bool  # encrypted; otherwise as the cluster has it
    user: str
    filesystem: str
    path: str  # folder of the file system that is mounted
    folders: Mapping[str, str]  # name: uid of its owner
    quotas: Mapping[str, str]  # folder: most that it may hold, e.g. 500GB

    @classmethod
    def read(cls) -> "ClientSettings":
        """From the environment: MEMBERS of our own cluster, or MONITORS of another."""
        ours = not environment.given("MONITORS")
        return cls(
            monitors=_own() if ours else _others(),
            secure=ours,
            user=environment.matching(
                "CEPH_USER", environment.value("CEPH_USER", "studip"), USER, "a name"
            ),
            filesystem=environment.matching(
                "FILESYSTEM", environment.value("FILESYSTEM", "shared"), NAME, "a name"
            ),
            path=environment.matching(
                "FOLDER", environment.value("FOLDER", "/"), PATH, "an absolute path"
            ),
            folders=environment.folders(),
            quotas=environment.quotas(),
        )


def _own() -> str:
    addresses = [address_of(name) for name in environment.names("MEMBERS")]
    return ",".join(f"[v2:{address}:{PORT}]" for address in addresses)


def _others() -> str:
    return ",".join(
        environment.matching("MONITORS", one.strip(), MONITOR, "hosts, separated by commas")
        for one in environment.value("MONITORS").split(",")
    )
