"""What a server says of the group, and what that makes of its member."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from member.report import Report, State


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


def current(cluster: str, view: int, others: int, peers: Mapping[int, Report | None]) -> bool:
    """Whether a member that lost sight of the others may believe its own view again.

    For a moment it sees them in the view from before, and itself as that one's primary, although
    the others may have a newer view, without it, and another primary. `view`: its number; `others`:
    members in it beside this one, none where this one was let go on alone.
    """
    running = [
        report
        for report in peers.values()
        if report and (report.serves or report.state == "minority") and report.cluster == cluster
    ]
    newest = all(report.since <= view for report in running)
    return newest and 2 * (len(running) + 1) > others + 1


def superseded(me: Report, peers: Mapping[int, Report | None]) -> bool:
    """Whether another member takes the writes, in a newer view than this member's."""
    return any(
        report.writer and report.serves and report.since > me.since
        for report in peers.values()
        if report
    )
