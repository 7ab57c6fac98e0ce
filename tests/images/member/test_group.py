"""What a MySQL server says of its group makes the state of its member."""

from pathlib import Path

import pytest

from innodb import disk
from innodb.group import Member, current, state, superseded
from member.report import Report, State

UUID = "24ca0670-e916-11f1-bde0-8e15d4a48ba5"


def members(*states: str) -> list[Member]:
    return [
        Member(f"database-{number}", f"uuid-{number}", one, "SECONDARY")
        for number, one in enumerate(states, 1)
    ]


def of(*states: str, joins: bool = False) -> str:
    """The state of the first of several members, as it sees them."""
    seen = members(*states)
    return state(seen[0], seen, joins=joins)


def test_a_member_serves_while_it_sees_the_majority() -> None:
    assert of("ONLINE", "ONLINE", "ONLINE") == "synced"
    assert of("ONLINE", "RECOVERING", "UNREACHABLE") == "synced"
    assert of("ONLINE", "UNREACHABLE", "UNREACHABLE") == "minority"
    assert of("ONLINE", "UNREACHABLE") == "minority"
    assert of("ONLINE", "ONLINE", "UNREACHABLE", "UNREACHABLE", "UNREACHABLE") == "minority"
    # The others left in order: the group is this one alone.
    assert of("ONLINE") == "synced"


def test_a_member_that_copies_what_it_lacks_joins() -> None:
    assert of("RECOVERING", "ONLINE", "ONLINE") == "joining"


@pytest.mark.parametrize("left", ["OFFLINE", "ERROR"])
def test_who_left_the_group_waits_until_it_is_told_to_come_back(left: str) -> None:
    assert of(left) == "waiting"
    assert of(left, joins=True) == "joining"
    assert state(None, [], joins=False) == "waiting"


def at(view: int, *, writer: bool = False, serves: bool = True, cluster: str = UUID) -> Report:
    now: State = "synced" if serves else "minority"
    return Report(member=2, state=now, cluster=cluster, since=view, writer=writer)


def test_who_lost_sight_of_the_others_does_not_believe_a_view_that_they_have_left() -> None:
    assert not current(UUID, 5, 2, {2: at(6, writer=True), 3: at(6)})
    assert not current(UUID, 5, 2, {2: at(5), 3: at(6)})
    assert current(UUID, 5, 2, {2: at(5), 3: at(5)})


def test_who_lost_sight_of_the_others_has_to_hear_from_the_majority_first() -> None:
    assert not current(UUID, 5, 2, {2: None, 3: None})
    assert not current(UUID, 5, 4, {2: at(5), 3: None, 4: None, 5: None})
    assert not current(UUID, 5, 2, {2: at(5, cluster="another"), 3: None})
    assert current(UUID, 5, 2, {2: at(5), 3: None})


def test_who_was_let_go_on_alone_has_nobody_to_hear_from() -> None:
    assert current(UUID, 5, 0, {2: None, 3: Report(member=3, state="empty")})
    assert not current(UUID, 5, 0, {2: at(6), 3: None})


def test_members_that_all_lost_sight_of_each_other_go_on_when_they_meet_again() -> None:
    assert current(UUID, 5, 2, {2: at(5, serves=False), 3: at(5, serves=False)})


def test_of_two_that_would_take_the_writes_the_one_with_the_newer_view_does() -> None:
    assert superseded(at(5, writer=True), {2: at(6, writer=True), 3: at(6)})
    assert not superseded(at(6, writer=True), {2: at(5, writer=True), 3: at(6)})
    # Nobody else wants them: views reach members one after the other.
    assert not superseded(at(5, writer=True), {2: at(6), 3: None})
    assert not superseded(at(5, writer=True), {2: at(6, writer=True, serves=False)})


# --- the disk ----------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with the files that every whole data directory has."""
    (tmp_path / "mysql.ibd").touch()
    (tmp_path / "ibdata1").touch()
    (tmp_path / "#clone").mkdir()
    return tmp_path


def test_nothing_is_empty(tmp_path: Path) -> None:
    assert disk.held(tmp_path / "missing") == "empty"
    assert disk.held(tmp_path) == "empty"


def test_only_the_server_knows_how_far_whole_data_go(data: Path) -> None:
    (data / "#clone" / "#status_recovery").touch()  # of a copy that has ended
    assert disk.held(data) == "waiting"


@pytest.mark.parametrize("mark", ["#status_in_progress", "#status_error"])
def test_a_copy_that_did_not_end_is_broken(data: Path, mark: str) -> None:
    (data / "#clone" / mark).touch()
    assert disk.held(data) == "broken"


def test_data_that_lack_the_servers_own_are_broken(data: Path) -> None:
    (data / "mysql.ibd").unlink()
    assert disk.held(data) == "broken"


def test_whose_the_data_are_is_written_beside_them(tmp_path: Path) -> None:
    assert disk.cluster(tmp_path / "group") == ""
    disk.belong(tmp_path / "group", UUID)
    assert disk.cluster(tmp_path / "group") == UUID
    (tmp_path / "group").write_text("torn")
    assert disk.cluster(tmp_path / "group") == ""
