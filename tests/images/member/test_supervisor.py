"""When a member leaves to the others by itself: its disk is full, or they have put it out."""

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from components.members import MemberTimers
from member import supervisor
from member.engine import Engine
from member.report import Report
from member.settings import Settings
from member.supervisor import MIB, Supervisor

HOSTS = {1: "db-1", 2: "db-2", 3: "db-3"}
SETTINGS = Settings(member=1, hosts=HOSTS, grace=5, tick=0.25, poll=0.4, hang=60)


class Clock:
    """Time that a test lets pass."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        """In s."""
        return self.now


class Member:
    """A member that serves, its disk, its peers and its clock."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free = 1000  # MiB
        self._clock = Clock()
        usage = SimpleNamespace(disk_usage=lambda _: SimpleNamespace(free=self.free * MIB))
        monkeypatch.setattr(supervisor, "shutil", usage)
        monkeypatch.setattr(supervisor, "time", self._clock)
        self._one: Any = Supervisor(SETTINGS, cast(Engine, SimpleNamespace(volume=folder)))
        self._one._report = Report(member=1, state="synced")

    def lost_majority(self, *view: int) -> None:
        """It sees those members only, from now on."""
        self._one._report = Report(member=1, state="minority", view=view)
        self._one._minority_since = self._clock.now

    def leaves(self, *others: Report | None, after: Iterable[float] = (0.0, 0.5, 1.1)) -> bool:
        """Whether it wants to, having looked so often."""
        peers = dict(enumerate(others, 2))
        self._one._peers = SimpleNamespace(reports=lambda: peers)
        began, wants = self._clock.now, False
        for seconds in after:
            self._clock.now = began + seconds
            wants = bool(self._one._why_to_leave())
        self._clock.now += 100
        return wants


@pytest.fixture
def member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Member:
    return Member(tmp_path, monkeypatch)


ROOMY = Report(member=2, state="synced")
FULL = Report(member=3, state="synced", full=True)


def test_who_has_no_room_leaves_to_those_that_have_some(member: Member) -> None:
    assert not member.leaves(ROOMY, ROOMY)
    member.free = 63
    assert member.leaves(FULL, ROOMY)
    assert member.leaves(None, ROOMY)


def test_nobody_leaves_where_nobody_else_can_serve(member: Member) -> None:
    member.free = 0
    assert not member.leaves(FULL, FULL)
    assert not member.leaves(None, FULL)
    assert not member.leaves(None, Report(member=3, state="joining"))


def test_others_are_heard_of_first_as_what_is_written_fills_all_disks(member: Member) -> None:
    member.free = 0
    assert not member.leaves(ROOMY, ROOMY, after=[0.0, 0.9])


def test_room_that_comes_back_counts(member: Member) -> None:
    member.free = 0
    assert not member.leaves(ROOMY, ROOMY, after=[0.0, 0.9])
    member.free = 100
    assert not member.leaves(ROOMY, ROOMY)
    member.free = 0
    assert not member.leaves(ROOMY, ROOMY, after=[0.0, 0.9])


def test_who_was_put_out_begins_anew(member: Member) -> None:
    member.lost_majority()
    assert not member.leaves(ROOMY, ROOMY, after=[0.0, 9.9])
    member.lost_majority()
    assert member.leaves(ROOMY, ROOMY, after=[0.0, 10.1])
    assert not member.leaves(None, None, after=[0.0, 20.0])
    # It finds the others by itself once the network is back.
    member.lost_majority(1)
    assert not member.leaves(ROOMY, ROOMY, after=[0.0, 20.0])


def test_the_budget_takes_the_number_of_the_image() -> None:
    assert MemberTimers.full == supervisor.FULL
