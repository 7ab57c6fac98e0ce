"""Who may start a cluster: decided from what all members say of themselves, and from nothing else.

Every member runs the same function over the same reports, so all come to the same answer. In doubt
the answer is to wait: a cluster that is not started can be started later, a lost history is lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from member.report import Covers, Report

RUNBOOK = "docs/runbooks/database-full-outage.md"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a member does next."""

    action: Literal[
        "wait",
        "join",  # a cluster that serves
        "bootstrap",  # start the cluster from this member's disk
        "restore",  # let this running member go on without the others
    ]
    reason: str
    operator: bool = False  # waits for somebody who decides; the runbook says how
    forced: bool = False  # by an operator: a fork of the history begins here


def decide(
    me: Report, peers: Mapping[int, Report | None], covers: Covers, *, forced: bool = False
) -> Decision:
    """What a member whose database doesn't run does next.

    `peers` has every other configured member by number, None where it can't be reached. `forced`:
    an operator wants the cluster to go on from this member's disk.
    """
    known = [report for report in peers.values() if report]
    serving = [report for report in known if report.serves]
    if serving:
        return _join(me, serving, covers)
    # What isn't stopped may serve in a moment, or holds what no disk tells.
    for report in known:
        if report.state in ("joining", "minority", "stopping"):
            return _wait(f"member {report.member} is {report.state}")
    if forced:
        return _force(me)
    missing = [number for number, report in peers.items() if report is None]
    if missing:
        data = any(report.state != "empty" for report in (me, *known))
        return Decision(
            action="wait",
            reason=f"{_members(missing)} can't be reached"
            + (" and may have the newest data" if data else ""),
            operator=data,
        )
    return _elect(me, [me, *known], covers)


def regain(
    me: Report, peers: Mapping[int, Report | None], covers: Covers, *, forced: bool = False
) -> Decision:
    """What a member does that runs without a majority.

    It goes on alone where all others are known to be stopped and to have nothing that it lacks.
    Members that run too find each other again by themselves.
    """
    known = [report for report in peers.values() if report]
    for report in known:
        if report.serves or report.state in ("joining", "stopping"):
            return _wait(f"member {report.member} is {report.state}")
    if forced:
        return Decision(action="restore", reason="forced by an operator", forced=True)
    missing = [number for number, report in peers.items() if report is None]
    if missing:
        return _refuse(f"the majority is lost: {_members(missing)} can't be reached")
    running = [me, *(report for report in known if report.state == "minority")]
    if len(running) > len(peers):
        return _wait("all members run and will find each other")
    for report in known:
        if report.state == "unreadable":
            return _refuse(_unreadable([report.member]))
        if report.state not in ("waiting", "minority"):
            continue
        if conflict := _conflict(me, report, covers):
            return _refuse(conflict)
        if report.state == "waiting" and not covers(me.position, report.position):
            return _refuse(f"member {report.member} is at {report.position}, beyond {me.position}")
    first = min(running, key=lambda report: report.member)
    if first.member != me.member:
        return _wait(f"member {first.member} goes on first")
    return Decision(action="restore", reason="all others are stopped and have nothing newer")


def oldest(me: Report, peers: Mapping[int, Report | None]) -> bool:
    """Whether this member has been part of its cluster for longest, and so takes the writes.

    Whoever comes back is the youngest: the writer never moves without need. At most one part of a
    cluster has the majority, so all that serve it are in one part with this member. (Its `view` may
    lack one of them: after a copy Galera knows addresses anew only with the next change.)
    """
    others = [
        report
        for report in peers.values()
        if report and report.serves and report.cluster == me.cluster
    ]
    return me.serves and all(
        (me.since, me.member) < (report.since, report.member) for report in others
    )


def _join(me: Report, serving: Sequence[Report], covers: Covers) -> Decision:
    first = serving[0]
    for report in serving[1:]:
        if report.cluster != first.cluster or report.forks != first.forks:
            return _refuse(f"members {first.member} and {report.member} serve different clusters")
    if me.state == "waiting":
        if conflict := _conflict(me, first, covers):
            return _refuse(conflict)
        if not any(covers(report.position, me.position) for report in serving):
            return _refuse(
                f"this disk is at {me.position}, beyond the cluster's {first.position}; "
                "what the cluster doesn't know would be lost"
            )
    if me.state == "unreadable" and first.forks - me.forks:
        return _refuse(f"an operator let others go on, but {_unreadable([me.member])}")
    return Decision(action="join", reason=f"{_members([one.member for one in serving])} in service")


def _force(me: Report) -> Decision:
    if me.state != "waiting":
        return _refuse(f"forced, but this disk is {me.state}: there is nothing to start from")
    return Decision(action="bootstrap", reason="forced by an operator", forced=True)


def _elect(me: Report, everybody: Sequence[Report], covers: Covers) -> Decision:
    if all(report.state == "empty" for report in everybody):
        return _lead(me, min(everybody, key=lambda report: report.member), "all disks are empty")
    if unreadable := [one.member for one in everybody if one.state == "unreadable"]:
        return _refuse(_unreadable(unreadable))
    # In the order of their numbers, so that all members say the same.
    holders = sorted(
        (report for report in everybody if report.state == "waiting"),
        key=lambda report: report.member,
    )
    if not holders:
        return _refuse("no member has data with a known history")
    for index, one in enumerate(holders):
        for other in holders[index + 1 :]:
            if conflict := _conflict(one, other, covers):
                return _refuse(conflict)
    newest = [
        one for one in holders if all(covers(one.position, other.position) for other in holders)
    ]
    if not newest:
        return _refuse("no member has everything that the others have")
    # The last to leave in order only breaks a tie: of an old or empty disk its mark says nothing.
    first = min(newest, key=lambda report: (not report.safe, report.member))
    return _lead(me, first, f"it has the newest position, {first.position}")


def _lead(me: Report, first: Report, reason: str) -> Decision:
    if first.member == me.member:
        return Decision(action="bootstrap", reason=reason)
    return _wait(f"member {first.member} starts the cluster: {reason}")


def _conflict(one: Report, other: Report, covers: Covers) -> str:
    """Why two histories can't be parts of one; empty where they can."""
    if one.cluster != other.cluster:
        return (
            f"members {one.member} and {other.member} have data of different clusters: "
            f"{one.cluster} and {other.cluster}"
        )
    for ahead, behind in ((one, other), (other, one)):
        for fork in ahead.forks - behind.forks:
            if not covers(fork.position, behind.position):
                return (
                    f"member {behind.member} went on to {behind.position} before an operator "
                    f"let member {ahead.member} go on from {fork.position}"
                )
    return ""


def _members(numbers: Sequence[int]) -> str:
    return f"member{'s' if len(numbers) > 1 else ''} {', '.join(map(str, sorted(numbers)))}"


def _unreadable(numbers: Sequence[int]) -> str:
    return f"what {_members(numbers)} holds can't be read and may be the newest data"


def _wait(reason: str) -> Decision:
    return Decision(action="wait", reason=reason)


def _refuse(reason: str) -> Decision:
    return Decision(action="wait", reason=reason, operator=True)
