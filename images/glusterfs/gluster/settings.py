"""What a role needs to know, from the environment; SettingError says what is wrong there."""

import re
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from storage import environment
from storage.environment import ADDRESS, NAME, SettingError

TLS = Path("/etc/studip/tls")
POLICIES = ("none", "mtime", "ctime", "size", "majority")


def has_certificate() -> bool:
    """Whether a certificate was given; then everything is encrypted."""
    return (TLS / "key.pem").exists()


def common_name() -> str | None:
    """The name in the certificate, which clients and members have in common."""
    if not has_certificate():
        return None
    command = ["openssl", "x509", "-noout", "-subject", "-nameopt", "multiline"]
    done = subprocess.run(
        [*command, "-in", TLS / "certificate.pem"], capture_output=True, text=True
    )
    found = re.search(r"(?m)^ *commonName *= (\S+)$", done.stdout)
    if not found:
        raise SettingError(f"{TLS}/certificate.pem has no common name: {done.stderr.strip()}")
    return found[1]


def _volume() -> str:
    return environment.matching("VOLUME", environment.value("VOLUME", "shared"), NAME, "a name")


@dataclass(frozen=True)
class ServerSettings:
    """A member of the storage."""

    member: str  # its name, which resolves to an address of its own
    members: tuple[str, ...]  # all of them, the same order everywhere
    volume: str
    cluster: str  # what tells this storage from any other; members' identities come from it
    arbiter: bool  # the last member keeps names and attributes, no contents
    ping_timeout: int  # s
    split_brain: str  # policy that settles it
    allow: tuple[str, ...]  # addresses of clients and members
    quotas: Mapping[str, str]  # folder: most that it may hold, e.g. 500GB
    common_name: str | None  # in the certificates of all that may come; none without TLS

    @classmethod
    def read(cls) -> "ServerSettings":
        """From the environment."""
        member, members = environment.member()
        return cls(
            member=member,
            members=members,
            volume=_volume(),
            cluster=environment.value("CLUSTER"),
            arbiter=environment.one_of("ARBITER", "0", ("0", "1"), "0 or 1") == "1",
            ping_timeout=environment.number("PING_TIMEOUT", 10, 1, 120),
            split_brain=environment.one_of("SPLIT_BRAIN", "mtime", POLICIES),
            allow=tuple(
                environment.matching(
                    "ALLOW", one.strip(), ADDRESS, "IPv4 addresses, separated by commas"
                )
                for one in environment.value("ALLOW").split(",")
            ),
            quotas=environment.quotas(),
            common_name=common_name(),
        )

    def identity(self, member: str) -> str:
        """A member's UUID: the same again on an empty disk, so that the others know it."""
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{member}.{self.cluster}"))

    @property
    def others(self) -> tuple[str, ...]:
        """All members but this one."""
        return tuple(one for one in self.members if one != self.member)

    @property
    def is_first(self) -> bool:
        """Whether it is the one that creates the volume and sets its options."""
        return self.member == self.members[0]


@dataclass(frozen=True)
class ClientSettings:
    """A node's mount."""

    servers: tuple[str, ...]
    volume: str
    folders: Mapping[str, str]  # name: uid of its owner

    @classmethod
    def read(cls) -> "ClientSettings":
        """From the environment."""
        return cls(
            servers=environment.names("MEMBERS"), volume=_volume(), folders=environment.folders()
        )
