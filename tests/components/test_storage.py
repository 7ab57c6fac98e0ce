"""Shared folders: which kind gives what, on the recording mock."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from pulumi import RunError

from components.node import Node
from components.storage import (
    CephClusterArgs,
    CephfsArgs,
    CephMembersArgs,
    GlusterfsArgs,
    NfsArgs,
    StorageArgs,
    StorageEndpoint,
    budgets,
)
from components.swarm.storage import WATCH, Storage
from components.workload import Logging, Mount, Resources
from tests.recording import DIGEST, Recording, record

RESOURCES = Resources(cpu_limit=0.5, memory_limit=64)
NODES = [Node(name=f"node-{number}", address=f"198.19.0.{number}") for number in (1, 2, 3, 4)]
GLUSTERFS = GlusterfsArgs(
    images={node.name: DIGEST for node in NODES},
    folder="/var/lib/studip/test",
    members=NODES[:3],
    certificate=None,
    ping_timeout=7,
    quotas={"upload-doc": "500GB"},
    disks={"node-2": "/srv/disk"},
    resources=RESOURCES,
    client_resources=RESOURCES,
    logging=Logging(),
)
ARGS = StorageArgs(
    kind="glusterfs", labels={}, nodes=NODES, folders={"registry": 999}, glusterfs=GLUSTERFS
)
CEPH = CephMembersArgs(
    members=NODES[:3],
    secret="of-this-test",
    grace=8,
    size=50,
    disks={"node-2": "/srv/disk"},
    resources=RESOURCES,
    daemon_resources=RESOURCES,
)
CEPHFS = CephfsArgs(
    images={node.name: DIGEST for node in NODES},
    folder="/var/lib/studip/test",
    quotas={"upload-doc": "500GB"},
    client_resources=RESOURCES,
    logging=Logging(),
    source=CEPH,
)
CEPH_ARGS = StorageArgs(
    kind="cephfs", labels={}, nodes=NODES, folders={"registry": 999}, cephfs=CEPHFS
)
CONTAINER = "docker:index/container:Container"
VOLUME = "docker:index/volume:Volume"


def recorded(args: StorageArgs) -> tuple[Recording, StorageEndpoint]:
    """What a storage registers, and what it tells the others."""
    found: list[StorageEndpoint] = []
    recording = record(lambda: found.append(Storage("storage", args).endpoint))
    return recording, found[0]


def environment(container: Any) -> dict[str, str]:
    """A container's environment."""
    return dict(pair.split("=", 1) for pair in container.inputs["envs"])


def test_members_are_changed_one_after_the_other_and_mounts_after_them() -> None:
    recording, _ = recorded(ARGS)
    chain = [f"storage-{n}-container" for n in (1, 2, 3)]
    chain += [f"storage-mount-node-{n}-container" for n in (1, 2, 3, 4)]
    containers = {one.name: one for one in recording.of_type(CONTAINER)}
    for before, after in pairwise(chain):
        assert containers[before].urn in containers[after].depends_on
        assert containers[after].replaced_delete_first
        assert containers[after].inputs["wait"]
        assert containers[after].inputs["restart"] == "always"


def test_timers_and_addresses_reach_the_members() -> None:
    recording, _ = recorded(ARGS)
    first = next(one for one in recording.of_type(CONTAINER) if one.inputs["name"] == "storage-1")
    found = environment(first)
    assert found["MEMBERS"] == "storage-1,storage-2,storage-3"
    assert found["PING_TIMEOUT"] == "7"
    assert found["QUOTAS"] == "upload-doc=500GB"
    assert found["ALLOW"] == "198.19.0.1,198.19.0.2,198.19.0.3,198.19.0.4"
    assert {one["host"]: one["ip"] for one in first.inputs["hosts"]} == {
        "storage-1": "198.19.0.1",
        "storage-2": "198.19.0.2",
        "storage-3": "198.19.0.3",
    }


def test_a_disk_of_the_node_takes_the_volumes_place() -> None:
    recording, _ = recorded(ARGS)
    made = {one.inputs["name"] for one in recording.of_type(VOLUME)}
    assert made == {
        "storage-1-brick",
        "storage-1-state",
        "storage-2-state",
        "storage-3-brick",
        "storage-3-state",
    }
    second = next(one for one in recording.of_type(CONTAINER) if one.inputs["name"] == "storage-2")
    disk = next(one for one in second.inputs["mounts"] if one["target"] == "/bricks")
    assert disk == {"target": "/bricks", "type": "bind", "source": "/srv/disk", "readOnly": False}


def test_every_mount_makes_every_folder_with_its_owner() -> None:
    recording, endpoint = recorded(ARGS)
    mounts = [
        one for one in recording.of_type(CONTAINER) if "FOLDERS" in str(one.inputs.get("envs"))
    ]
    assert len(mounts) == len(NODES)
    for one in mounts:
        folders = dict(pair.split("=") for pair in environment(one)["FOLDERS"].split())
        assert folders["registry"] == "999"
        assert folders["upload-doc"] == folders["plugins-packages"] == "33"
        assert set(folders) == set(endpoint.folders)
    kinds = {mount.target: mount.kind for mount in endpoint.mounts}
    assert kinds["/var/www/studip/data/upload_doc"] == "bind"
    assert kinds["/var/www/studip/data/media_cache"] == "tmpfs"
    watched = next(mount for mount in endpoint.mounts if mount.target == WATCH)
    assert watched.propagation == "rslave"
    assert watched.read_only


def test_a_folder_is_had_for_the_asking_if_it_is_known() -> None:
    _, endpoint = recorded(ARGS)
    mount = endpoint.folder("registry", "/var/lib/registry")
    assert isinstance(mount, Mount)
    assert (mount.kind, mount.target) == ("bind", "/var/lib/registry")
    with pytest.raises(RunError, match="there is no folder backups; there are archiv, oer,"):
        endpoint.folder("backups", "/backups")


@pytest.mark.parametrize("members", [[], NODES[:2], NODES])
def test_members_are_three(members: list[Node]) -> None:
    wrong = replace(ARGS, glusterfs=replace(GLUSTERFS, members=members))
    with pytest.raises(RunError, match=f"needs 3 members, got {len(members)}"):
        recorded(wrong)


def test_daemons_of_a_kind_are_changed_one_after_the_other_and_mounts_after_them() -> None:
    recording, _ = recorded(CEPH_ARGS)
    containers = {one.name: one for one in recording.of_type(CONTAINER)}

    def named(kind: str) -> list[str]:
        return [f"storage-{n}-{kind}-container" for n in (1, 2, 3)]

    mounts = [f"storage-mount-node-{n}-container" for n in (1, 2, 3, 4)]
    for chain in (named("mon") + named("osd") + named("mds") + mounts, named("mon") + named("mgr")):
        for before, after in pairwise(chain):
            assert containers[before].urn in containers[after].depends_on
            assert containers[after].replaced_delete_first
            assert containers[after].inputs["wait"]
            assert containers[after].inputs["restart"] == "always"
    assert containers[named("mgr")[-1]].urn in containers[mounts[0]].depends_on


def test_stores_and_monitors_keep_their_data_and_no_other_daemon_does() -> None:
    recording, _ = recorded(CEPH_ARGS)
    made = {one.inputs["name"] for one in recording.of_type(VOLUME)}
    assert made == {
        *(f"storage-{number}-state" for number in (1, 2, 3)),
        *("storage-1-store", "storage-3-store"),
    }
    mounts = {
        one.inputs["name"]: {mount["target"]: mount["source"] for mount in one.inputs["mounts"]}
        for one in recording.of_type(CONTAINER)
        if "mounts" in one.inputs
    }
    assert mounts["storage-1-mon"] == {"/var/lib/ceph": "storage-1-state"}
    assert mounts["storage-2-osd"] == {
        "/var/lib/ceph": "storage-2-state",
        "/store": "/srv/disk",
    }
    assert not mounts["storage-1-mds"]
    assert not mounts["storage-1-mgr"]


def test_a_daemon_is_given_its_own_key_and_no_capability() -> None:
    recording, _ = recorded(CEPH_ARGS)
    for one in recording.of_type(CONTAINER):
        name = one.inputs["name"]
        if not name.startswith("storage-") or "folder" in name:
            continue
        (given,) = one.inputs["uploads"]
        assert given["file"] == "/etc/studip/key/keyring"
        entities = [line for line in given["content"]["value"].splitlines() if line.startswith("[")]
        assert len(entities) == (12 if name.endswith("-mon") else 1), name
        adds = one.inputs["capabilities"].get("adds", [])
        assert bool(adds) == ("mount" in name), name


def test_timers_size_and_quotas_reach_the_daemons() -> None:
    recording, _ = recorded(CEPH_ARGS)
    containers = {one.inputs["name"]: one for one in recording.of_type(CONTAINER)}
    found = environment(containers["storage-3-osd"])
    assert found["MEMBERS"] == "storage-1,storage-2,storage-3"
    assert (found["MEMBER"], found["GRACE"], found["SIZE"]) == ("storage-3", "8", "50")
    mount = environment(containers["storage-mount-node-4"])
    assert mount["QUOTAS"] == "upload-doc=500GB"
    assert "registry=999" in mount["FOLDERS"].split()


def test_a_cluster_of_the_site_is_only_mounted() -> None:
    cluster = CephClusterArgs(
        monitors=["ceph-a.test", "ceph-b.test:6789"],
        user="uploads",
        key="AQ==",
        filesystem="campus",
        path="/studip",
    )
    recording, endpoint = recorded(replace(CEPH_ARGS, cephfs=replace(CEPHFS, source=cluster)))
    containers = [one for one in recording.of_type(CONTAINER) if "folder" not in one.inputs["name"]]
    assert [one.inputs["name"] for one in containers] == [
        f"storage-mount-node-{number}" for number in (1, 2, 3, 4)
    ]
    found = environment(containers[0])
    assert found["MONITORS"] == "ceph-a.test,ceph-b.test:6789"
    assert (found["CEPH_USER"], found["FILESYSTEM"], found["FOLDER"]) == (
        *("uploads", "campus", "/studip"),
    )
    (given,) = containers[0].inputs["uploads"]
    assert given["content"]["value"] == "[client.uploads]\n\tkey = AQ==\n"
    assert endpoint.folders["registry"].kind == "bind"
    assert not recording.of_type(VOLUME)


@pytest.mark.parametrize("members", [[], NODES[:2], NODES])
def test_ceph_has_three_members_too(members: list[Node]) -> None:
    wrong = replace(CEPH_ARGS, cephfs=replace(CEPHFS, source=replace(CEPH, members=members)))
    with pytest.raises(RunError, match=f"needs 3 members, got {len(members)}"):
        recorded(wrong)


def test_nfs_is_mounted_by_each_engine_when_a_container_asks() -> None:
    args = StorageArgs(
        kind="nfs",
        labels={},
        nodes=NODES[:2],
        nfs=NfsArgs(server="files.test", path="/export/", timeout=1.5, retries=3),
    )
    recording, endpoint = recorded(args)
    volumes = recording.of_type(VOLUME)
    assert len(volumes) == 2 * len(endpoint.folders)
    uploads = [one for one in volumes if one.inputs["name"] == "storage-upload-doc"]
    assert len(uploads) == 2
    for one in uploads:
        assert one.inputs["driver"] == "local"
        assert one.inputs["driverOpts"] == {
            "type": "nfs",
            "o": "addr=files.test,nfsvers=4.2,proto=tcp,hard,timeo=15,retrans=3",
            "device": ":/export/upload-doc",
        }


def test_budgets_come_from_the_timer_that_is_rendered() -> None:
    outages = {budget.fault: budget.outage for budget in budgets(ARGS)}
    assert outages == {
        "storage brick killed": 1.0,
        "network of a storage node cut": 14.0,
        "storage node killed": 14.0,
    }
    assert budgets(StorageArgs(labels={})) == []


def test_ceph_is_missed_after_its_grace() -> None:
    outages = {budget.fault: budget.outage for budget in budgets(CEPH_ARGS)}
    # 8 s until missed; 2 s election, 1 s tick, 3 s take-over, 8 s for the lost node's mount.
    assert outages == {
        "storage OSD killed": 3.0,
        "storage metadata server killed": 12.0,
        "network of a storage node cut": 30.0,
        "storage node killed": 30.0,
    }
    cluster = CephClusterArgs(monitors=["a"], user="u", key="k", filesystem="f")
    assert budgets(replace(CEPH_ARGS, cephfs=replace(CEPHFS, source=cluster))) == []
