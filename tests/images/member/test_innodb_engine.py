"""A MySQL member writes its configuration, and ends where the server refuses it."""

from pathlib import Path

import pytest

from innodb import engine
from innodb.group import Member
from innodb.options import Options
from member.engine import Held
from member.report import Report
from member.settings import Settings

IMAGE = Path(__file__).parents[3] / "images" / "innodb-cluster"
REFUSED = "0 [ERROR] [MY-000077] [Server] Error while setting value 'wrong'"


class Machine:
    """A folder in place of the container's, and a server that says what it is told to."""

    def __init__(self, folder: Path) -> None:
        self.configuration = folder / "member.cnf"
        self._program = folder / "mysqld"
        self.server(code=0)

    def server(self, code: int, says: str = "") -> None:
        self._program.write_text(f'#!/bin/sh\necho "{says}" >&2\nexit {code}\n')
        self._program.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(engine, "SHARE", IMAGE)
    monkeypatch.setattr(engine, "CONFIGURATION", tmp_path / "member.cnf")
    monkeypatch.setattr(engine, "VOLUME", tmp_path / "volume")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return Machine(tmp_path)


def member() -> engine.InnodbCluster:
    settings = Settings(
        member=2, hosts={1: "db-1", 2: "db-2", 3: "db-3"}, grace=5, tick=0.25, poll=0.4, hang=60
    )
    options = Options(
        cache=256,
        expel=3,
        clone_threshold=100,
        certificate="/run/secrets/certificate",
        key="/run/secrets/key",
        authority="/run/secrets/authority",
        database="studip",
        user="studip",
        password="secret",
        root_password="secret",
    )
    return engine.InnodbCluster(settings, options)


def test_a_member_writes_its_part_of_the_configuration_without_passwords(machine: Machine) -> None:
    assert member().prepare() == Held(state="empty")
    text = machine.configuration.read_text()
    for line in (
        "server_id = 2",
        "report_host = db-2",
        "ssl_key = /run/secrets/key",
        "loose_group_replication_member_expel_timeout = 3",
        "loose_group_replication_message_cache_size = 256M",
    ):
        assert line in text.splitlines()
    assert "$" not in text
    assert "= secret" not in text


@pytest.mark.parametrize(("code", "says"), [(0, REFUSED), (1, REFUSED), (1, "")])
def test_a_configuration_that_mysql_refuses_ends_the_member(
    machine: Machine, code: int, says: str
) -> None:
    machine.server(code, says)
    with pytest.raises(SystemExit, match="MySQL refuses its configuration") as ended:
        member().prepare()
    assert says in str(ended.value)


def test_a_warning_about_the_configuration_ends_nobody(machine: Machine) -> None:
    machine.server(0, "0 [Warning] [MY-010068] [Server] CA certificate is self signed")
    assert member().prepare().state == "empty"


def test_the_writes_are_handed_to_who_has_room(monkeypatch: pytest.MonkeyPatch) -> None:
    ordered: list[str] = []
    monkeypatch.setattr(engine.InnodbCluster, "_launch", lambda _, order: ordered.append(order))
    stopping = member()
    stopping._members = {n: Member(f"db-{n}", f"uuid-{n}", "ONLINE", "SECONDARY") for n in (1, 3)}
    full = Report(member=1, state="synced", full=True)
    for peer in (Report(member=3, state="synced"), Report(member=3, state="joining")):
        stopping.hand_over({1: full, 3: peer})
    # One that is full is better than none.
    assert ["uuid-3" in ordered[0], "uuid-1" in ordered[1]] == [True, True]


@pytest.mark.parametrize(
    ("one", "other", "has"),
    [
        (0, 0, True),
        ("", 0, True),
        (0, "a:1", False),
        ("a:1-3", "a:2", True),
        ("a:1-9", "b:1", False),
    ],
)
def test_positions_are_sets_and_an_empty_disk_has_none(
    one: int | str, other: int | str, has: bool
) -> None:
    assert member().covers(one, other) is has
