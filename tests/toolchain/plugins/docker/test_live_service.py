"""Services through their lives on the real engine: roll-outs, failures, changes by hand."""

from __future__ import annotations

import base64
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from toolchain.plugins.common.values import from_struct

from .conftest import (
    Bench,
    Failed,
    Object,
    Plugin,
    drift,
    eventually,
    rootfs,
    started,
    unchanged,
    urn,
)

pytestmark = pytest.mark.live

SERVICE = "docker:index/service:Service"
NETWORK = "docker:index/network:Network"
VOLUME = "docker:index/volume:Volume"
SECRET = "docker:index/secret:Secret"
CONFIG = "docker:index/serviceConfig:ServiceConfig"

# A container that is told to stop stops.
FOREVER = ["bash", "-c", "trap exit TERM; while true; do sleep 0.2; done"]


def service(bench: Bench, *, replicas: int = 1, **container: Any) -> dict[str, Any]:
    """A small service that comes up quickly and waits for it."""
    spec = {"image": rootfs(), "commands": FOREVER, "stopGracePeriod": "2s", **container}
    return {
        "name": bench.name("web"),
        "labels": bench.labels,
        "mode": {"replicated": {"replicas": replicas}},
        "convergeConfig": {"delay": "1s", "timeout": "60s"},
        "updateConfig": {"failureAction": "rollback", "monitor": "1s", "order": "start-first"},
        "taskSpec": {"containerSpec": spec, "restartPolicy": {"condition": "any", "delay": "1s"}},
    }


def by_hand(*words: str) -> None:
    """What an operator would do."""
    subprocess.run(["docker", *words], check=True, capture_output=True, timeout=120)


def running(bench: Bench, thing: Object) -> list[dict[str, Any]]:
    """The tasks of a service that run."""
    tasks = bench.client.api.tasks(filters={"service": thing.id, "desired-state": "running"})
    return [one for one in tasks if one["Status"]["State"] == "running"]


def test_a_service_with_everything_is_found_unchanged(plugin: Plugin, bench: Bench) -> None:
    network = plugin.create(
        NETWORK, "net", {"driver": "overlay", "attachable": True, "labels": bench.labels}
    )
    volume = plugin.create(VOLUME, "data", {"labels": bench.labels})
    secret = plugin.create(
        SECRET, "secret", {"labels": bench.labels, "data": base64.b64encode(b"hush").decode()}
    )
    config = plugin.create(CONFIG, "config", {"labels": bench.labels, "dataRaw": "a=b\n"})
    inputs = service(
        bench,
        replicas=2,
        labels=[{"label": "part", "value": "web"}],
        args=["one", "two words"],
        hostname="web",
        env={"A": "1", "B": "x=y"},
        dir="/tmp",
        user="33:33",
        groups=["4"],
        readOnly=True,
        init=True,
        mounts=[
            {"type": "volume", "source": volume.id, "target": "/data"},
            {
                "type": "volume",
                "source": volume.id,
                "target": "/seen",
                "readOnly": True,
                "volumeOptions": {"noCopy": True, "labels": [{"label": "a", "value": "b"}]},
            },
            {"type": "tmpfs", "target": "/tmp", "tmpfsOptions": {"mode": 0o1777}},
            {"type": "tmpfs", "target": "/run", "tmpfsOptions": {"sizeBytes": 1 << 20}},
            {
                "type": "bind",
                "source": "/etc/hostname",
                "target": "/host",
                "readOnly": True,
                "bindOptions": {},
            },
        ],
        stopSignal="SIGTERM",
        healthcheck={"tests": ["CMD", "test", "-f", "/data/../etc/passwd"], "interval": "500ms"},
        hosts=[{"host": "somewhere", "ip": "198.18.0.1"}],
        dnsConfig={"nameservers": ["198.18.0.2"], "searches": ["test"], "options": ["ndots:1"]},
        secrets=[
            {
                "secretId": secret.id,
                "secretName": secret.outputs["name"],
                "fileName": "/run/secrets/password",
                "fileUid": "33",
                "fileMode": 0o400,
            }
        ],
        configs=[
            {
                "configId": config.id,
                "configName": config.outputs["name"],
                "fileName": "/etc/app.conf",
            }
        ],
        sysctl={"net.ipv4.ip_unprivileged_port_start": "0"},
        capAdds=["CAP_NET_BIND_SERVICE"],
        capDrops=["ALL"],
        privileges={"seLinuxContext": {"disable": True}},
    )
    inputs["taskSpec"] |= {
        "resources": {
            "limits": {"memoryBytes": 64 << 20, "nanoCpus": 500_000_000},
            "reservation": {"memoryBytes": 8 << 20},
        },
        "restartPolicy": {"condition": "any", "delay": "1s", "maxAttempts": 9, "window": "2m"},
        "placement": {
            "constraints": ["node.role==manager"],
            "prefs": ["spread=node.labels.zone"],
            "maxReplicas": 5,
        },
        "forceUpdate": 1,
        "logDriver": {"name": "json-file", "options": {"max-size": "1m", "max-file": "2"}},
        "networksAdvanceds": [{"id": network.id, "aliases": ["shop", "web"]}],
    }
    inputs["rollbackConfig"] = {"parallelism": 2, "order": "start-first"}
    inputs["endpointSpec"] = {
        "mode": "dnsrr",
        "ports": [{"targetPort": 80, "publishedPort": 39180, "publishMode": "host"}],
    }
    inputs["mode"]["replicated"]["replicas"] = 1  # the published port is there only once
    thing = plugin.create(SERVICE, "web", inputs)
    unchanged(plugin, thing, inputs)
    (task,) = running(bench, thing)
    container = bench.client.containers.get(task["Status"]["ContainerStatus"]["ContainerID"])
    shown = container.exec_run(["sh", "-c", "id -u; cat /run/secrets/password /etc/app.conf"])
    assert shown.output.decode() == "33\nhusha=b\n"
    plugin.delete(thing)
    assert plugin.read(thing) is None
    for part in (volume, secret, config, network):
        plugin.delete(part)


def test_removal_ends_when_the_last_task_has_ended(plugin: Plugin, bench: Bench) -> None:
    slow = "trap 'sleep 2; exit' TERM; touch /ready; while true; do sleep 0.1; done"
    inputs = service(
        bench,
        commands=["bash", "-c", slow],
        stopGracePeriod="9s",
        healthcheck={"tests": ["CMD", "test", "-f", "/ready"], "interval": "200ms"},
    )
    thing = plugin.create(SERVICE, "web", inputs)
    before = time.monotonic()
    plugin.delete(thing)
    assert time.monotonic() - before > 1.5
    label = f"com.docker.swarm.service.id={thing.id}"
    assert bench.client.containers.list(all=True, filters={"label": label}) == []
    plugin.delete(thing)


def test_a_change_in_place_waits_for_tasks_of_the_new_version(plugin: Plugin, bench: Bench) -> None:
    thing = plugin.create(SERVICE, "web", service(bench, replicas=2))
    inputs = service(bench, replicas=3, env={"VERSION": "2"})
    assert plugin.diff(thing, inputs).changes == {
        "mode.replicated.replicas": "UPDATE",
        "taskSpec.containerSpec.env": "ADD",
    }
    thing = plugin.update(thing, inputs)
    tasks = running(bench, thing)
    assert [one["Spec"]["ContainerSpec"]["Env"] for one in tasks] == [["VERSION=2"]] * 3
    unchanged(plugin, thing, inputs)


def test_a_change_that_tasks_do_not_show_waits_for_new_ones_too(
    plugin: Plugin, bench: Bench
) -> None:
    inputs = service(bench)
    thing = plugin.create(SERVICE, "web", inputs)
    before = {one["ID"] for one in running(bench, thing)}
    inputs["taskSpec"]["restartPolicy"]["delay"] = "2s"
    plugin.update(thing, inputs)
    assert before.isdisjoint(one["ID"] for one in running(bench, thing))


def test_labels_change_without_touching_the_tasks(plugin: Plugin, bench: Bench) -> None:
    inputs = service(bench)
    thing = plugin.create(SERVICE, "web", inputs)
    before = {one["ID"] for one in running(bench, thing)}
    inputs["labels"] = [*bench.labels, {"label": "more", "value": "1"}]
    thing = plugin.update(thing, inputs)
    assert {one["ID"] for one in running(bench, thing)} == before
    unchanged(plugin, thing, inputs)


def test_a_new_service_that_never_gets_healthy_is_told_and_removed(
    plugin: Plugin, bench: Bench
) -> None:
    inputs = service(
        bench,
        commands=["bash", "-c", "echo the door is locked; sleep 60"],
        healthcheck={
            "tests": ["CMD-SHELL", "echo no answer; exit 1"],
            "interval": "300ms",
            "retries": 1,
        },
    )
    inputs["convergeConfig"]["timeout"] = "6s"
    with pytest.raises(Failed) as caught:
        plugin.create(SERVICE, "web", inputs)
    text = str(caught.value)
    assert text.startswith(f"service {bench.name('web')} is not up after 6 s: 0 of 1 tasks run;")
    assert "unhealthy container" in text
    assert "its health check said: no answer" in text
    assert "the door is locked" in text
    assert caught.value.incomplete is None
    assert bench.client.services.list(filters={"name": bench.name("web")}) == []
    good = service(bench)
    unchanged(plugin, plugin.create(SERVICE, "web", good), good)


def test_a_missing_image_is_told(plugin: Plugin, bench: Bench) -> None:
    inputs = service(bench, image="127.0.0.1:1/nothing:1")
    inputs["convergeConfig"]["timeout"] = "5s"
    with pytest.raises(Failed, match=r"the task's error: .*No such image: 127.0.0.1:1/nothing"):
        plugin.create(SERVICE, "web", inputs)


def test_a_roll_out_that_rolls_back_fails_and_the_old_version_serves(
    plugin: Plugin, bench: Bench
) -> None:
    good = service(bench, replicas=2, env={"VERSION": "1"})
    thing = plugin.create(SERVICE, "web", good)
    bad = service(
        bench,
        replicas=2,
        env={"VERSION": "2"},
        commands=["bash", "-c", "echo cannot read the settings; exit 3"],
    )
    with pytest.raises(Failed) as caught:
        plugin.update(thing, bad)
    text = str(caught.value)
    assert text.startswith(f"the update of service {bench.name('web')} failed and was rolled back")
    assert "non-zero exit (3)" in text
    assert "cannot read the settings" in text
    assert caught.value.incomplete is None
    unchanged(plugin, thing, good)
    eventually(lambda: len(running(bench, thing)) == 2)
    tasks = running(bench, thing)
    assert [one["Spec"]["ContainerSpec"]["Env"] for one in tasks] == [["VERSION=1"]] * 2
    better = service(bench, replicas=2, env={"VERSION": "3"})
    unchanged(plugin, plugin.update(thing, better), better)


def test_a_paused_roll_out_fails_and_the_next_run_goes_on(plugin: Plugin, bench: Bench) -> None:
    good = service(bench)
    good["updateConfig"]["failureAction"] = "pause"
    thing = plugin.create(SERVICE, "web", good)
    bad = service(bench, commands=["false"])
    bad["updateConfig"]["failureAction"] = "pause"
    with pytest.raises(Failed, match="was paused") as caught:
        plugin.update(thing, bad)
    assert caught.value.incomplete.id == thing.id
    good["taskSpec"]["containerSpec"]["env"] = {"VERSION": "3"}
    unchanged(plugin, plugin.update(thing, good), good)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (["service", "scale", "--detach", "{}=2"], "mode.replicated.replicas"),
        (
            ["service", "update", "--detach", "--env-add", "B=2", "{}"],
            "taskSpec.containerSpec.env",
        ),
        (
            ["service", "update", "--detach", "--no-resolve-image", "--image", "other:1", "{}"],
            "taskSpec.containerSpec.image",
        ),
        (["service", "update", "--detach", "--label-add", "x=y", "{}"], "labels"),
        (
            ["service", "update", "--detach", "--update-parallelism", "7", "{}"],
            "updateConfig.parallelism",
        ),
        (
            ["service", "update", "--detach", "--mount-add", "type=tmpfs,target=/x", "{}"],
            "taskSpec.containerSpec.mounts",
        ),
        (["service", "update", "--detach", "--limit-memory", "50M", "{}"], None),
    ],
)
def test_a_change_by_hand_is_found_exactly_and_repaired(
    plugin: Plugin, bench: Bench, change: list[str], path: str | None
) -> None:
    inputs = service(bench, env={"A": "1"})
    thing = plugin.create(SERVICE, "web", inputs)
    by_hand(*(word.format(bench.name("web")) for word in change))
    found, changes = drift(plugin, thing)
    # What the program leaves to the engine (its limits, here) is no difference.
    assert set(changes) == ({path} if path else set())
    if path:
        assert plugin.diff(found, inputs).changes.keys() == {path}
        unchanged(plugin, plugin.update(found, inputs), inputs)


def test_a_service_removed_by_hand_is_found_missing(plugin: Plugin, bench: Bench) -> None:
    thing = plugin.create(SERVICE, "web", service(bench))
    by_hand("service", "rm", bench.name("web"))
    assert plugin.read(thing) is None
    plugin.delete(thing)


def test_a_service_of_an_interrupted_run_is_taken_over(plugin: Plugin, bench: Bench) -> None:
    inputs = service(bench)
    first = plugin.create(SERVICE, "web", inputs)
    again = plugin.create(SERVICE, "web", inputs)
    assert again.id == first.id
    with pytest.raises(Failed, match=r"already.*remove it"):
        plugin.create(SERVICE, "web", service(bench, user="33"))


def test_an_interrupted_roll_out_is_kept_and_finished_by_the_next_run(
    plugin: Plugin, bench: Bench, tmp_path: Path
) -> None:
    inputs = service(bench, healthcheck={"tests": ["CMD", "test", "-f", "/ready"]})
    inputs["taskSpec"]["containerSpec"]["healthcheck"]["interval"] = "200ms"
    inputs["taskSpec"]["containerSpec"]["healthcheck"]["retries"] = 1000
    threading.Timer(2, plugin.cancel).start()
    with pytest.raises(Failed, match="interrupted") as caught:
        plugin.create(SERVICE, "web", inputs)
    (found,) = bench.client.services.list(filters={"name": bench.name("web")})
    left = caught.value.incomplete
    assert left.id == found.id
    for container in bench.client.containers.list(
        filters={"label": f"com.docker.swarm.service.id={found.id}"}
    ):
        container.exec_run(["touch", "/ready"])
    with started(tmp_path) as next_run:
        checked = next_run.check(SERVICE, "web", inputs)
        thing = Object(urn(SERVICE, "web"), left.id, checked, from_struct(left.properties))
        thing = next_run.update(thing, inputs)
        assert thing.id == found.id
        assert running(bench, thing)
        unchanged(next_run, thing, inputs)


def test_an_imported_service_needs_no_change_by_a_program_that_says_the_same(
    plugin: Plugin, bench: Bench
) -> None:
    inputs = service(bench)
    thing = plugin.create(SERVICE, "web", inputs)
    found = plugin.read(Object(thing.urn, thing.id, {}, {}))
    assert found is not None
    # How long `up` waits is said by the program alone.
    found.inputs["convergeConfig"] = thing.inputs["convergeConfig"]
    assert plugin.diff(found, inputs).changes == {}


def test_networks_given_by_name_stay_names(plugin: Plugin, bench: Bench) -> None:
    network = plugin.create(NETWORK, "net", {"driver": "overlay", "labels": bench.labels})
    inputs = service(bench)
    inputs["taskSpec"]["networksAdvanceds"] = [{"name": network.outputs["name"]}]
    thing = plugin.create(SERVICE, "web", inputs)
    unchanged(plugin, thing, inputs)


def test_a_global_service_runs_on_each_node(plugin: Plugin, bench: Bench) -> None:
    inputs = {**service(bench), "mode": {"global": True}}
    del inputs["convergeConfig"]
    thing = plugin.create(SERVICE, "web", inputs)
    unchanged(plugin, thing, inputs)
    eventually(lambda: running(bench, thing))
    plugin.delete(thing)
