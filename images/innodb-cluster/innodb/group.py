"""What a server says of the group, and what that makes of its member."""

from collections.abc import Sequence
from dataclasses import dataclass

from member.report import State


@dataclass(frozen=True)
class Member:
    """One row of `performance_schema.replication_group_members`."""

    host: str
    uuid: str
    state: str  # ONLINE, RECOVERING, OFFLINE, ERROR or UNREACHABLE
    role: str  # PRIMARY or SECONDARY

    @property
    def answers(self) -> bool:
        """Whether the group hears of it."""
        return self.state in ("ONLINE", "RECOVERING")


def state(own: Member | None, members: Sequence[Member], *, joins: bool) -> State:
    """A member's state. `joins`: it was told to become one a moment ago, or is at it.

    One that left the group, or was expelled, waits: whether it may come back is decided anew.
    """
    if own is None or not own.answers:
        return "joining" if joins else "waiting"
    if own.state == "RECOVERING":
        return "joining"
    if 2 * sum(one.answers for one in members) <= len(members):
        return "minority"
    return "synced"
