"""`status` tells what should run from what runs."""

import argparse
import json
from dataclasses import replace
from typing import Any

import pytest

from components.labels import labels
from operations import parts, pulumi, status
from operations.engine import Client, Engines
from operations.pulumi import CONTAINER, SERVICE, Resource, State
from operations.status import Part
from tests.operations.conftest import ENVIRONMENT, Start, wait
from toolchain.versions import versions


def expected(part: str, id: str, type: str = SERVICE, replicas: int = 1) -> Resource:
    pairs = [{"label": k, "value": v} for k, v in labels(ENVIRONMENT, part).items()]
    mode = {"replicated": {"replicas": replicas}}
    name = f"studip-{ENVIRONMENT}-{part}"
    return Resource(f"urn::{part}", type, id, {"name": name, "labels": pairs, "mode": mode})


def job(part: str, id: str) -> Resource:
    resource = expected(part, id, CONTAINER)
    return replace(resource, properties={**resource.properties, "mustRun": False})


@pytest.mark.parametrize(
    ("wanted", "healthy", "update", "state", "well"),
    [
        (2, 2, "", "ok", True),
        (2, 2, "completed", "ok", True),
        (2, 1, "", "unhealthy", False),
        (2, 2, "updating", "updating", True),
        (2, 1, "updating", "unhealthy", False),
        (2, 2, "rollback_completed", "rolled back", False),
        (2, 2, "paused", "update stopped", False),
        (2, 2, "rollback_paused", "update stopped", False),
    ],
)
def test_a_service_is_well_when_all_replicas_of_the_wanted_version_are(
    wanted: int, healthy: int, update: str, state: str, well: bool
) -> None:
    assert status.service_state(wanted, healthy, update) == state
    assert Part("web", wanted, healthy, healthy, "", "", state).well is well


def test_digests_are_shortened_and_other_references_kept() -> None:
    assert status.digest("127.0.0.1:5000/studip/web@sha256:" + "abcdef" * 10) == "abcdefabcdef"
    assert status.digest("studip/rootfs:test") == "studip/rootfs:test"


def test_the_table_has_no_colours_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    lines = status.render([Part("web", 2, 2, 2, "abcdefabcdef", "http://127.0.0.1:8080", "ok")])
    assert lines[0].split() == list(status.HEADER)
    assert lines[1].split() == ["web", "2", "2", "2", "abcdefabcdef", "http://127.0.0.1:8080", "ok"]


@pytest.mark.live
def test_each_part_is_shown_as_it_is(client: Client, engines: Engines, start: Start) -> None:
    web = start("web", replicas=2)
    balancer = start("load-balancer")
    start("stranger")
    done, failed = (
        client.containers.run(
            versions().rootfs,
            ["sh", "-c", f"exit {code}"],
            detach=True,
            labels=labels(ENVIRONMENT, part),
        )
        for part, code in (("migrate", 0), ("broken", 3))
    )
    for container in (done, failed):
        container.wait()
    state = State(
        resources=[
            expected("web", web, replicas=2),
            expected("load-balancer", balancer),
            expected("database", "gone"),
            job("migrate", done.id),
            job("broken", failed.id),
        ],
        outputs={"url": "http://127.0.0.1:8080", "database": "studip-optest-database:3306"},
    )
    found = {part.part: part for part in status.collect(engines, ENVIRONMENT, state)}
    image = versions().rootfs
    assert found == {
        "web": Part("web", 2, 2, 2, image, "", "ok"),
        "load-balancer": Part("load-balancer", 1, 1, 1, image, "http://127.0.0.1:8080", "ok"),
        "database": Part("database", 1, 0, 0, "", "studip-optest-database:3306", "missing"),
        "migrate": Part("migrate", 1, 0, 1, image, "", "done"),
        "broken": Part("broken", 1, 0, 0, image, "", "failed with exit code 3"),
        "stranger": Part("stranger", 0, 0, 0, "", "", "not in the stack"),
    }


@pytest.mark.live
def test_members_of_one_part_and_containers_beside_swarm_are_told_apart(
    client: Client, engines: Engines, start: Start
) -> None:
    member = start("database", name="database-1")
    containers = {
        f"storage-{number}": client.containers.run(
            versions().rootfs,
            ["sleep", "60"],
            name=f"studip-{ENVIRONMENT}-storage-{number}",
            detach=True,
            labels=labels(ENVIRONMENT, "storage"),
            healthcheck={"test": ["CMD", code], "interval": 10**9, "retries": 1},
        )
        for number, code in ((1, "true"), (2, "false"))
    }

    def health(name: str) -> str:
        containers[name].reload()
        return str(containers[name].attrs["State"]["Health"]["Status"])

    wait(lambda: [health(name) for name in containers] == ["healthy", "unhealthy"])
    resources = [
        replace(one, properties={**one.properties, "name": f"studip-{ENVIRONMENT}-{name}"})
        for one, name in (
            (expected("database", member), "database-1"),
            (expected("database", "gone"), "database-2"),
            *((expected("storage", c.id, CONTAINER), name) for name, c in containers.items()),
        )
    ]
    found = status.collect(engines, ENVIRONMENT, State(resources=resources))
    assert {one.part: one.state for one in found} == {
        "database-1": "ok",
        "database-2": "missing",
        "storage-1": "ok",
        "storage-2": "unhealthy",
    }
    shown = parts.running(engines, ENVIRONMENT)
    assert shown["storage-2"].id == containers["storage-2"].id
    assert shown["storage"].part == "storage"
    assert shown["database"].id == member


@pytest.mark.live
def test_a_replica_that_never_gets_healthy_makes_status_fail(
    client: Client,
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    web = start("web", command=["sh", "-c", "exit 1"])
    wait(lambda: client.api.tasks(filters={"service": web}))
    state = State(resources=[expected("web", web)])
    monkeypatch.setattr(pulumi, "state", lambda stack: state)
    assert status.run(argparse.Namespace(stack=ENVIRONMENT, json=True)) == 1
    shown: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert not shown["ok"]
    assert [(part["part"], part["state"]) for part in shown["parts"]] == [("web", "unhealthy")]


@pytest.mark.live
def test_an_environment_without_anything_is_not_well(
    client: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pulumi, "state", lambda stack: State())
    assert status.run(argparse.Namespace(stack=ENVIRONMENT, json=False)) == 1
    assert "make up" in capsys.readouterr().out
