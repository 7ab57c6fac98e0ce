"""What a data directory of Galera's says about its history."""

from collections.abc import Callable
from pathlib import Path

import pytest

from galera import disk
from galera.disk import NOBODY, History, held
from member.engine import Held

UUID = "24ca0670-e916-11f1-bde0-8e15d4a48ba5"
OTHER = "0f753813-e917-11f1-bd8e-a26ae720eaf6"

Recover = Callable[[], History | None]


def never() -> History | None:
    raise AssertionError("the storage engine was asked without need")


def found(cluster: str, position: int) -> Recover:
    return lambda: History(cluster, position)


def grastate(data: Path, uuid: str, seqno: int, safe: int = 0) -> None:
    (data / "grastate.dat").write_text(
        "# GALERA saved state\nversion: 2.1\n"
        f"uuid:    {uuid}\nseqno:   {seqno}\nsafe_to_bootstrap: {safe}\n"
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with the files that every whole data directory has."""
    (tmp_path / "mysql").mkdir()
    (tmp_path / "ibdata1").touch()
    return tmp_path


def test_nothing_is_empty(tmp_path: Path) -> None:
    assert held(tmp_path / "missing", never) == Held(state="empty")
    assert held(tmp_path, never) == Held(state="empty")


def test_a_server_that_was_stopped_in_order_has_its_position_on_disk(data: Path) -> None:
    grastate(data, UUID, 7, safe=1)
    assert held(data, never) == Held(state="waiting", cluster=UUID, position=7, safe=True)
    grastate(data, UUID, 7)
    assert held(data, never) == Held(state="waiting", cluster=UUID, position=7)


def test_of_a_server_that_was_killed_the_storage_engine_knows(data: Path) -> None:
    grastate(data, UUID, -1)
    assert held(data, found(UUID, 9)) == Held(state="waiting", cluster=UUID, position=9)


def test_a_mark_of_the_last_to_leave_means_nothing_after_a_kill(data: Path) -> None:
    grastate(data, UUID, -1, safe=1)
    assert not held(data, found(UUID, 9)).safe


def test_a_copy_that_did_not_end_is_broken(data: Path, tmp_path: Path) -> None:
    grastate(data, UUID, 7)
    (data / "sst_in_progress").touch()
    assert held(data, never) == Held(state="broken")


def test_a_joiner_killed_before_its_copy_is_broken_and_not_empty(tmp_path: Path) -> None:
    grastate(tmp_path, NOBODY, -1)
    assert held(tmp_path, never) == Held(state="broken")


def test_a_member_that_left_as_inconsistent_is_broken(data: Path) -> None:
    grastate(data, NOBODY, -1)
    assert held(data, found(UUID, 9)) == Held(state="broken")


@pytest.mark.parametrize("uuid", [UUID, NOBODY])
def test_what_the_storage_engine_can_not_recover_may_be_anything(data: Path, uuid: str) -> None:
    grastate(data, uuid, -1)
    assert held(data, lambda: None) == Held(state="unreadable")


def test_two_answers_to_one_question_are_broken(data: Path) -> None:
    grastate(data, UUID, -1)
    assert held(data, found(OTHER, 9)) == Held(state="broken")
    assert held(data, found(NOBODY, -1)) == Held(state="broken")


def test_data_that_never_was_in_a_cluster_can_begin_one(data: Path) -> None:
    # Of a single server, or of a first member killed in its first start.
    assert held(data, found(NOBODY, -1)) == Held(state="waiting")
    grastate(data, NOBODY, -1)
    assert held(data, found(NOBODY, -1)) == Held(state="waiting")


def test_whoever_may_start_the_cluster_is_marked_and_nothing_else_changes(data: Path) -> None:
    grastate(data, UUID, 7)
    before = (data / "grastate.dat").read_text()
    disk.allow_bootstrap(data)
    after = (data / "grastate.dat").read_text()
    assert after == before.replace("safe_to_bootstrap: 0", "safe_to_bootstrap: 1")


@pytest.mark.parametrize("text", ["", "uuid: x\n", f"uuid: {UUID}\nseqno: many\n"])
def test_a_damaged_file_says_nothing(data: Path, text: str) -> None:
    (data / "grastate.dat").write_text(text)
    assert disk.read(data / "grastate.dat") is None
