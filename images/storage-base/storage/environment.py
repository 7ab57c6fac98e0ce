"""What the environment says, checked; every error names the variable, its value and what may be."""

import os
import re
from collections.abc import Callable, Mapping

NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")
ADDRESS = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}")
FOLDER = re.compile(r"[a-z0-9_-]{1,64}")
QUOTA = re.compile(r"[1-9][0-9]*(MB|GB|TB)")
MEMBERS = 3


class SettingError(Exception):
    """A variable is wrong."""


def given(name: str) -> bool:
    """Whether a variable says anything."""
    return bool(os.environ.get(name, "").strip())


def value(name: str, default: str = "") -> str:
    """A variable that must not be empty."""
    found = os.environ.get(name, default).strip()
    if not found:
        raise SettingError(f"{name} is not set")
    return found


def matching(name: str, found: str, pattern: re.Pattern[str], what: str) -> str:
    """The variable's value, if it looks as it must."""
    if not pattern.fullmatch(found):
        raise SettingError(f'{name}: must be {what}, got "{found}"')
    return found


def one_of(name: str, default: str, allowed: tuple[str, ...], what: str = "") -> str:
    """One of a few words."""
    found = value(name, default)
    if found not in allowed:
        raise SettingError(
            f'{name}: must be {what or "one of " + ", ".join(allowed)}, got "{found}"'
        )
    return found


def names(name: str) -> tuple[str, ...]:
    """Host names, separated by commas; they differ."""
    found = tuple(
        matching(name, one.strip(), NAME, "host names, separated by commas")
        for one in value(name).split(",")
    )
    if len(set(found)) != len(found):
        raise SettingError(f'{name}: names must differ, got "{value(name)}"')
    return found


def member() -> tuple[str, tuple[str, ...]]:
    """A member's name, and those of all three."""
    members = names("MEMBERS")
    if len(members) != MEMBERS:
        raise SettingError(f"MEMBERS: must be three, got {len(members)}")
    own = value("MEMBER")
    if own not in members:
        raise SettingError(f'MEMBER: must be one of {", ".join(members)}, got "{own}"')
    return own, members


def number(name: str, default: int, least: int, most: int) -> int:
    """A whole number within bounds."""
    found = os.environ.get(name, str(default))
    if not found.isdigit() or not least <= int(found) <= most:
        raise SettingError(f'{name}: must be a number from {least} to {most}, got "{found}"')
    return int(found)


def pairs(name: str, check: Callable[[str], bool], what: str) -> Mapping[str, str]:
    """`folder=value` words."""
    found = {}
    for word in os.environ.get(name, "").split():
        folder, _, given = word.partition("=")
        if not FOLDER.fullmatch(folder) or not check(given):
            raise SettingError(f'{name}: must be {what}, got "{word}"')
        found[folder] = given
    return found


def folders() -> Mapping[str, str]:
    """What services will ask for: uid of the owner by name of the folder."""
    return pairs("FOLDERS", str.isdigit, "folder=uid words")


def quotas() -> Mapping[str, str]:
    """Most that a folder may hold, such as 500GB."""
    return pairs("QUOTAS", lambda given: bool(QUOTA.fullmatch(given)), "folder=500GB words")
