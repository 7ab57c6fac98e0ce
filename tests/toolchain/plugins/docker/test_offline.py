"""Checks and differences: right, clear, and without a Docker Engine."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from toolchain.plugins.common.values import UNKNOWN, Secret

from .conftest import Failed, Object, Plugin, Refused, urn

NETWORK = "docker:index/network:Network"
VOLUME = "docker:index/volume:Volume"
SECRET = "docker:index/secret:Secret"
CONFIG = "docker:index/serviceConfig:ServiceConfig"
SERVICE = "docker:index/service:Service"
CONTAINER = "docker:index/container:Container"
IMAGE = "docker:index/image:Image"


def service(**container: Any) -> dict[str, Any]:
    """The inputs of a small service."""
    return {
        "name": "web",
        "taskSpec": {"containerSpec": {"image": "web:1", **container}},
        "mode": {"replicated": {"replicas": 2}},
    }


def existing(plugin: Plugin, token: str, inputs: dict[str, Any]) -> Object:
    """A resource as the state of an earlier run would have it."""
    checked = plugin.check(token, "one", inputs)
    return Object(urn(token, "one"), "id", checked, checked)


def test_a_name_is_made_up_once_and_kept(checker: Plugin) -> None:
    first = checker.check(VOLUME, "data", {})
    assert first["name"].startswith("data-")
    assert len(first["name"]) == len("data-") + 7
    assert checker.check(VOLUME, "data", {}, {**first, "name": "data-0000000"}) == {
        **first,
        "name": "data-0000000",
    }


def test_a_given_name_replaces_a_made_up_one(checker: Plugin) -> None:
    thing = existing(checker, VOLUME, {})
    diff = checker.diff(thing, {"name": "data"})
    assert diff.changes == {"name": "UPDATE_REPLACE"}
    assert not diff.delete_before_replace


def test_defaults_are_filled_in_at_any_depth(checker: Plugin) -> None:
    inputs = service(healthcheck={"tests": ["CMD", "true"]})
    checked = checker.check(SERVICE, "one", {**inputs, "updateConfig": {}})
    assert checked["taskSpec"]["containerSpec"]["healthcheck"]["interval"] == "0s"
    assert checked["updateConfig"] == {
        "delay": "0s",
        "failureAction": "pause",
        "maxFailureRatio": "0.0",
        "monitor": "5s",
        "order": "stop-first",
        "parallelism": 1,
    }


REFUSED = [
    (NETWORK, {"driver": 3}, "driver", "must be a string, got 3"),
    (NETWORK, {"internal": "yes"}, "internal", "must be true or false, got 'yes'"),
    (NETWORK, {"labels": {"a": "b"}}, "labels", "must be a list (in any order), got {'a': 'b'}"),
    (NETWORK, {"labels": [{"label": "a"}]}, "labels[0].value", "is required"),
    (SECRET, {}, "data", "is required"),
    (SECRET, {"data": "$"}, "data", "must be base64 encoded"),
    (CONFIG, {}, "data", "or dataRaw must be given, and not both"),
    (CONFIG, {"data": "", "dataRaw": "x"}, "data", "or dataRaw must be given, and not both"),
    (SERVICE, {}, "taskSpec", "is required"),
    (SERVICE, {"taskSpec": {}}, "taskSpec.containerSpec", "is required"),
    (
        SERVICE,
        service(stopGracePeriod="soon"),
        "taskSpec.containerSpec.stopGracePeriod",
        "must be a duration such as 500ms, 10s or 1m30s, got 'soon'",
    ),
    (
        SERVICE,
        service(capAdds=["NET_ADMIN"]),
        "taskSpec.containerSpec.capAdds[0]",
        "must be written like CAP_NET_ADMIN or ALL, got 'NET_ADMIN'",
    ),
    (
        SERVICE,
        service(mounts=[{"type": "npipe", "target": "/x"}]),
        "taskSpec.containerSpec.mounts[0].type",
        "must be one of bind, volume, tmpfs; got 'npipe'",
    ),
    (
        SERVICE,
        {**service(), "mode": {"global": True}, "convergeConfig": {}},
        "convergeConfig",
        "is for replicated services only",
    ),
    (
        SERVICE,
        {**service(), "updateConfig": {"maxFailureRatio": "2"}},
        "updateConfig.maxFailureRatio",
        "must be a number between 0.0 and 1.0, got '2'",
    ),
    (
        SERVICE,
        {**service(), "updateConfig": {"parallelism": -1}},
        "updateConfig.parallelism",
        "must be at least 0, got -1",
    ),
    (
        SERVICE,
        {"taskSpec": {**service()["taskSpec"], "networksAdvanceds": [{"aliases": []}]}},
        "taskSpec.networksAdvanceds[0].id",
        "is required",
    ),
    (CONTAINER, {}, "image", "is required"),
    (
        CONTAINER,
        {"image": "x", "uploads": [{"file": "/x"}]},
        "uploads[0]",
        "needs exactly one of content, contentBase64, source",
    ),
    (CONTAINER, {"image": "x", "command": [""]}, "command", "must not have empty words"),
    (IMAGE, {"imageName": "a b"}, "imageName", "is not valid: 'a b' is not a name of an image"),
    (IMAGE, {"imageName": "web:1"}, "imageName", "must name its registry"),
    (IMAGE, {"imageName": "r:1/x", "build": {"context": "no"}}, "build.context", "is not a folder"),
    (IMAGE, {"imageName": "r:1/x"}, "build.dockerfile", "is not a file: Dockerfile"),
    (IMAGE, {"imageName": "r:1/x", "buildOnPreview": True}, "buildOnPreview", "is not supported"),
]


@pytest.mark.parametrize(("token", "inputs", "path", "reason"), REFUSED)
def test_a_wrong_property_is_named_with_what_is_allowed(
    checker: Plugin, token: str, inputs: dict[str, Any], path: str, reason: str
) -> None:
    with pytest.raises(Refused) as caught:
        checker.check(token, "one", inputs)
    assert caught.value.failures[path].startswith(reason)


def test_all_wrong_properties_are_told_at_once(checker: Plugin) -> None:
    with pytest.raises(Refused) as caught:
        checker.check(NETWORK, "one", {"driver": 1, "color": "red", "ipv6": 0})
    assert set(caught.value.failures) == {"driver", "color", "ipv6"}


def test_a_wrong_secret_is_not_repeated(checker: Plugin) -> None:
    with pytest.raises(Refused) as caught:
        checker.check(SECRET, "one", {"data": Secret("hush-hush!")})
    assert caught.value.failures == {"data": "is not valid (the value is secret)"}


def test_what_is_always_secret_is_sealed_in_the_inputs(checker: Plugin) -> None:
    data = base64.b64encode(b"hush").decode()
    assert checker.check(SECRET, "one", {"data": data})["data"] == Secret(data)
    upload = {"file": "/x", "content": "hush"}
    checked = checker.check(CONTAINER, "one", {"image": "x", "uploads": [upload]})
    assert checked["uploads"][0]["content"] == Secret("hush")


def test_an_unknown_type_is_refused_with_its_name(checker: Plugin) -> None:
    with pytest.raises(Failed, match="docker:index/plugin:Plugin is not part of the air-gapped"):
        checker.check("docker:index/plugin:Plugin", "one", {})
    with pytest.raises(Failed, match="docker:index/getLogs:getLogs is not part of the air-gapped"):
        checker.invoke("docker:index/getLogs:getLogs", {"name": "x"})


CHANGES: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, str]]] = [
    (NETWORK, {"name": "n"}, {"name": "n", "attachable": True}, {"attachable": "ADD_REPLACE"}),
    (NETWORK, {"name": "n", "driver": "overlay"}, {"name": "n"}, {}),  # the engine decides then
    (NETWORK, {"name": "n"}, {"name": "n", "internal": False}, {}),
    (
        VOLUME,
        {"name": "v", "labels": [{"label": "a", "value": "1"}, {"label": "b", "value": "2"}]},
        {"name": "v", "labels": [{"label": "b", "value": "2"}, {"label": "a", "value": "1"}]},
        {},
    ),
    (
        VOLUME,
        {"name": "v", "labels": [{"label": "a", "value": "1"}]},
        {"name": "v"},
        {"labels": "DELETE_REPLACE"},
    ),
    (
        SERVICE,
        service(),
        {**service(image="web:2", env={"A": "1"}), "mode": {"replicated": {"replicas": 3}}},
        {
            "mode.replicated.replicas": "UPDATE",
            "taskSpec.containerSpec.env": "ADD",
            "taskSpec.containerSpec.image": "UPDATE",
        },
    ),
    (SERVICE, service(), {**service(), "name": "shop"}, {"name": "UPDATE_REPLACE"}),
    (
        SERVICE,
        service(),
        {**service(), "mode": {"global": True}},
        {"mode.global": "UPDATE_REPLACE"},
    ),
    (
        SERVICE,
        service(),
        {**service(), "labels": [{"label": "a", "value": "b"}]},
        {"labels": "ADD"},
    ),
    (
        SERVICE,
        service(),
        service(sysctl={"a": "b"}, hosts=[{"host": "a", "ip": "1.2.3.4"}], user="33"),
        {
            "taskSpec.containerSpec.hosts": "ADD_REPLACE",
            "taskSpec.containerSpec.sysctl": "ADD_REPLACE",
            "taskSpec.containerSpec.user": "ADD",
        },
    ),
    (
        SERVICE,
        {"taskSpec": {**service()["taskSpec"], "networksAdvanceds": [{"id": "a"}]}, "name": "w"},
        {"taskSpec": {**service()["taskSpec"], "networksAdvanceds": [{"id": "b"}]}, "name": "w"},
        {"taskSpec.networksAdvanceds": "UPDATE_REPLACE"},
    ),
    (
        SERVICE,
        service(stopGracePeriod="60s", mounts=[{"type": "tmpfs", "target": "/tmp"}]),
        service(stopGracePeriod="1m", mounts=[{"type": "tmpfs", "target": "/tmp", "source": ""}]),
        {},
    ),
    (
        SERVICE,
        {**service(), "updateConfig": {"maxFailureRatio": "0"}},
        {**service(), "updateConfig": {"maxFailureRatio": "0.0"}},
        {},
    ),
    (
        SERVICE,
        {**service(), "auth": {"serverAddress": "r", "username": "u", "password": "p"}},
        {**service(), "auth": {"serverAddress": "r", "username": "u", "password": "q"}},
        {"auth.password": "UPDATE_REPLACE"},
    ),
    (
        SERVICE,
        {**service(), "endpointSpec": {"ports": [{"targetPort": 80, "publishedPort": 8080}]}},
        {**service(), "endpointSpec": {"ports": [{"targetPort": 80, "publishedPort": 8081}]}},
        {"endpointSpec.ports[0].publishedPort": "UPDATE"},
    ),
    (
        CONTAINER,
        {"name": "c", "image": "a", "memory": 64},
        {"name": "c", "image": "b", "memory": 128, "restart": "always"},
        {"image": "UPDATE_REPLACE", "memory": "UPDATE", "restart": "UPDATE"},
    ),
]


@pytest.mark.parametrize(("token", "old", "new", "changes"), CHANGES)
def test_what_differs_is_changed_in_place_or_replaced(
    checker: Plugin,
    token: str,
    old: dict[str, Any],
    new: dict[str, Any],
    changes: dict[str, str],
) -> None:
    diff = checker.diff(existing(checker, token, old), new)
    assert diff.changes == changes
    assert bool(diff.replaces) == any(kind.endswith("REPLACE") for kind in changes.values())


def test_a_name_that_stays_is_freed_before_it_is_used_again(checker: Plugin) -> None:
    named = existing(checker, NETWORK, {"name": "n"})
    assert checker.diff(named, {"name": "n", "attachable": True}).delete_before_replace
    unnamed = existing(checker, NETWORK, {})
    assert not checker.diff(unnamed, {"attachable": True}).delete_before_replace


def test_a_value_that_is_not_known_yet_counts_as_a_change(checker: Plugin) -> None:
    thing = existing(checker, SERVICE, service())
    changes = checker.diff(thing, service(image=UNKNOWN)).changes
    assert changes == {"taskSpec.containerSpec.image": "UPDATE"}


def test_a_preview_of_a_new_resource_needs_no_engine(checker: Plugin) -> None:
    made = checker.create(NETWORK, "one", {"driver": "overlay"}, preview=True)
    assert made.id == ""
    assert made.state["scope"] is UNKNOWN
    assert made.state["driver"] == "overlay"


def test_a_preview_of_a_changed_image_does_not_know_its_digest(
    lonely_plugin: Plugin, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch")
    inputs = {"imageName": "registry:5000/x", "skipPush": True}
    thing = existing(lonely_plugin, IMAGE, inputs)
    thing.state["repoDigest"] = "sha256:0"
    assert lonely_plugin.diff(thing, inputs).changes == {}
    (tmp_path / "Dockerfile").write_text("FROM scratch\nLABEL a=b")
    assert lonely_plugin.diff(thing, inputs).changes == {"build.contextDigest": "UPDATE"}
    after = lonely_plugin.update(thing, inputs, preview=True)
    assert after.state["repoDigest"] is UNKNOWN


def test_new_credentials_do_not_rebuild_an_image(lonely_plugin: Plugin, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch")
    registry = {"server": "registry:5000", "username": "a", "password": "b"}
    inputs = {"imageName": "registry:5000/x", "registry": registry}
    thing = existing(lonely_plugin, IMAGE, inputs)
    changed = {**inputs, "registry": {**registry, "username": "c", "password": Secret("d")}}
    assert lonely_plugin.diff(thing, changed).changes == {}
    moved = {**inputs, "registry": {**registry, "server": "other:5000"}}
    assert lonely_plugin.diff(thing, moved).changes == {"registry.server": "UPDATE"}


def test_without_an_engine_the_error_says_where_it_was_looked_for(
    lonely_plugin: Plugin, tmp_path: Path
) -> None:
    with pytest.raises(Failed) as caught:
        lonely_plugin.create(VOLUME, "one", {})
    assert str(caught.value) == (
        f"the Docker Engine at unix://{tmp_path}/nothing.sock can't be reached (No such file or "
        "directory): start it (systemctl start docker), or set docker:host or DOCKER_HOST"
    )


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"host": "ssh://-oProxyCommand=x"}, "must be ssh://USER@HOST, got 'ssh://-oProxy"),
        ({"host": "somewhere"}, "must start with unix://, tcp:// or ssh://, got 'somewhere'"),
        ({"certMaterial": "x"}, "needs caMaterial, certMaterial and keyMaterial together"),
        ({"sshOpts": '["-v", {}]'}, "must be a string"),
        ({"context": "remote"}, "is not supported here"),
        ({"registryAuth": '[{"username":"u"}]'}, "is required"),
    ],
)
def test_wrong_provider_settings_are_refused(
    checker: Plugin, settings: dict[str, str], reason: str
) -> None:
    with pytest.raises(Refused) as caught:
        checker.check_config(settings)
    assert next(iter(caught.value.failures.values())).startswith(reason)
