"""What a member believes of others that answer late or not at all."""

import socket
import time
from collections.abc import Callable

import pytest

from member import peers
from member.peers import Peers
from member.report import Report, from_json

WRITER = Report(member=2, state="synced", cluster="one", writer=True)


class Line:
    """A line to one other member, which can be cut."""

    def __init__(self) -> None:
        self.cut = False

    def ask(self, host: str) -> Report:
        """Its report, as long as the line holds."""
        if self.cut:
            raise OSError("no answer")
        return WRITER


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    line = Line()
    monkeypatch.setattr(peers, "ask", line.ask)
    monkeypatch.setattr(peers, "SILENCE", 1.0)
    return line


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_silent_member_is_believed_while_the_databases_see_each_other(line: Line) -> None:
    asked = Peers({2: "two"}, interval=0.01)
    assert asked.reports(seen=[2]) == {2: None}
    asked.start()
    wait(lambda: asked.reports() == {2: WRITER})
    line.cut = True
    wait(lambda: asked.reports() == {2: None})
    assert asked.reports(seen=[2]) == {2: WRITER}
    line.cut = False
    wait(lambda: asked.reports() == {2: WRITER})


def test_nobody_is_believed_for_ever(line: Line) -> None:
    asked = Peers({2: "two"}, interval=0.01)
    asked.start()
    wait(lambda: asked.reports() == {2: WRITER})
    line.cut = True
    wait(lambda: asked.reports(seen=[2]) == {2: None})


def test_who_has_lost_its_name_is_asked_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"two": "192.0.2.2"}
    asked: list[str] = []

    def found(host: str) -> str:
        if host not in names:
            raise OSError("no such name")
        return names[host]

    def ask(address: str) -> Report:
        asked.append(address)
        return WRITER

    monkeypatch.setattr(socket, "gethostbyname", found)
    monkeypatch.setattr(peers, "ask", ask)
    others = Peers({2: "two"}, 0.01)
    others.start()
    wait(lambda: "192.0.2.2" in asked)
    del names["two"]
    asked.clear()
    wait(lambda: len(asked) > 3)
    assert set(asked) == {"192.0.2.2"}
    assert others.reports()[2] == WRITER


def test_a_newer_member_may_say_more() -> None:
    text = '{"member": 2, "state": "synced", "mood": "good"}'
    assert from_json(text) == Report(member=2, state="synced")
