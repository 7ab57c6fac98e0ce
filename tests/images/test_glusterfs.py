"""GlusterFS keeps what was written: members, disks and networks fail, on real containers."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import docker
import pytest

from tests.images.conftest import LABEL, Built, Running, wait
from tests.images.deployed import (
    CLIENT,
    CUT,
    FIRST,
    Deployed,
    Record,
    report,
    subnets,
    took,
    writing,
)

pytestmark = [pytest.mark.live, pytest.mark.fault]

BRICK = "/bricks/brick"
CAPABILITIES = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "MKNOD",
    "SETGID",
    "SETUID",
    "SYS_ADMIN",
]
PING_TIMEOUT = 5  # s; short, so that the tests are

# Process that was started by this name; all of GlusterFS's are the same program.
PROCESS = (
    "grep -lzx {} /proc/[0-9]*/cmdline 2>/dev/null | while read -r file; do "
    "IFS= read -rd '' name < $file && [ $name = {} ] && cut -d ' ' -f 1 ${{file%cmdline}}stat; "
    "done; true"
).replace("{}", "{0}")

# An authority and one certificate for all members and clients, as the components make them.
CERTIFICATE = """
set -e
cd /etc/studip/tls
openssl ecparam -name prime256v1 -genkey -noout -out ca.key
openssl req -x509 -new -key ca.key -subj /CN=authority -days 30 -out authority.pem
openssl ecparam -name prime256v1 -genkey -noout -out key.pem
openssl req -new -key key.pem -subj /CN=storage -out request.pem
openssl x509 -req -in request.pem -CA authority.pem -CAkey ca.key -CAcreateserial -days 30 \\
    -out certificate.pem
rm ca.key request.pem
"""


@dataclass
class Storage(Deployed):
    """Three members and their clients on a network of their own."""

    certificate: str = ""  # volume with the certificate, if there is one
    members: list[Running] = field(default_factory=list)

    def start(self, number: int, **env: str) -> Running:
        """A member; its disks are those that it had before."""
        name = self.names[number - 1]
        allowed = [
            f"{self.subnet}.{last}" for last in (*range(FIRST, FIRST + 3), CLIENT, CLIENT + 1)
        ]
        member = self._run(
            "server",
            name,
            FIRST + number - 1,
            {
                "MEMBER": name,
                "ALLOW": ",".join(allowed),
                "CLUSTER": self.mark,
                "PING_TIMEOUT": str(PING_TIMEOUT),
                **self.env,
                **env,
            },
            {
                self.volume(f"state-{number}"): "/var/lib/glusterd",
                self.volume(f"brick-{number}"): "/bricks",
            },
        )
        self.members[number - 1 : number] = [member]
        return member

    def remove(self, number: int) -> None:
        """Kill a member and forget its container."""
        self.members[number - 1].container.remove(force=True)

    def mount(self, number: int = 1, **more: Any) -> Running:
        """A client that has mounted the volume."""
        return self._run(
            "client",
            f"client-{number}",
            CLIENT + number - 1,
            {"FOLDERS": "upload_doc=33 registry=999", **more.pop("env", {})},
            {self.volume(f"node-{number}"): "/node"},
            **more,
        )

    def _run(
        self,
        role: str,
        name: str,
        last: int,
        env: Mapping[str, str],
        volumes: Mapping[str, str],
        *,
        certificate: bool = True,
    ) -> Running:
        binds = {source: {"bind": target} for source, target in volumes.items()}
        if certificate and self.certificate:
            binds[self.certificate] = {"bind": "/etc/studip/tls", "mode": "ro"}
        return self.run(
            [role], name, last, env=env, binds=binds, capabilities=CAPABILITIES, fuse=True
        )

    def gluster(self, words: str, member: int = 1) -> str:
        """What `gluster` answers on a member."""
        return self.members[member - 1].sh(f"gluster --mode=script {words}")

    def status(self, member: int = 1) -> dict[str, Any]:
        """What a member knows."""
        found: dict[str, Any] = json.loads(self.members[member - 1].sh("storage-status"))
        return found

    def wait_healed(self, seconds: float = 180) -> float:
        """Wait until all members serve and nothing is to be healed: the seconds that it took."""

        def whole() -> bool:
            if not all(member.health() == "healthy" for member in self.members):
                return False
            summary = self.gluster("volume heal shared info summary")
            counts = [line for line in summary.splitlines() if line.startswith("Total Number")]
            return len(counts) == 3 and all(line.endswith(" 0") for line in counts)

        return took(whole, seconds)


Start = Callable[..., Storage]


@contextmanager
def storages(client: docker.DockerClient, image: str) -> Iterator[Start]:
    """`start(certificate=True, left=None, **env)`: a storage of three members, all started.

    `left`: Python that puts something on each brick before.
    """
    made: list[Storage] = []

    def start(*, certificate: bool = True, left: str | None = None, **env: str) -> Storage:
        network, first = subnet()
        storage = Storage(client, image, network, first, env)
        made.append(storage)
        if certificate:
            storage.certificate = storage.volume("certificate")
            client.containers.run(
                image,
                ["bash", "-c", CERTIFICATE],
                volumes={storage.certificate: {"bind": "/etc/studip/tls"}},
                labels={LABEL: "storage"},
                remove=True,
            )
        for number in (1, 2, 3):
            if left:
                client.containers.run(
                    image,
                    ["python3", "-c", left],
                    volumes={storage.volume(f"brick-{number}"): {"bind": "/bricks"}},
                    cap_add=["SYS_ADMIN"],
                    labels={LABEL: "storage"},
                    remove=True,
                )
            storage.start(number)
        return storage

    with subnets(client) as subnet:
        try:
            yield start
        finally:
            for storage in made:
                storage.close()


@pytest.fixture(scope="module")
def image(built: Built) -> str:
    """Of members and clients."""
    return built("glusterfs")


@pytest.fixture
def start(client: docker.DockerClient, image: str) -> Iterator[Start]:
    """`start(...)`: a storage of its own, for what leaves one in disorder."""
    with storages(client, image) as start:
        yield start


@pytest.fixture(scope="module")
def storage(session_client: docker.DockerClient, image: str) -> Iterator[Storage]:
    """A whole storage; each test leaves it whole."""
    with storages(session_client, image) as start:
        yield start()


@pytest.fixture(scope="module")
def mounted(storage: Storage) -> Running:
    """A client that has mounted it."""
    mounted = storage.mount()
    mounted.wait_healthy()
    return mounted


def brick(member: Running) -> str:
    """Process of a member's brick; empty if there is none."""
    return member.sh(PROCESS.format("/usr/sbin/glusterfsd"))


def kill_brick(member: Running) -> None:
    """Kill a member's brick, and nothing else of it."""
    member.sh(f"kill -9 {brick(member)}")


# --- set-up ------------------------------------------------------------------------------------


def test_members_become_one_volume(storage: Storage, mounted: Running) -> None:
    storage.wait_healed()
    info = storage.gluster("volume info shared")
    assert "Number of Bricks: 1 x 3 = 3" in info
    for option in (
        f"network.ping-timeout: {PING_TIMEOUT}",
        "cluster.quorum-type: auto",
        "cluster.server-quorum-type: server",
        "cluster.favorite-child-policy: mtime",
        "client.ssl: on",
        "server.ssl: on",
    ):
        assert option in info


def test_folders_belong_to_those_who_write_into_them(mounted: Running) -> None:
    folders = mounted.sh("cd /node/shared && stat -c '%n %u %g %a' upload_doc registry")
    assert folders.splitlines() == ["upload_doc 33 33 750", "registry 999 999 750"]
    mounted.sh("touch /node/shared/upload_doc/mine", user="33")
    with pytest.raises(AssertionError, match="Permission denied"):
        mounted.sh("touch /node/shared/registry/not-mine", user="33")


def test_what_one_node_writes_the_other_reads_at_once(storage: Storage, mounted: Running) -> None:
    second = storage.mount(2)
    second.wait_healthy(120)
    folder = "/node/shared/upload_doc"
    with pytest.raises(AssertionError, match="No such file"):
        second.sh(f"cat {folder}/news")  # what is not there must not be remembered
    mounted.sh(f"echo one > {folder}/news")
    assert second.sh(f"cat {folder}/news") == "one"
    second.sh(f"echo twice two > {folder}/news")
    wait(lambda: mounted.sh(f"cat {folder}/news") == "twice two", 5)
    second.container.remove(force=True)


def test_nobody_comes_in_without_a_certificate(storage: Storage) -> None:
    stranger = storage.mount(2, certificate=False)
    wait(lambda: "failed to fetch volume file" in stranger.logs(), 60)
    assert stranger.health() != "healthy"
    assert stranger.sh("gluster --remote-host=member-1 volume list 2>&1 || true") == (
        "Connection failed. Please check if gluster daemon is operational."
    )
    stranger.container.remove(force=True)


@pytest.mark.parametrize(
    ("role", "env", "message"),
    [
        ("server", {"MEMBERS": ""}, "MEMBERS is not set"),
        ("server", {"MEMBERS": "a,b"}, "MEMBERS: must be three, got 2"),
        ("server", {"MEMBERS": "a,b,b"}, 'MEMBERS: names must differ, got "a,b,b"'),
        ("server", {"MEMBERS": "a b"}, "MEMBERS: must be host names, separated by commas, got"),
        ("server", {"MEMBER": "d"}, 'MEMBER: must be one of a, b, c, got "d"'),
        ("server", {"ARBITER": "2"}, 'ARBITER: must be 0 or 1, got "2"'),
        ("server", {"PING_TIMEOUT": "0"}, 'PING_TIMEOUT: must be a number from 1 to 120, got "0"'),
        ("server", {"SPLIT_BRAIN": "newest"}, "SPLIT_BRAIN: must be one of none, mtime, ctime, "),
        ("server", {"ALLOW": "*"}, 'ALLOW: must be IPv4 addresses, separated by commas, got "*"'),
        ("server", {"QUOTAS": "a=1"}, 'QUOTAS: must be folder=500GB words, got "a=1"'),
        ("server", {"CLUSTER": ""}, "CLUSTER is not set"),
        ("client", {"MEMBERS": ""}, "MEMBERS is not set"),
        ("client", {"FOLDERS": "../a=33"}, 'FOLDERS: must be folder=uid words, got "../a=33"'),
    ],
)
def test_says_what_is_wrong_with_its_settings(
    client: docker.DockerClient, image: str, role: str, env: dict[str, str], message: str
) -> None:
    usual = {"MEMBERS": "a,b,c", "MEMBER": "a", "ALLOW": "198.19.0.1", "CLUSTER": "test"}
    made = client.containers.create(
        image, [role], environment=usual | env, labels={LABEL: "storage"}
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


def test_a_killed_brick_stops_nobody_and_is_healed(
    storage: Storage, mounted: Running, record_property: Record
) -> None:
    with writing(mounted, "brick") as result:
        kill_brick(storage.members[2])
        wait(lambda: brick(storage.members[2]), 120)
    assert result["errors"] == []
    report(record_property, result, storage.wait_healed())
    for member in storage.members:
        assert storage.checksums(member, f"{BRICK}/upload_doc/brick") == result["written"]


def test_a_killed_member_stops_nobody_and_is_healed(
    storage: Storage, mounted: Running, record_property: Record
) -> None:
    with writing(mounted, "member") as result:
        storage.remove(1)
        time.sleep(10)
        storage.start(1)
        storage.members[0].wait_healthy(180)
    assert result["errors"] == []
    report(record_property, result, storage.wait_healed())
    for member in storage.members:
        assert storage.checksums(member, f"{BRICK}/upload_doc/member") == result["written"]


def test_a_member_that_is_cut_off_is_waited_for_and_healed(
    storage: Storage, mounted: Running, record_property: Record
) -> None:
    with writing(mounted, "cut") as result:
        with storage.cut(storage.members[1]):
            time.sleep(CUT)
            # Alone it serves nobody: whoever it could reach would read what is old.
            wait(lambda: brick(storage.members[1]) == "", 60)
        time.sleep(2)
    assert result["errors"] == []
    report(record_property, result, storage.wait_healed())
    assert result["slowest"] > PING_TIMEOUT / 2  # else the test did not cut anything
    for member in storage.members:
        assert storage.checksums(member, f"{BRICK}/upload_doc/cut") == result["written"]


def test_a_node_that_is_cut_off_writes_nothing(storage: Storage) -> None:
    lonely = storage.mount(2)
    lonely.wait_healthy(120)
    with storage.cut(lonely):
        with pytest.raises(AssertionError, match=r"not connected|Read-only file system"):
            lonely.sh("echo lost > /node/shared/upload_doc/lonely")
        wait(lambda: lonely.health() == "unhealthy", 120)
    lonely.wait_healthy(120)
    lonely.sh("echo kept > /node/shared/upload_doc/lonely")
    lonely.container.remove(force=True)


@pytest.mark.parametrize("lost", [["brick-3"], ["state-3"], ["brick-3", "state-3"]])
def test_an_empty_disk_is_filled(
    storage: Storage, mounted: Running, record_property: Record, lost: list[str]
) -> None:
    before = storage.checksums(mounted, "/node/shared")
    assert before
    volume_id = storage.gluster("volume info shared").split("Volume ID: ")[1].split()[0]
    with writing(mounted, f"disk-{'-'.join(lost)}") as result:
        storage.remove(3)
        for name in lost:
            storage.lose(name)
        storage.start(3)
        storage.members[2].wait_healthy(300)
    assert result["errors"] == []
    report(record_property, result, storage.wait_healed())
    after = storage.checksums(mounted, "/node/shared")
    assert after.items() >= before.items()
    for member in storage.members:
        bricks = storage.checksums(member, f"{BRICK}/upload_doc")
        assert bricks == {
            name.removeprefix("upload_doc/"): digest
            for name, digest in after.items()
            if name.startswith("upload_doc/")
        }
    assert volume_id in storage.gluster("volume info shared", member=3)


def test_all_stopped_and_started_again(
    storage: Storage, mounted: Running, record_property: Record
) -> None:
    before = storage.checksums(mounted, "/node/shared")
    volume = storage.gluster("volume info shared")
    for member in storage.members:
        member.container.kill()
    for member in storage.members:
        member.container.start()
    record_property("healed_s", round(storage.wait_healed(), 1))
    mounted.wait_healthy(120)
    assert storage.checksums(mounted, "/node/shared") == before
    assert storage.gluster("volume info shared") == volume  # the same one, not a new one
    with writing(mounted, "again") as result:
        pass
    assert result["errors"] == []


def test_two_members_of_three_are_enough_to_start(storage: Storage, mounted: Running) -> None:
    for member in storage.members:
        member.container.kill()
    for member in storage.members[:2]:
        member.container.start()
    mounted.wait_healthy(180)
    mounted.sh("echo two > /node/shared/upload_doc/two")
    storage.members[2].container.start()
    storage.wait_healed()


def test_one_member_of_three_lets_nobody_write(storage: Storage, mounted: Running) -> None:
    for member in storage.members[1:]:
        member.container.kill()
    with pytest.raises(AssertionError, match=r"not connected|Read-only file system"):
        mounted.sh("echo one > /node/shared/upload_doc/one")
    for member in storage.members[1:]:
        member.container.start()
    storage.wait_healed()
    mounted.wait_healthy(120)
    mounted.sh("echo one > /node/shared/upload_doc/one")


def test_a_killed_mount_comes_back(storage: Storage) -> None:
    second = storage.mount(2)
    second.wait_healthy(120)
    second.sh(f"kill -9 $({PROCESS.format('glusterfs')})")
    wait(lambda: "mounting again" in second.logs(), 60)
    wait(lambda: second.sh("ls /node/shared/upload_doc > /dev/null && echo there") == "there", 60)
    # Killed as a whole, it finds what it has left behind.
    second.container.kill()
    second.container.start()
    second.wait_healthy(120)
    assert second.sh("grep -c ' /node/shared ' /proc/mounts") == "1"
    second.container.remove(force=True)


def test_torn_files_are_settled_by_the_policy_or_by_hand(
    storage: Storage, mounted: Running
) -> None:
    folder = "/node/shared/upload_doc"
    files = ("by-policy", "by-time", "by-member")
    for file in files:
        mounted.sh(f"echo before > {folder}/{file}")
    for member in storage.members:
        signal_supervisor(member, "STOP")  # it would help
    # Only without any quorum can it come to that.
    for option in ("quorum-type none", "server-quorum-type none", "favorite-child-policy none"):
        storage.gluster(f"volume set shared cluster.{option}")
    storage.gluster("volume set shared cluster.self-heal-daemon off")
    for alone, version in (([2, 3], "older"), ([1], "newest")):
        for number in alone:
            kill_brick(storage.members[number - 1])
        for file in files:
            mounted.sh(f"until echo {version} > {folder}/{file}; do sleep 0.2; done")
        storage.gluster("volume start shared force")
        wait(lambda: all(online(storage)), 60)
    for file in files:
        said = mounted.sh(f"until cat {folder}/{file} 2>&1 | grep error; do sleep 0.2; done")
        assert "Input/output error" in said
    torn = storage.gluster("volume heal shared info split-brain")
    assert all(torn.count(f"/upload_doc/{file}") == 3 for file in files)
    signal_supervisor(storage.members[1], "CONT")
    wait(lambda: storage.status(2)["split_brain"] == len(files), 120)

    # As docs/storage.md says it.
    heal = "volume heal shared split-brain"
    storage.gluster(f"{heal} latest-mtime /upload_doc/by-time")
    storage.gluster(f"{heal} source-brick member-2:{BRICK} /upload_doc/by-member")
    # The first member sets the options again that the settings say; the policy decides.
    for member in (storage.members[0], storage.members[2]):
        signal_supervisor(member, "CONT")
    wait(lambda: storage.status(2)["split_brain"] == 0, 240)
    storage.wait_healed()
    for file, version in zip(files, ("newest", "newest", "older"), strict=True):
        assert mounted.sh(f"cat {folder}/{file}") == version
        for member in storage.members:
            assert member.sh(f"cat {BRICK}/upload_doc/{file}") == version


def signal_supervisor(member: Running, name: str) -> None:
    """Stop or continue the program that watches a member."""
    member.sh(
        "for file in $(grep -lzx server /proc/[0-9]*/cmdline); do "
        f"pid=$(cut -d ' ' -f 1 < ${{file%cmdline}}stat); [ $pid = 1 ] || kill -{name} $pid; done"
    )


def online(storage: Storage) -> list[bool]:
    """Which bricks run."""
    lines = storage.gluster("volume status shared", 2).splitlines()
    return [line.split()[-2] == "Y" for line in lines if line.startswith("Brick ")]


# --- arbiter and quota -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def arbitrated(session_client: docker.DockerClient, image: str) -> Iterator[Storage]:
    """Two copies and an arbiter, with a quota and without certificates."""
    with storages(session_client, image) as start:
        yield start(certificate=False, ARBITER="1", QUOTAS="upload_doc=20MB")


@pytest.fixture(scope="module")
def small(arbitrated: Storage) -> Running:
    """A client of the storage with an arbiter."""
    mounted = arbitrated.mount()
    mounted.wait_healthy(240)
    return mounted


def test_without_certificates_addresses_decide(arbitrated: Storage, small: Running) -> None:
    assert small.health() == "healthy"
    stranger = arbitrated.mount(5)
    time.sleep(3 * PING_TIMEOUT)
    assert stranger.health() != "healthy"
    with pytest.raises(AssertionError, match="not connected"):
        stranger.sh("ls /node/shared")
    stranger.container.remove(force=True)


def test_an_arbiter_keeps_no_contents(arbitrated: Storage, small: Running) -> None:
    small.sh("head -c 1000000 /dev/urandom > /node/shared/upload_doc/big")
    arbitrated.wait_healed()
    digest = small.sh("sha256sum < /node/shared/upload_doc/big")
    for member in arbitrated.members[:2]:
        assert member.sh(f"sha256sum < {BRICK}/upload_doc/big") == digest
    assert arbitrated.members[2].sh(f"stat -c %s {BRICK}/upload_doc/big") == "0"


def test_an_arbiter_and_one_copy_are_enough(
    arbitrated: Storage, small: Running, record_property: Record
) -> None:
    with writing(small, "arbiter") as result:
        arbitrated.remove(1)
        time.sleep(10)
        arbitrated.start(1)
        arbitrated.members[0].wait_healthy(180)
    assert result["errors"] == []
    report(record_property, result, arbitrated.wait_healed())
    for member in arbitrated.members[:2]:
        assert arbitrated.checksums(member, f"{BRICK}/upload_doc/arbiter") == result["written"]


def test_a_folder_holds_no_more_than_its_quota(arbitrated: Storage, small: Running) -> None:
    wait(lambda: "20.0MB" in arbitrated.gluster("volume quota shared list"), 120)
    fill = "head -c 1000000 /dev/urandom > /node/shared/{}/part-$number"
    with pytest.raises(AssertionError, match="Disk quota exceeded"):
        small.sh(
            "set -e; for number in $(seq 100); do "
            + fill.format("upload_doc")
            + "; sleep 0.2; done"
        )
    small.sh("number=1; " + fill.format("registry"))  # its folder has none


# A peer went away while the volume was created (seen where three first starts shared two cores).
FAILED_CREATION = """
import os
os.makedirs("/bricks/brick/.glusterfs")
os.setxattr("/bricks/brick", "trusted.glusterfs.volume-id", bytes(range(16)))
"""


def test_what_a_failed_creation_has_left_is_no_data(start: Start) -> None:
    storage = start(left=FAILED_CREATION)
    storage.mount().wait_healthy(240)
    storage.wait_healed()


# --- what must not be guessed ------------------------------------------------------------------


def test_a_brick_of_another_storage_is_refused(start: Start) -> None:
    storage = start()
    storage.mount().wait_healthy(240)
    storage.wait_healed()
    for number in (1, 2, 3):
        storage.remove(number)
        storage.lose(f"state-{number}")
    # All states are gone: the bricks hold data that nobody knows.
    for number in (1, 2, 3):
        storage.start(number)
    wait(lambda: storage.status()["state"] == "refused", 120)
    assert "holds data, but no member knows the volume" in storage.status()["reason"]
    assert all(member.health() != "healthy" for member in storage.members)
    assert storage.members[0].sh(f"ls {BRICK}").split() == ["registry", "upload_doc"]
