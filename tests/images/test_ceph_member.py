"""What Ceph's daemons decide about themselves, without any other."""

from pathlib import Path
from typing import Any

import pytest

from ceph_node import daemon, monitor, store
from ceph_node.commands import CommandError
from ceph_node.daemon import Refused
from ceph_node.monitor import Monitor
from ceph_node.settings import Settings
from ceph_node.store import Store

SETTINGS = Settings(
    member="b",
    members=("a", "b", "c"),
    addresses=("198.19.0.1", "198.19.0.2", "198.19.0.3"),
    cluster="test",
    grace=6,
    size=10,
)


class Cluster:
    """What others answer, as a test wants it."""

    def __init__(self) -> None:
        self.up_from = {0: 0, 1: 0, 2: 0}  # map in which a store was last up; 0: never
        self.groups: dict[str, int] = {}  # placement groups by state
        self.state = "active"  # of the daemon itself
        self.made: list[str] = []  # programs that made something

    def ceph(self, name: str, *words: str) -> Any:
        """What the monitors say."""
        if words == ("osd", "dump"):
            return {"osds": [{"osd": one, "up_from": at} for one, at in self.up_from.items()]}
        assert words == ("pg", "stat")
        states = [{"name": state, "num": number} for state, number in self.groups.items()]
        total = sum(self.groups.values())
        return {"pg_summary": {"num_pg_by_state": states, "num_pgs": total}}

    def ask(self, prefix: str) -> Any:
        """What the daemon itself says."""
        return {"state": self.state}

    def run(self, command: list[str], timeout: float = 0) -> str:
        """Write down what is made."""
        self.made.append(command[0])
        return ""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A member with empty disks, in a cluster that has just begun."""
    disk, data = tmp_path / "store", tmp_path / "data"
    for folder in (disk, data):
        folder.mkdir()
    found = Cluster()
    for module in (store, monitor):
        monkeypatch.setattr(module, "ceph", found.ceph)
        monkeypatch.setattr(module, "ask", found.ask)
        monkeypatch.setattr(module, "run", found.run)
    monkeypatch.setattr(Path, "is_mount", lambda self: True)
    monkeypatch.setattr(store, "DISK", disk)
    monkeypatch.setattr(store, "READY", disk / "ready")
    monkeypatch.setattr(store, "JOINED", disk / "was-up")
    monkeypatch.setattr(store, "OWN_DISK", data / "store-on-its-own-disk")
    monkeypatch.setattr(store, "_is_on_own_disk", lambda: False)
    monkeypatch.setattr(monitor, "STORE", data / "mon")
    monkeypatch.setattr(monitor, "MADE", data / "mon" / "store.db")
    monkeypatch.setattr(monitor, "SEEN", data / "was-in-a-quorum")
    return found


def test_an_empty_store_is_made_once(cluster: Cluster) -> None:
    one = Store(SETTINGS)
    one.prepare()
    assert cluster.made == ["ceph-osd"]
    store.READY.touch()
    one.prepare()
    assert cluster.made == ["ceph-osd"]


def test_what_an_interrupted_making_left_is_no_store(cluster: Cluster) -> None:
    (store.DISK / "block").touch()
    Store(SETTINGS).prepare()
    assert not (store.DISK / "block").exists()
    assert cluster.made == ["ceph-osd"]


def test_a_store_that_the_monitors_forgot_is_refused(cluster: Cluster) -> None:
    store.READY.touch()
    store.JOINED.touch()
    with pytest.raises(Refused, match="the monitors don't know"):
        Store(SETTINGS).prepare()
    cluster.up_from[1] = 7
    Store(SETTINGS).prepare()


def test_a_store_whose_disk_is_not_mounted_is_not_made_anew(cluster: Cluster) -> None:
    store.OWN_DISK.touch()
    with pytest.raises(Refused, match="the store's disk is not mounted"):
        Store(SETTINGS).prepare()
    assert cluster.made == []


def test_the_first_stores_wait_for_nobody(cluster: Cluster) -> None:
    cluster.up_from = {0: 5, 1: 6, 2: 0}
    cluster.groups = {"undersized+degraded+peered": 48}
    assert Store(SETTINGS).look() == ("serving", "")


def test_later_a_store_is_well_once_every_copy_is_there(cluster: Cluster) -> None:
    cluster.up_from = {0: 5, 1: 6, 2: 7}
    cluster.groups = {"active+clean": 40, "active+undersized+degraded": 8}
    one = Store(SETTINGS)
    assert one.look() == ("joining", "8 placement groups are not whole")
    cluster.groups = {"active+clean": 48}
    assert one.look() == ("serving", "")
    # Another one died meanwhile; this one is well all the same.
    cluster.groups = {"active+clean": 40, "active+undersized+degraded": 8}
    assert one.look() == ("serving", "")


def test_nobody_knows_yet_whether_all_is_whole(cluster: Cluster) -> None:
    cluster.up_from = {0: 5, 1: 6, 2: 7}
    assert Store(SETTINGS).look()[0] == "joining"  # no manager has counted


def test_a_monitor_without_a_quorum_is_well_only_in_the_beginning(cluster: Cluster) -> None:
    cluster.state = "probing"
    assert Monitor(SETTINGS).look()[0] == "serving"
    cluster.state = "peon"
    assert Monitor(SETTINGS).look() == ("serving", "")
    cluster.state = "electing"
    assert Monitor(SETTINGS).look()[0] == "joining"


def test_an_empty_monitor_begins_from_the_list_of_all(cluster: Cluster) -> None:
    monitor.SEEN.touch()  # of the one that was lost
    Monitor(SETTINGS).prepare()
    assert cluster.made == ["monmaptool", "ceph-mon"]
    assert not monitor.SEEN.exists()
    (monitor.STORE / "store.db").mkdir()
    Monitor(SETTINGS).prepare()
    assert len(cluster.made) == 2


def test_a_daemon_that_says_nothing_is_not_well(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(prefix: str) -> Any:
        raise CommandError("status: timed out")

    monkeypatch.setattr(store, "ask", silent)
    supervisor = daemon.Supervisor(Store(SETTINGS))
    supervisor.process = Running()  # type: ignore[assignment]
    assert supervisor._look() == ("joining", "status: timed out")


class Running:
    """A process that goes on."""

    def poll(self) -> None:
        """It has not ended."""
