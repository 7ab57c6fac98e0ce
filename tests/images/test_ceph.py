"""CephFS keeps what was written: daemons, disks and networks fail, on real containers."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import docker
import pytest
from docker.errors import NotFound

from components import cephx
from components.storage import CephfsArgs, CephMembersArgs, StorageArgs, budgets
from components.workload import Logging, Resources
from tests.images.conftest import LABEL, Built, Running, wait
from tests.images.deployed import (
    CLIENT,
    CUT,
    FIRST,
    UPLOADS,
    Deployed,
    Record,
    report,
    subnets,
    took,
    writing,
)

pytestmark = [pytest.mark.live, pytest.mark.fault]

SECRET = "of-this-test"
KINDS = ("mon", "mgr", "osd", "mds")
CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SYS_ADMIN")  # of a mount
GRACE = 6  # s
SIZE = 8  # GiB of a store
SIZE_OF_KEPT = 200_000  # bytes
SLACK = 3.0  # s; all of it is on one small machine


def predicted(fault: str) -> float:
    """Seconds that a fault may cost, as the components declare it."""
    resources = Resources(cpu_limit=1.0, memory_limit=1)
    members = CephMembersArgs(
        members=(), secret="", grace=GRACE, resources=resources, daemon_resources=resources
    )
    cephfs = CephfsArgs(
        images={}, folder="/", client_resources=resources, logging=Logging(), source=members
    )
    declared = budgets(StorageArgs(labels={}, kind="cephfs", cephfs=cephfs))
    (found,) = [budget.outage for budget in declared if budget.fault == fault]
    return found


@dataclass
class Ceph(Deployed):
    """Three members of four daemons each, and clients; a member's daemons share its network."""

    nodes: list[Running] = field(default_factory=list)  # what holds the network of a member
    daemons: dict[tuple[str, int], Running] = field(default_factory=dict)  # by kind and member

    def node(self, number: int) -> Running:
        """A machine without any daemon."""
        made = self.run(
            ["sleep", "infinity"], f"node-{number}", FIRST + number - 1, env={"ROLES": "none"}
        )
        self.nodes.append(made)
        return made

    def start(self, kind: str, number: int, **env: str) -> Running:
        """A daemon of a member; its disks are those that it had before."""
        name = self.names[number - 1]
        keyring = self._keyring(
            f"{kind}-{number}",
            cephx.monitor_keyring(SECRET, self.names)
            if kind == "mon"
            else cephx.entry(SECRET, cephx.entity(kind, number - 1, self.names)),
        )
        binds = {keyring: {"bind": "/etc/studip/key", "mode": "ro"}}
        if kind in ("mon", "osd"):
            binds[self.volume(f"state-{number}")] = {"bind": "/var/lib/ceph"}
        if kind == "osd":
            binds[self.volume(f"store-{number}")] = {"bind": "/store"}
        settings = {"MEMBER": name, "CLUSTER": self.mark, "GRACE": str(GRACE), "SIZE": str(SIZE)}
        made = self.run(
            [kind],
            f"{name}-{kind}",
            0,
            env={**settings, **env},
            binds=binds,
            within=self.nodes[number - 1],
        )
        self.daemons[kind, number] = made
        return made

    def start_all(self) -> None:
        """As the component does it, but nobody waits for the one before."""
        for kind in KINDS:
            for number in (1, 2, 3):
                self.start(kind, number)

    def remove(self, number: int, kinds: Sequence[str] = KINDS) -> None:
        """Kill daemons of a member and forget their containers."""
        for kind in kinds:
            self.daemons[kind, number].container.remove(force=True)

    def mount(self, number: int = 1, key: str = SECRET, **env: str) -> Running:
        """A client that has mounted the file system."""
        keyring = self._keyring(f"client-{number}", cephx.entry(key, cephx.CLIENT))
        return self.run(
            ["client"],
            f"client-{number}",
            CLIENT + number - 1,
            env={"FOLDERS": "upload_doc=33 registry=999", **env},
            binds={
                keyring: {"bind": "/etc/studip/key", "mode": "ro"},
                self.volume(f"node-{number}"): {"bind": "/node"},
            },
            capabilities=CAPABILITIES,
            fuse=True,
        )

    def _keyring(self, name: str, contents: str) -> str:
        """A volume with a keyring, as the engine puts it into the components' containers."""
        volume = self.volume(f"keyring-{name}")
        self.client.containers.run(
            self.image,
            ["sh", "-c", 'printf %s "$KEYRING" > /given/keyring'],
            environment={"KEYRING": contents, "ROLES": "none"},
            volumes={volume: {"bind": "/given"}},
            labels={LABEL: "storage"},
            remove=True,
        )
        return volume

    def ceph(self, words: str, member: int = 1) -> Any:
        """What the monitors answer, JSON."""
        said = self.daemons["mon", member].sh(
            f"ceph --connect-timeout=10 --format=json {words} 2> /tmp/said"
            " || { cat /tmp/said; exit 1; }"
        )
        return json.loads(said) if said else None

    def status(self, kind: str, member: int = 1) -> dict[str, Any]:
        """What a daemon's supervisor knows."""
        found: dict[str, Any] = json.loads(self.daemons[kind, member].sh("storage-status"))
        return found

    def wait_whole(self, seconds: float = 240) -> float:
        """Wait until all daemons serve and every copy is there: the seconds that it took."""

        def whole() -> bool:
            if not all(one.health() == "healthy" for one in self.daemons.values()):
                return False
            known = self.ceph("status")
            groups = {one["state_name"]: one["count"] for one in known["pgmap"]["pgs_by_state"]}
            up = known["osdmap"]["num_up_osds"]
            return up == 3 and set(groups) == {"active+clean"} and len(known["quorum"]) == 3

        return took(whole, seconds)

    def active(self) -> int:
        """Member whose metadata server serves; 0: none does."""
        (filesystem,) = self.ceph("fs dump", 2)["filesystems"]
        for one in filesystem["mdsmap"]["info"].values():
            if one["state"] == "up:active":
                return self.names.index(one["name"]) + 1
        return 0


Start = Callable[..., Ceph]


@contextmanager
def clusters(client: docker.DockerClient, image: str) -> Iterator[Start]:
    """`start()`: a cluster of three members, all started."""
    made: list[Ceph] = []

    def start() -> Ceph:
        network, first = subnet()
        ceph = Ceph(client, image, network, first, {})
        made.append(ceph)
        for number in (1, 2, 3):
            ceph.node(number)
        ceph.start_all()
        return ceph

    with subnets(client) as subnet:
        try:
            yield start
        finally:
            for one in made:
                one.close()


@pytest.fixture(scope="module")
def image(built: Built) -> str:
    """Of daemons and clients."""
    return built("ceph")


@pytest.fixture
def start(client: docker.DockerClient, image: str) -> Iterator[Start]:
    """`start()`: a cluster of its own, for what leaves one in disorder."""
    with clusters(client, image) as start:
        yield start


@pytest.fixture(scope="module")
def ceph(session_client: docker.DockerClient, image: str) -> Iterator[Ceph]:
    """A whole cluster; each test leaves it whole."""
    with clusters(session_client, image) as start:
        yield start()


@pytest.fixture(scope="module")
def mounted(ceph: Ceph) -> Running:
    """A client that has mounted it."""
    mounted = ceph.mount(QUOTAS="registry=20MB")
    mounted.wait_healthy(240)
    return mounted


@pytest.fixture(scope="module")
def kept(ceph: Ceph, mounted: Running) -> dict[str, str]:
    """Files that are there from now on; few, since each is read again and again."""
    path = f"{UPLOADS}/kept"
    mounted.sh(
        f"mkdir -p {path} && cd {path} && for number in $(seq 50); do "
        f"head -c {SIZE_OF_KEPT} /dev/urandom > $number; done; sync ."
    )
    return ceph.checksums(mounted, path)


# --- set-up ------------------------------------------------------------------------------------


def test_members_become_one_file_system(
    ceph: Ceph, mounted: Running, record_property: Record
) -> None:
    record_property("whole_s", round(ceph.wait_whole(), 1))
    (found,) = ceph.ceph("fs ls")
    assert found["name"] == "shared"
    for pool in ceph.ceph("osd pool ls detail"):
        assert (pool["size"], pool["min_size"]) == (3, 2)
    tree = ceph.ceph("osd tree")["nodes"]
    assert {one["name"] for one in tree if one["type"] == "host"} == set(ceph.names)
    assert mounted.sh("stat --file-system --format=%T /node/shared") == "fuseblk"


def test_folders_belong_to_those_who_write_into_them(mounted: Running) -> None:
    folders = mounted.sh("cd /node/shared && stat -c '%n %u %g %a' upload_doc registry")
    assert folders.splitlines() == ["upload_doc 33 33 750", "registry 999 999 750"]
    mounted.sh("touch /node/shared/upload_doc/mine", user="33")
    with pytest.raises(AssertionError, match="Permission denied"):
        mounted.sh("touch /node/shared/registry/not-mine", user="33")


def test_what_one_node_writes_the_other_reads_at_once(ceph: Ceph, mounted: Running) -> None:
    second = ceph.mount(2)
    second.wait_healthy(120)
    with pytest.raises(AssertionError, match="No such file"):
        second.sh(f"cat {UPLOADS}/news")  # what is not there must not be remembered
    mounted.sh(f"echo one > {UPLOADS}/news")
    assert second.sh(f"cat {UPLOADS}/news") == "one"
    second.sh(f"echo twice two > {UPLOADS}/news")
    assert mounted.sh(f"cat {UPLOADS}/news") == "twice two"
    second.container.remove(force=True)


def test_nobody_comes_in_without_the_key(ceph: Ceph, mounted: Running) -> None:
    assert mounted.health() == "healthy"
    stranger = ceph.mount(3, key="another")
    wait(lambda: "handle_auth_bad_method" in stranger.logs(), 60)
    assert stranger.health() != "healthy"
    stranger.container.remove(force=True)


def test_a_mount_may_no_more_than_mount(mounted: Running) -> None:
    with pytest.raises(AssertionError, match="EACCES"):
        mounted.sh(f"ceph --name {cephx.CLIENT} --connect-timeout=10 osd pool create mine")


def test_what_is_said_on_the_network_is_encrypted(ceph: Ceph) -> None:
    for option in ("ms_cluster_mode", "ms_service_mode", "ms_client_mode"):
        said = ceph.daemons["osd", 1].sh(
            f"ceph --admin-daemon /run/ceph/own.asok config get {option}"
        )
        assert json.loads(said) == {option: "secure"}
    addresses = ceph.ceph("mon dump")["mons"]
    assert {one["type"] for mon in addresses for one in mon["public_addrs"]["addrvec"]} == {"v2"}


def test_a_folder_holds_no_more_than_its_quota(mounted: Running) -> None:
    fill = "head -c 1000000 /dev/urandom > /node/shared/{}/part-$number"
    with pytest.raises(AssertionError, match="Disk quota exceeded"):
        mounted.sh(
            "set -e; for number in $(seq 100); do " + fill.format("registry") + "; sleep 0.2; done"
        )
    mounted.sh("number=1; " + fill.format("upload_doc"))  # its folder has none


def test_another_cluster_is_mounted_by_what_its_owner_gives(ceph: Ceph, mounted: Running) -> None:
    mounted.sh(f"mkdir -p {UPLOADS}/of-a-site && echo theirs > {UPLOADS}/of-a-site/file")
    monitors = ",".join(f"{ceph.subnet}.{FIRST + number}:3300" for number in range(3))
    guest = ceph.mount(
        4, MEMBERS="", MONITORS=monitors, FOLDER="/upload_doc/of-a-site", FOLDERS="more=33"
    )
    guest.wait_healthy(120)
    assert guest.sh("cat /node/shared/file") == "theirs"
    assert mounted.sh(f"stat -c %u {UPLOADS}/of-a-site/more") == "33"
    guest.container.remove(force=True)


@pytest.mark.parametrize(
    ("role", "env", "message"),
    [
        ("osd", {"MEMBERS": ""}, "MEMBERS is not set"),
        ("osd", {"MEMBERS": "a,b"}, "MEMBERS: must be three, got 2"),
        ("mon", {"MEMBER": "d"}, 'MEMBER: must be one of localhost, a, b, got "d"'),
        ("mon", {"GRACE": "1"}, 'GRACE: must be a number from 4 to 60, got "1"'),
        ("osd", {"SIZE": "much"}, 'SIZE: must be a number from 1 to 1000000, got "much"'),
        ("mds", {"CLUSTER": ""}, "CLUSTER is not set"),
        ("client", {"MEMBERS": ""}, "MEMBERS is not set"),
        ("client", {"MONITORS": "a b"}, 'MONITORS: must be hosts, separated by commas, got "a b"'),
        ("client", {"QUOTAS": "a=1"}, 'QUOTAS: must be folder=500GB words, got "a=1"'),
        ("client", {"FOLDER": "up"}, 'FOLDER: must be an absolute path, got "up"'),
        ("client", {"CEPH_USER": "a b"}, 'CEPH_USER: must be a name, got "a b"'),
    ],
)
def test_says_what_is_wrong_with_its_settings(
    client: docker.DockerClient, image: str, role: str, env: dict[str, str], message: str
) -> None:
    usual = {"MEMBERS": "localhost,a,b", "MEMBER": "localhost", "CLUSTER": "test"}
    hosts = dict.fromkeys(("a", "b"), "198.19.0.1")
    made = client.containers.create(
        image, [role], environment=usual | env, labels={LABEL: "storage"}, extra_hosts=hosts
    )
    try:
        made.start()
        running = Running(made)
        assert running.wait_exit() == 1
        assert message in running.logs()
        assert "Traceback" not in running.logs()
    finally:
        made.remove(force=True)


# --- faults ------------------------------------------------------------------------------------


def test_a_killed_store_stops_nobody_and_is_filled(
    ceph: Ceph, mounted: Running, record_property: Record
) -> None:
    with writing(mounted, "store") as result:
        ceph.daemons["osd", 3].sh("kill -9 $(pidof ceph-osd)")
        time.sleep(10)
    assert result["errors"] == []
    report(record_property, result, ceph.wait_whole())
    assert result["slowest"] < predicted("storage OSD killed") + SLACK
    assert ceph.checksums(mounted, f"{UPLOADS}/store") == result["written"]


def test_a_killed_metadata_server_is_followed_by_another(
    ceph: Ceph, mounted: Running, record_property: Record
) -> None:
    with writing(mounted, "metadata") as result:
        served = ceph.active()
        ceph.remove(served, ["mds"])
        wait(lambda: ceph.active() not in (0, served), 60)
        time.sleep(5)
        ceph.start("mds", served)
    assert result["errors"] == []
    report(record_property, result, ceph.wait_whole())
    assert result["slowest"] < predicted("storage metadata server killed") + SLACK
    assert ceph.checksums(mounted, f"{UPLOADS}/metadata") == result["written"]


def test_a_killed_monitor_and_manager_stop_nobody(
    ceph: Ceph, mounted: Running, record_property: Record
) -> None:
    with writing(mounted, "monitor") as result:
        ceph.remove(1, ["mon", "mgr"])
        time.sleep(10)
        ceph.start("mon", 1)
        ceph.start("mgr", 1)
    assert result["errors"] == []
    report(record_property, result, ceph.wait_whole())
    assert ceph.checksums(mounted, f"{UPLOADS}/monitor") == result["written"]


def test_a_node_that_is_cut_off_is_waited_for_and_filled(
    ceph: Ceph, mounted: Running, record_property: Record
) -> None:
    with writing(mounted, "cut") as result:
        with ceph.cut(ceph.nodes[ceph.active() - 1]):
            time.sleep(max(CUT, predicted("storage node killed") + 2))
        time.sleep(2)
    assert result["errors"] == []
    report(record_property, result, ceph.wait_whole())
    assert GRACE / 2 < result["slowest"] < predicted("network of a storage node cut") + SLACK
    assert ceph.checksums(mounted, f"{UPLOADS}/cut") == result["written"]


def test_a_node_that_is_cut_off_writes_nothing_and_comes_back(ceph: Ceph, mounted: Running) -> None:
    lonely = ceph.mount(2)
    lonely.wait_healthy(120)
    with ceph.cut(lonely):
        # Nobody can end who waits for such a mount.
        write = f"echo late > {UPLOADS}/lonely; touch /tmp/written"
        lonely.container.exec_run(["sh", "-c", write], detach=True)
        wait(lambda: "no answer" in lonely.sh("storage-status"), 60)
        wait(lambda: lonely.health() == "unhealthy", 120)
        assert lonely.sh("ls /tmp") == ""
        assert mounted.sh(f"ls {UPLOADS}").split().count("lonely") == 0
    lonely.wait_healthy(120)
    wait(lambda: lonely.sh("ls /tmp") == "written", 60)
    lonely.sh(f"echo kept > {UPLOADS}/lonely")
    assert mounted.sh(f"cat {UPLOADS}/lonely") == "kept"
    lonely.container.remove(force=True)


def test_a_mount_that_was_shut_out_is_made_anew(ceph: Ceph) -> None:
    second = ceph.mount(5)
    second.wait_healthy(120)
    second.sh(f"ls {UPLOADS}")
    clients = ceph.ceph("tell mds.shared:0 session ls")
    address = f"{ceph.subnet}.{CLIENT + 4}"
    (session,) = [one for one in clients if one["entity"]["addr"]["addr"].startswith(f"{address}:")]
    ceph.ceph(f"tell mds.shared:0 session evict id={session['id']}")
    wait(lambda: second.logs().count("starting fuse") == 2, 60)
    second.wait_healthy(180)
    second.sh(f"echo again > {UPLOADS}/again")
    second.container.remove(force=True)


@pytest.mark.parametrize("lost", [["store-3"], ["store-3", "state-3"]])
def test_an_empty_disk_is_filled(
    ceph: Ceph,
    mounted: Running,
    kept: dict[str, str],
    record_property: Record,
    lost: list[str],
) -> None:
    with writing(mounted, f"disk-{len(lost)}") as result:
        ceph.remove(3, ["osd", "mon"])
        for name in lost:
            ceph.lose(name)
        ceph.start("mon", 3)
        ceph.start("osd", 3)
        ceph.daemons["osd", 3].wait_healthy(300)
    assert result["errors"] == []
    report(record_property, result, ceph.wait_whole())
    assert ceph.checksums(mounted, f"{UPLOADS}/kept") == kept
    held = ceph.ceph("osd df")["nodes"]
    assert held[2]["kb_used_data"] > held[0]["kb_used_data"] / 2


def test_all_stopped_and_started_again(
    ceph: Ceph, mounted: Running, kept: dict[str, str], record_property: Record
) -> None:
    identity = ceph.ceph("fsid")
    for one in ceph.daemons.values():
        one.container.kill()
    for one in ceph.daemons.values():
        one.container.start()
    record_property("whole_s", round(ceph.wait_whole(), 1))
    mounted.wait_healthy(120)
    assert ceph.checksums(mounted, f"{UPLOADS}/kept") == kept
    assert ceph.ceph("fsid") == identity
    with writing(mounted, "again") as result:
        pass
    assert result["errors"] == []


def test_two_members_of_three_are_enough_to_start(ceph: Ceph, mounted: Running) -> None:
    for one in ceph.daemons.values():
        one.container.kill()
    for (_, number), one in ceph.daemons.items():
        if number != 3:
            one.container.start()
    mounted.wait_healthy(180)
    mounted.sh(f"echo two > {UPLOADS}/two")
    for kind in KINDS:
        ceph.daemons[kind, 3].container.start()
    ceph.wait_whole()


def test_a_killed_mount_comes_back(ceph: Ceph) -> None:
    second = ceph.mount(6)
    second.wait_healthy(120)
    second.sh("kill -9 $(pidof ceph-fuse)")
    wait(lambda: "mounting again" in second.logs(), 60)
    second.wait_healthy(120)
    # Killed as a whole, it finds what it has left behind.
    second.container.kill()
    second.container.start()
    second.wait_healthy(120)
    assert second.sh("grep -c ' /node/shared ' /proc/mounts") == "1"
    second.container.remove(force=True)


# --- what must not be guessed ------------------------------------------------------------------


def test_stores_that_the_monitors_dont_know_are_refused(start: Start) -> None:
    ceph = start()
    mounted = ceph.mount()
    mounted.wait_healthy(240)
    mounted.sh(f"echo kept > {UPLOADS}/file")
    ceph.wait_whole()
    mounted.container.remove(force=True)
    for number in (1, 2, 3):
        ceph.remove(number)
        ceph.volumes[f"state-{number}"].remove()
        del ceph.volumes[f"state-{number}"]
    # All monitors forgot everything: what the stores hold is nobody's.
    ceph.start_all()
    wait(lambda: ceph.status("osd")["state"] == "refused", 120)
    assert "the monitors don't know" in ceph.status("osd")["reason"]
    assert all(ceph.daemons["osd", number].health() != "healthy" for number in (1, 2, 3))
    with pytest.raises(NotFound):
        ceph.client.containers.get(mounted.container.id)
