"""What the environment says about a member."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass


class SettingError(Exception):
    """A setting that can't work, in one line: name, what is allowed, value."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One member among others."""

    member: int  # its number, 1 ..
    hosts: Mapping[int, str]  # host names of all members, itself included, by number
    grace: float  # s without any peer after which the member says that it is healthy
    tick: float  # s between two looks at the database
    poll: float  # s between two questions to each peer
    hang: float  # s without an answer of the database after which it says that it is not

    @property
    def peers(self) -> dict[int, str]:
        """Host names of the others."""
        return {number: host for number, host in self.hosts.items() if number != self.member}

    @property
    def host(self) -> str:
        """Its own name."""
        return self.hosts[self.member]


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """`MEMBER`, `MEMBERS`, and `MEMBER_GRACE`, `_HANG`, `_POLL`, `_TICK`."""

    def seconds(name: str, default: str) -> float:
        return float(text(environment, name, r"\d+(\.\d+)?", default))

    names = text(environment, "MEMBERS", r"[a-z0-9][a-z0-9.-]*(,[a-z0-9][a-z0-9.-]*)*").split(",")
    if len(set(names)) != len(names):
        raise SettingError(f"MEMBERS: names must differ, got {','.join(names)}")
    member = int(text(environment, "MEMBER", r"[1-9]\d{0,2}"))
    if member > len(names):
        raise SettingError(f"MEMBER: must be between 1 and {len(names)}, got {member}")
    return Settings(
        member=member,
        hosts=dict(enumerate(names, 1)),
        grace=seconds("MEMBER_GRACE", "5"),
        hang=seconds("MEMBER_HANG", "60"),
        poll=seconds("MEMBER_POLL", "0.4"),
        tick=seconds("MEMBER_TICK", "0.25"),
    )


def text(
    environment: Mapping[str, str], name: str, pattern: str, default: str | None = None
) -> str:
    """The value of a variable, which has to match a pattern."""
    value = environment.get(name) or default
    if value is None:
        raise SettingError(f"{name} is not set")
    if not re.fullmatch(pattern, value):
        raise SettingError(f'{name}: must match {pattern}, got "{value}"')
    return value


def file(environment: Mapping[str, str], name: str) -> str:
    """The path that a variable has, of a file that can be read."""
    path = text(environment, name, r"/[\w./-]+")
    try:
        with open(path, "rb"):  # noqa: PTH123
            return path
    except OSError as error:
        raise SettingError(f"{name}: {error}") from None


def secret(environment: Mapping[str, str], name: str) -> str:
    """The one line in the file that a variable names."""
    path = environment.get(name)
    if not path:
        raise SettingError(f"{name} is not set")
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            value = file.read().removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{name}: {path} can't be read: {error}") from None
    if not value or "\n" in value:
        raise SettingError(f"{name}: {path} must have a single line")
    return value
