"""What the environment says, checked; every error names the variable, its value and what may be."""

import os
import re
import subprocess
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

TLS = Path("/etc/studip/tls")
NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")
ADDRESS = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}")
FOLDER = re.compile(r"[a-z0-9_-]{1,64}")
QUOTA = re.compile(r"[1-9][0-9]*(MB|GB|TB)")
POLICIES = ("none", "mtime", "ctime", "size", "majority")


class SettingError(Exception):
    """A variable is wrong."""


def _value(name: str, default: str = "") -> str:
    value = os.environ.get(name, default).strip()
    if not value:
        raise SettingError(f"{name} is not set")
    return value


def _matching(name: str, value: str, pattern: re.Pattern[str], what: str) -> str:
    if not pattern.fullmatch(value):
        raise SettingError(f'{name}: must be {what}, got "{value}"')
    return value


def _names(name: str) -> tuple[str, ...]:
    found = tuple(
        _matching(name, one.strip(), NAME, "host names, separated by commas")
        for one in _value(name).split(",")
    )
    if len(set(found)) != len(found):
        raise SettingError(f'{name}: names must differ, got "{_value(name)}"')
    return found


def _number(name: str, default: int, least: int, most: int) -> int:
    value = os.environ.get(name, str(default))
    if not value.isdigit() or not least <= int(value) <= most:
        raise SettingError(f'{name}: must be a number from {least} to {most}, got "{value}"')
    return int(value)


def _pairs(name: str, check: Callable[[str], bool], what: str) -> Mapping[str, str]:
    """`folder=value` words."""
    found = {}
    for word in os.environ.get(name, "").split():
        folder, _, value = word.partition("=")
        if not FOLDER.fullmatch(folder) or not check(value):
            raise SettingError(f'{name}: must be {what}, got "{word}"')
        found[folder] = value
    return found


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
        """From the environment; SettingError if it is wrong."""
        members = _names("MEMBERS")
        if len(members) != 3:
            raise SettingError(f"MEMBERS: must be three, got {len(members)}")
        member = _value("MEMBER")
        if member not in members:
            raise SettingError(f'MEMBER: must be one of {", ".join(members)}, got "{member}"')
        arbiter = _value("ARBITER", "0")
        if arbiter not in ("0", "1"):
            raise SettingError(f'ARBITER: must be 0 or 1, got "{arbiter}"')
        policy = _value("SPLIT_BRAIN", "mtime")
        if policy not in POLICIES:
            raise SettingError(f'SPLIT_BRAIN: must be one of {", ".join(POLICIES)}, got "{policy}"')
        return cls(
            member=member,
            members=members,
            volume=_matching("VOLUME", _value("VOLUME", "shared"), NAME, "a name"),
            cluster=_value("CLUSTER"),
            arbiter=arbiter == "1",
            ping_timeout=_number("PING_TIMEOUT", 10, 1, 120),
            split_brain=policy,
            allow=tuple(
                _matching("ALLOW", one.strip(), ADDRESS, "IPv4 addresses, separated by commas")
                for one in _value("ALLOW").split(",")
            ),
            quotas=_pairs(
                "QUOTAS", lambda value: bool(QUOTA.fullmatch(value)), "folder=500GB words"
            ),
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
        """From the environment; SettingError if it is wrong."""
        return cls(
            servers=_names("MEMBERS"),
            volume=_matching("VOLUME", _value("VOLUME", "shared"), NAME, "a name"),
            folders=_pairs("FOLDERS", str.isdigit, "folder=uid words"),
        )
