"""Shared folders: which kind gives what, on the recording mock."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from pulumi import RunError

from components.node import Node
from components.storage import GlusterfsArgs, NfsArgs, StorageArgs, StorageEndpoint, budgets
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
