"""The environment as its users and operators find it, on the real engine."""

import json
import os
import signal
import socket
import time

import pytest

from tests.live.conftest import things
from tests.live.leaks import Processes, leaks, logs
from tests.live.load import Load, stored
from tests.live.platform import (
    Client,
    Platform,
    answering_replicas,
    containers,
    docker,
    wait_for,
)

pytestmark = pytest.mark.live


def test_two_replicas_answer_at_one_address(client: Client) -> None:
    assert len(answering_replicas(client)) == 2


def test_a_second_up_changes_nothing(platform: Platform) -> None:
    second = platform.up()
    assert second.code == 0, second.output
    assert second.changed == {}


def test_a_refresh_right_after_finds_no_difference(platform: Platform) -> None:
    found = platform.refresh()
    assert found.code == 0, found.output
    assert found.changed == {}
    assert platform.preview().changed == {}


def test_a_file_uploaded_on_one_replica_is_read_on_the_other(client: Client) -> None:
    content = os.urandom(100_000)
    entry = client.upload("/api/upload", "slides.pdf", content).json
    others = answering_replicas(client) - {entry["replica"]}
    assert len(others) == 1
    for _ in range(10):
        answer = client.get(f"/api/files/{entry['id']}")
        assert answer.status == 200
        assert answer.body == content


def test_a_session_survives_the_loss_of_a_replica(platform: Platform, client: Client) -> None:
    lost = client.post("/api/login", name="ada").json["replica"]
    docker("kill", lost)
    for _ in range(20):
        answer = client.get("/api/session").json
        assert answer["name"] == "ada"
        assert answer["replica"] != lost
    wait_for("a replica instead of the lost one", lambda: len(answering_replicas(client)) == 2)
    assert len(containers(platform.name("web"))) == 2


def test_only_the_load_balancer_is_reachable_from_outside(platform: Platform) -> None:
    published = {
        name: [port["PublishedPort"] for port in service["Spec"]["EndpointSpec"].get("Ports", [])]
        for name in docker(
            "service", "ls", "--format", "{{.Name}}", "--filter", "label=studip.environment=live"
        ).split()
        for service in json.loads(docker("service", "inspect", name))
    }
    assert {name for name, ports in published.items() if ports} == {platform.name("load-balancer")}
    assert published[platform.name("load-balancer")] == [platform.http_port]
    outside = _address()
    assert _connects(outside, platform.http_port)
    assert _connects("127.0.0.1", platform.registry_port)
    assert not _connects(outside, platform.registry_port)
    for port in (3306, 6379, 8404):
        assert not _connects("127.0.0.1", port), port


def _address() -> str:
    """An address of this machine that is not loopback."""
    addresses = docker(
        "run", "--rm", "--network", "host", "--entrypoint", "hostname", _any_image(), "-I"
    ).split()
    return next(address for address in addresses if "." in address)


def _any_image() -> str:
    return docker("image", "ls", "--quiet", "--filter", "reference=studip/rootfs").split()[0]


def _connects(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError:
        return False
    return True


def test_the_load_balancer_can_not_reach_the_database(platform: Platform) -> None:
    (balancer,) = containers(platform.name("load-balancer"))
    (web, _) = containers(platform.name("web"))
    look_up = ["getent", "hosts", platform.name("database")]
    assert docker("exec", web, *look_up)
    assert docker("exec", balancer, *look_up, check=False) == ""
    joined = {
        part: set(
            json.loads(docker("inspect", containers(platform.name(part))[0]))[0]["NetworkSettings"][
                "Networks"
            ]
        )
        for part in ("load-balancer", "database")
    }
    assert joined["database"] == {platform.name("data")}
    assert joined["load-balancer"] == {platform.name("edge"), platform.name("application")}


def test_forwarded_headers_of_a_client_are_not_believed(client: Client) -> None:
    told = client.request("GET", "/", headers={"X-Forwarded-Host": "evil.example.org"})
    assert told.status == 200
    assert b"evil.example.org" not in told.body


def test_no_secret_can_be_read_anywhere(platform: Platform) -> None:
    passwords = platform.passwords()
    assert len(passwords) == 3
    platform.write(logging={"max_size": 9})  # rolls everything out again
    with Processes() as processes:
        told = [platform.preview(), platform.up(), platform.refresh()]
    platform.write()
    told.append(platform.up())
    assert [run.code for run in told] == [0] * 4
    texts = processes.texts | {"the state": platform.export()}
    texts |= {f"output {number}": run.output for number, run in enumerate(told)}
    for path in platform.folder.rglob("*"):
        if path.is_file():
            texts[str(path)] = path.read_text(errors="replace")
    for thing in things():
        kind, name = thing.split()
        texts[f"docker {kind} inspect {name}"] = docker(kind, "inspect", name)
        if kind == "container":
            texts[f"docker logs {name}"] = logs(name)
            texts[f"docker inspect image of {name}"] = docker(
                "image", "inspect", docker("inspect", "--format", "{{.Image}}", name)
            )
    for name in docker("config", "ls", "--quiet").split():
        texts[f"docker config inspect {name}"] = docker("config", "inspect", name)
    assert len(texts) > 100
    assert leaks(texts, passwords) == []


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("web", ["scale", "--detach", "{name}=1"]),
        ("cron", ["update", "--detach", "--quiet", "--env-add", "BY_HAND=1", "{name}"]),
    ],
)
def test_what_was_changed_by_hand_is_found_alone_and_repaired(
    platform: Platform, part: str, change: list[str]
) -> None:
    name = platform.name(part)
    before = json.loads(docker("service", "inspect", name))[0]["Spec"]
    docker("service", *(word.format(name=name) for word in change))
    found = platform.refresh()
    assert found.changed == {"update": 1}, found.output
    assert f"{name}-service" in found.output
    repaired = platform.up()
    assert repaired.code == 0, repaired.output
    assert repaired.changed == {"update": 1}
    after = json.loads(docker("service", "inspect", name))[0]["Spec"]
    assert after["Mode"] == before["Mode"]
    env = [spec["TaskTemplate"]["ContainerSpec"]["Env"] for spec in (before, after)]
    assert sorted(env[0]) == sorted(env[1])


def test_a_container_that_was_removed_by_hand_comes_back(platform: Platform) -> None:
    (cache,) = containers(platform.name("cache"))
    docker("rm", "--force", cache)
    wait_for("the cache again", lambda: containers(platform.name("cache")) not in ([], [cache]))


def test_an_update_under_load_fails_no_request_and_loses_no_write(
    platform: Platform, client: Client
) -> None:
    before = set(containers(platform.name("web")))
    platform.write(application={"web": {"replicas": 2, "drain_seconds": 5}})
    with Load(platform.url) as load:
        updated = platform.up()
        time.sleep(1)
    assert updated.code == 0, updated.output
    wait_for(
        "every replica replaced and the old ones drained",
        lambda: before.isdisjoint(containers(platform.name("web"))),
    )
    assert load.requests > 50
    assert load.failures == []
    assert load.acknowledged <= stored(client)


def custom(platform: Platform, lines: str) -> None:
    """Put an image of our own on top of the application's."""
    folder = platform.folder / "custom"
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(f"ARG BASE\nFROM ${{BASE}}\nUSER root\n{lines}\n")
    images = platform.config["studip:images"] | {"custom": {"context": str(folder)}}
    platform.write(application={"web": {"replicas": 2, "drain_seconds": 5}}, images=images)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("RUN echo broken on purpose && exit 7", "broken on purpose"),
        (
            "RUN printf '<?php fwrite(STDERR, \"migration broken on purpose\\\\n\"); exit(3);'"
            " >/var/www/studip/cli/studip\nUSER www-data",
            "migration broken on purpose",
        ),
        (
            "RUN printf '#!/bin/sh\\necho unwell on purpose\\nexit 1\\n'"
            " >/usr/local/bin/healthcheck\nUSER www-data",
            "unwell on purpose",
        ),
    ],
    ids=["an image that does not build", "a migration that fails", "an unhealthy image"],
)
def test_a_bad_image_never_serves(
    platform: Platform, client: Client, lines: str, told: str
) -> None:
    serving = answering_replicas(client)
    custom(platform, lines)
    with Load(platform.url) as load:
        failed = platform.up()
    assert failed.code != 0
    assert told in failed.output
    assert "Traceback" not in failed.output
    assert load.requests > 10
    assert load.failures == []
    assert answering_replicas(client) == serving
    platform.write(application={"web": {"replicas": 2, "drain_seconds": 5}})
    mended = platform.up()
    assert mended.code == 0, mended.output
    assert len(answering_replicas(client)) == 2


def test_an_interrupted_up_is_finished_by_the_next_one(platform: Platform, client: Client) -> None:
    platform.write(application={"web": {"replicas": 3, "drain_seconds": 6}})
    process = platform.start("up", "--yes", "--skip-preview", "--config-file", str(platform.file))
    time.sleep(4)
    assert process.poll() is None, "it ended before it was interrupted"
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=300)
    assert process.returncode != 0, output
    assert "Traceback" not in output
    assert client.get("/api/status").status == 200
    again = platform.up()
    assert again.code == 0, again.output
    assert len(answering_replicas(client, 30)) == 3
    assert platform.refresh().changed == {}
    secrets = docker("secret", "ls", "--quiet", "--filter", "label=studip.environment=live").split()
    assert len(secrets) == platform.in_state("docker:index/secret:Secret")


def test_wrong_settings_are_told_and_touch_nothing(platform: Platform) -> None:
    before = things()
    platform.write(
        database={"kind": "galera", "members": 2},
        cache={"kind": "file"},
        storage={"kind": "cephfs"},
        gitlab={"kind": "managed"},
    )
    wrong = platform.up()
    platform.write()
    assert wrong.code != 0
    for message in (
        "studip:gitlab.kind: managed is not available yet on swarm; available: none",
        "studip:storage.kind: cephfs needs at least 3 nodes, got 1",
        "studip:database.members: must be odd and at least 3, got 2",
        "studip:cache.kind: file is each replica's own: 2 replicas need redis or external",
    ):
        assert message in wrong.output
    assert "(Pulumi.live.yaml)" in wrong.output
    assert "Traceback" not in wrong.output
    assert things() == before


def test_an_engine_that_does_not_answer_is_named(platform: Platform) -> None:
    address = f"unix://{platform.folder}/nobody.sock"
    platform.write(logging={"max_size": 11})
    platform.env["DOCKER_HOST"] = address
    try:
        failed = platform.up()
    finally:
        del platform.env["DOCKER_HOST"]
        platform.write()
    assert failed.code != 0
    assert address in failed.output
    assert "Traceback" not in failed.output
    assert platform.up().code == 0


def test_destroy_leaves_nothing_behind(platform: Platform) -> None:
    destroyed = platform.destroy()
    assert destroyed.code == 0, destroyed.output
    assert things() == []
