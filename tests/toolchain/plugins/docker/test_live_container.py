"""Containers through their lives on the real engine: services of their own, and jobs."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from toolchain.plugins.common.values import Secret

from .conftest import Bench, Failed, Plugin, drift, eventually, rootfs, started, unchanged

pytestmark = pytest.mark.live

CONTAINER = "docker:index/container:Container"
NETWORK = "docker:index/network:Network"
VOLUME = "docker:index/volume:Volume"


def job(bench: Bench, script: str, **more: Any) -> dict[str, Any]:
    """A container that runs a script to its end."""
    return {
        "name": bench.name("job"),
        "labels": bench.labels,
        "image": rootfs(),
        "command": ["bash", "-c", script],
        "attach": True,
        "mustRun": False,
        "logs": True,
        **more,
    }


def server(bench: Bench, **more: Any) -> dict[str, Any]:
    """A container that keeps running."""
    return {
        "name": bench.name("server"),
        "labels": bench.labels,
        "image": rootfs(),
        "command": ["sleep", "600"],
        "init": True,
        **more,
    }


def names(bench: Bench) -> list[str]:
    """Containers of the test, running or not."""
    mark = f"{bench.labels[0]['label']}={bench.mark}"
    return [one.name for one in bench.client.containers.list(all=True, filters={"label": mark})]


def test_a_container_with_everything_is_found_unchanged(plugin: Plugin, bench: Bench) -> None:
    network = plugin.create(
        NETWORK, "net", {"driver": "overlay", "attachable": True, "labels": bench.labels}
    )
    volume = plugin.create(VOLUME, "data", {"labels": bench.labels})
    inputs = server(
        bench,
        envs=["A=1", "B=x=y"],
        user="33",
        hostname="server",
        workingDir="/tmp",
        readOnly=True,
        tmpfs={"/tmp": "mode=1777"},
        capabilities={"adds": ["CAP_NET_BIND_SERVICE"], "drops": ["ALL"]},
        securityOpts=["no-new-privileges"],
        networksAdvanced=[{"name": network.id, "aliases": ["a", "b"]}],
        volumes=[{"volumeName": volume.id, "containerPath": "/data"}],
        mounts=[{"type": "tmpfs", "target": "/run", "tmpfsOptions": {"sizeBytes": 1 << 20}}],
        memory=64,
        memoryReservation=16,
        cpus="0.5",
        cpuShares=512,
        logDriver="json-file",
        logOpts={"max-size": "1m"},
        restart="on-failure",
        maxRetryCount=3,
        ulimits=[{"name": "nofile", "soft": 1024, "hard": 2048}],
        hosts=[{"host": "somewhere", "ip": "198.18.0.1"}],
        dns=["198.18.0.2"],
        healthcheck={"tests": ["CMD", "true"], "interval": "200ms"},
        wait=True,
        stopTimeout=1,
        shmSize=8,
        ports=[{"internal": 8080}],
    )
    thing = plugin.create(CONTAINER, "server", inputs)
    unchanged(plugin, thing, inputs)
    assert thing.outputs["networkDatas"][0]["networkName"] == network.outputs["name"]
    plugin.delete(thing)
    assert plugin.read(thing) is None
    plugin.delete(thing)
    for part in (volume, network):
        plugin.delete(part)


def test_a_container_mounts_for_its_node(plugin: Plugin, bench: Bench, shared_folder: Path) -> None:
    # What a client of a file system needs: the node's network, a device, a capability, and a bind
    # through which the node sees what is mounted.
    script = "mkdir /node/there && mount -t tmpfs none /node/there && touch /node/there/seen"
    inputs = server(
        bench,
        command=["bash", "-c", f"{script} && exec sleep 600"],
        networkMode="host",
        hosts=[{"host": "member-1", "ip": "198.18.0.1"}],
        devices=[{"hostPath": "/dev/fuse"}],
        capabilities={"adds": ["CAP_SYS_ADMIN"], "drops": ["ALL"]},
        securityOpts=["apparmor=unconfined"],
        mounts=[
            {
                "type": "bind",
                "target": "/node",
                "source": str(shared_folder),
                "bindOptions": {"propagation": "rshared"},
            }
        ],
        uploads=[{"file": "/etc/studip/key", "content": Secret("x"), "permissions": "0400"}],
        restart="always",
        healthcheck={"tests": ["CMD", "test", "-e", "/node/there/seen"], "interval": "200ms"},
        wait=True,
    )
    thing = plugin.create(CONTAINER, "server", inputs)
    assert (shared_folder / "there" / "seen").exists()
    assert os.path.ismount(shared_folder / "there")
    container = bench.client.containers.get(thing.id)
    script = "grep member-1 /etc/hosts; stat -c %a /etc/studip/key; : < /dev/fuse; echo opened"
    _, said = container.exec_run(["bash", "-c", script])
    assert said.decode().split() == ["198.18.0.1", "member-1", "400", "opened"]
    unchanged(plugin, thing, inputs)
    plugin.delete(thing)


@pytest.fixture
def shared_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose mounts containers and the machine share, as all folders do with systemd."""
    subprocess.run(["mount", "--bind", tmp_path, tmp_path], check=True)
    try:
        subprocess.run(["mount", "--make-rshared", tmp_path], check=True)
        yield tmp_path
    finally:
        subprocess.run(["umount", "--recursive", "--lazy", tmp_path], check=True)


def test_a_job_gives_its_exit_code_and_output(plugin: Plugin, bench: Bench) -> None:
    inputs = job(bench, "echo out; echo err >&2; sleep 0.5; echo done")
    thing = plugin.create(CONTAINER, "job", inputs)
    assert thing.outputs["exitCode"] == 0
    assert sorted(thing.outputs["containerLogs"].split()) == ["done", "err", "out"]
    assert "done" in plugin.log.lines
    unchanged(plugin, thing, inputs)
    again = job(bench, "echo other")
    diff = plugin.diff(thing, again)
    assert diff.changes == {"command": "UPDATE_REPLACE"}
    assert diff.delete_before_replace
    plugin.delete(thing)


def test_a_job_that_fails_is_told_with_its_last_lines_and_leaves_nothing(
    plugin: Plugin, bench: Bench
) -> None:
    with pytest.raises(Failed) as caught:
        plugin.create(CONTAINER, "job", job(bench, "echo table users is locked; exit 7"))
    assert str(caught.value) == (
        f"container {bench.name('job')} ended with exit code 7\n"
        "its last lines of output:\n  table users is locked"
    )
    assert caught.value.incomplete is None
    assert names(bench) == []
    plugin.create(CONTAINER, "job", job(bench, "true"))


def test_a_job_that_removes_itself_is_done_not_missing(plugin: Plugin, bench: Bench) -> None:
    inputs = job(bench, "echo bye", rm=True)
    thing = plugin.create(CONTAINER, "job", inputs)
    assert thing.outputs["exitCode"] == 0
    assert thing.outputs["containerLogs"] == "bye\n"
    eventually(lambda: names(bench) == [])
    unchanged(plugin, thing, inputs)
    plugin.delete(thing)


def test_an_interrupted_job_goes_on_and_the_next_run_waits_for_it(
    plugin: Plugin, bench: Bench, tmp_path: Path
) -> None:
    inputs = job(bench, "sleep 3; echo migrated")
    threading.Timer(1, plugin.cancel).start()
    with pytest.raises(Failed, match="interrupted") as caught:
        plugin.create(CONTAINER, "job", inputs)
    incomplete = caught.value.incomplete
    assert names(bench) == [bench.name("job")]
    with started(tmp_path) as next_run:
        thing = next_run.create(CONTAINER, "job", inputs, preview=True)
        thing.id = incomplete.id
        thing = next_run.update(thing, inputs)
        assert thing.outputs["exitCode"] == 0
        assert thing.outputs["containerLogs"] == "migrated\n"


def test_what_an_interrupted_run_left_behind_makes_way(plugin: Plugin, bench: Bench) -> None:
    first = plugin.create(CONTAINER, "server", server(bench))
    second = plugin.create(CONTAINER, "server", server(bench))
    assert first.id != second.id
    assert names(bench) == [bench.name("server")]
    stranger = [{"label": "owner", "value": "us"}]
    with pytest.raises(Failed, match=r"already.*remove it"):
        plugin.create(CONTAINER, "server", server(bench, labels=stranger))
    assert names(bench) == [bench.name("server")]


def test_uploads_arrive_and_stay_secret(plugin: Plugin, bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("from a file")
    inputs = job(
        bench,
        "cat /a/password /b /c; stat -c %a:%u:%g /a/password /b /c",
        uploads=[
            {"file": "/a/password", "content": "hush-hush", "permissions": "0600", "owner": "33"},
            {"file": "/b", "contentBase64": base64.b64encode(b"encoded").decode()},
            {"file": "/c", "source": "file.txt", "executable": True},
        ],
        logs=False,
    )
    thing = plugin.create(CONTAINER, "job", inputs)
    output = bench.client.containers.get(thing.id).logs().decode()
    assert output == "hush-hushencodedfrom a file600:33:0\n644:0:0\n744:0:0\n"
    assert thing.state["uploads"][0]["content"] == Secret("hush-hush")
    assert "containerLogs" not in thing.state
    unchanged(plugin, thing, inputs)
    assert not any("hush-hush" in line for line in plugin.log.lines)
    failing = job(bench, "echo the password is hush-hush; exit 1", uploads=inputs["uploads"])
    plugin.delete(thing)
    with pytest.raises(Failed) as caught:
        plugin.create(CONTAINER, "job", failing)
    assert "the password is [secret]" in str(caught.value)


def test_a_container_that_is_not_healthy_in_time_is_told_and_removed(
    plugin: Plugin, bench: Bench
) -> None:
    check = {"tests": ["CMD-SHELL", "echo closed; exit 1"], "interval": "200ms", "retries": 1}
    inputs = server(bench, healthcheck=check, wait=True, waitTimeout=2)
    with pytest.raises(Failed, match="is not healthy in time; its health check said: closed"):
        plugin.create(CONTAINER, "server", inputs)
    assert names(bench) == []


def test_a_missing_network_leaves_no_container(plugin: Plugin, bench: Bench) -> None:
    inputs = server(bench, networksAdvanced=[{"name": "nowhere-at-all"}])
    with pytest.raises(Failed, match="network nowhere-at-all not found"):
        plugin.create(CONTAINER, "server", inputs)
    assert names(bench) == []


def test_limits_change_in_place(plugin: Plugin, bench: Bench) -> None:
    thing = plugin.create(CONTAINER, "server", server(bench, memory=64))
    inputs = server(bench, memory=48, restart="always", cpuShares=256)
    assert set(plugin.diff(thing, inputs).changes.values()) == {"ADD", "UPDATE"}
    after = plugin.update(thing, inputs)
    assert after.id == thing.id
    found = bench.client.api.inspect_container(thing.id)["HostConfig"]
    assert found["Memory"] == 48 << 20
    assert found["RestartPolicy"]["Name"] == "always"
    unchanged(plugin, after, inputs)


def test_a_stopped_container_is_found_and_started_again(plugin: Plugin, bench: Bench) -> None:
    inputs = server(bench)
    thing = plugin.create(CONTAINER, "server", inputs)
    bench.client.containers.get(thing.id).stop(timeout=1)
    found, changes = drift(plugin, thing)
    assert changes == {"mustRun": "UPDATE"}
    after = plugin.update(found, inputs)
    assert bench.client.containers.get(thing.id).status == "running"
    unchanged(plugin, after, inputs)


def test_limits_changed_by_hand_are_found_and_repaired(plugin: Plugin, bench: Bench) -> None:
    inputs = server(bench, memory=64)
    thing = plugin.create(CONTAINER, "server", inputs)
    bench.client.containers.get(thing.id).update(mem_limit=32 << 20)
    found, changes = drift(plugin, thing)
    assert changes == {"memory": "UPDATE"}
    unchanged(plugin, plugin.update(found, inputs), inputs)


def test_a_removed_container_is_found_missing(plugin: Plugin, bench: Bench) -> None:
    thing = plugin.create(CONTAINER, "server", server(bench))
    bench.client.containers.get(thing.id).remove(force=True)
    assert plugin.read(thing) is None


def test_a_lost_network_is_found(plugin: Plugin, bench: Bench) -> None:
    network = plugin.create(NETWORK, "net", {"labels": bench.labels})
    inputs = server(bench, networksAdvanced=[{"name": network.outputs["name"]}])
    thing = plugin.create(CONTAINER, "server", inputs)
    bench.client.networks.get(network.id).disconnect(thing.id)
    assert drift(plugin, thing)[1] == {"networksAdvanced": "ADD_REPLACE"}


def test_a_container_is_stopped_gently(plugin: Plugin, bench: Bench) -> None:
    volume = plugin.create(VOLUME, "data", {"labels": bench.labels})
    script = (
        "trap 'mv /data/ready /data/stopped; exit' TERM; touch /data/ready; "
        "while true; do sleep 0.1; done"
    )
    inputs = server(
        bench,
        command=["bash", "-c", script],
        volumes=[{"volumeName": volume.id, "containerPath": "/data"}],
        destroyGraceSeconds=20,
        healthcheck={"tests": ["CMD", "test", "-f", "/data/ready"], "interval": "200ms"},
        wait=True,
    )
    thing = plugin.create(CONTAINER, "server", inputs)
    before = time.monotonic()
    plugin.delete(thing)
    assert time.monotonic() - before < 15
    look = job(bench, "ls /data", volumes=[{"volumeName": volume.id, "containerPath": "/data"}])
    assert plugin.create(CONTAINER, "job", look).outputs["containerLogs"] == "stopped\n"
