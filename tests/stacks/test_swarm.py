"""The cluster of `Pulumi.swarm.yaml`: which engine is asked for what, and in which order."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from components.swarm.storage import WATCH
from stacks.settings.file import read
from stacks.settings.load import load_settings
from tests.recording import Recording, revealed
from tests.snapshot import ROOT, built, environment, lines
from tests.stacks.test_order import SERVICE, waits_for

CONTAINER = "docker:index/container:Container"
VOLUME = "docker:index/volume:Volume"
IMAGE = "docker:index/image:Image"
PREFIX = "studip-swarm"


@pytest.fixture(scope="module")
def swarm() -> Recording:
    return built(environment("swarm"))


def engine(provider: str) -> str:
    """Name of the node whose engine is asked."""
    return provider.rpartition("::")[0].rpartition(f"{PREFIX}-engine-")[2]


def env(recording: Recording, service: str) -> dict[str, Any]:
    spec = recording.service(f"{PREFIX}-{service}").inputs["taskSpec"]["containerSpec"]
    return dict(spec["env"])


def test_nothing_is_asked_of_the_engine_of_this_machine(swarm: Recording) -> None:
    ours = [one for one in swarm.resources if one.type.startswith("docker:")]
    assert {engine(one.provider) for one in ours} == {"node-1", "node-2", "node-3"}
    assert swarm.asked
    assert {engine(provider) for provider in swarm.asked} == {"node-1"}


def test_what_all_nodes_share_is_asked_of_the_first_manager(swarm: Recording) -> None:
    for type_ in (SERVICE, "docker:index/secret:Secret", "docker:index/network:Network"):
        assert {engine(one.provider) for one in swarm.of_type(type_)} == {"node-1"}, type_


@pytest.mark.parametrize("type_", [CONTAINER, VOLUME])
def test_what_is_on_a_node_is_asked_of_its_own_engine(swarm: Recording, type_: str) -> None:
    named = [one for one in swarm.of_type(type_) if "mount-node-" in one.name]
    for one in named:
        assert engine(one.provider) in one.name
    for number in (1, 2, 3):
        for one in swarm.of_type(type_):
            if f"storage-{number}-" in one.name or f"database-{number}-" in one.name:
                assert engine(one.provider) == f"node-{number}", one.name


def test_images_wait_for_all_registries_and_those_for_the_storage(swarm: Recording) -> None:
    before = waits_for(swarm, f"{PREFIX}-image-base-image")
    for number in (1, 2, 3):
        registry = f"{PREFIX}-registry-{number}-service"
        assert registry in before
        mounts = {f"{PREFIX}-storage-mount-node-{one}-container" for one in (1, 2, 3)}
        assert mounts <= waits_for(swarm, registry)


def test_what_runs_before_the_registry_is_built_by_each_node(swarm: Recording) -> None:
    for name in ("rootfs", "registry", "glusterfs"):
        for number in (1, 2, 3):
            seed = swarm.one(IMAGE, f"{PREFIX}-image-{name}-node-{number}-image")
            assert engine(seed.provider) == f"node-{number}"
            assert seed.inputs["skipPush"] is True
            if name != "rootfs":
                below = f"{PREFIX}-image-rootfs-node-{number}-image"
                assert below in waits_for(swarm, seed.name)


def test_no_password_is_in_plain_sight(swarm: Recording) -> None:
    for line in lines(swarm):
        assert "generated for" not in line, line[:80]


def test_the_application_sees_database_and_cache_through_the_proxy(swarm: Recording) -> None:
    told = env(swarm, "web")
    assert told["MYSQL_HOST"] == told["CACHE_HOST"] == f"{PREFIX}-proxy"
    behind = env(swarm, "proxy")
    for part, key in (("database", "MEMBERS"), ("cache", "CACHE_MEMBERS")):
        assert behind[key] == ",".join(f"{PREFIX}-{part}-{number}" for number in (1, 2, 3))
    assert f"{PREFIX}-proxy-service" in waits_for(swarm, f"{PREFIX}-migrate-container")


def test_the_address_is_on_nodes_that_have_a_load_balancer(swarm: Recording) -> None:
    def constraints(name: str) -> list[str]:
        placement = swarm.service(f"{PREFIX}-{name}").inputs["taskSpec"]["placement"]
        return list(placement["constraints"])

    assert constraints("load-balancer") == ["node.hostname != node-3"]
    assert constraints("address-1") == ["node.hostname == node-1"]
    assert constraints("address-2") == ["node.hostname == node-2"]
    ports = swarm.service(f"{PREFIX}-load-balancer").inputs["endpointSpec"]["ports"]
    published = {int(port["publishedPort"]) for port in ports}
    assert published == {80, 443, int(env(swarm, "address-1")["MONITOR_PORT"])}


def test_a_preview_of_all_of_it_goes_through() -> None:
    assert built(environment("swarm"), preview=True).of_type(SERVICE)


def changed(**sections: dict[str, Any]) -> Recording:
    """What the cluster becomes with other sections of settings."""
    path = ROOT / "Pulumi.swarm.yaml"
    config = read(path)["config"] | {f"studip:{name}": each for name, each in sections.items()}
    return built(load_settings(config, "swarm", str(path)))


def test_shared_folders_of_a_file_server_are_volumes_of_every_node() -> None:
    nfs = {"server": "files.example.org", "path": "/export"}
    recording = changed(storage={"kind": "nfs", "nfs": nfs})
    volumes = [one for one in recording.of_type(VOLUME) if "storage-registry-" in one.name]
    assert {engine(one.provider) for one in volumes} == {"node-1", "node-2", "node-3"}
    assert {one.inputs["driverOpts"]["device"] for one in volumes} == {":/export/registry"}
    for part in ("registry-2", "web"):
        spec = recording.service(f"{PREFIX}-{part}").inputs["taskSpec"]["containerSpec"]
        sources = {mount["source"] for mount in spec["mounts"] if mount["type"] == "volume"}
        assert all(source.startswith(f"{PREFIX}-storage-") for source in sources)
        assert sources
    assert not [one for one in recording.of_type(IMAGE) if "glusterfs" in one.name]


def test_an_external_database_needs_no_proxy_and_a_cache_moves_with_its_one_service() -> None:
    recording = changed(database={"kind": "external", "host": "db", "password": "sealed"})
    told = env(recording, "web")
    assert (told["MYSQL_HOST"], told["CACHE_HOST"]) == ("db", f"{PREFIX}-cache")
    names = {one.inputs["name"] for one in recording.of_type(SERVICE)}
    assert f"{PREFIX}-proxy" not in names
    assert f"{PREFIX}-cache" in names


def test_an_external_registry_leaves_nothing_of_ours_and_engines_know_its_login() -> None:
    login = {"address": "registry.example.org", "user": "robot", "password": "sealed"}
    recording = changed(registry={"kind": "external", **login})
    assert not [one for one in recording.resources if "registry" in one.name]
    providers = recording.of_type("pulumi:providers:docker")
    assert len(providers) == 3
    for provider in providers:
        (known,) = json.loads(revealed(dict(provider.inputs))["registryAuth"])
        assert known == {
            "address": "registry.example.org",
            "username": "robot",
            "password": "sealed",
        }


def test_two_copies_are_watched_over_by_an_arbiter() -> None:
    recording = changed(storage={"kind": "glusterfs", "replicas": 2})
    member = recording.one(CONTAINER, f"{PREFIX}-storage-3-container")
    assert "ARBITER=1" in member.inputs["envs"]
    mounted = recording.service(f"{PREFIX}-web").inputs["taskSpec"]["containerSpec"]["mounts"]
    assert {"/var/lib/studip/swarm"} == {m["source"] for m in mounted if m["target"] == WATCH}


def test_the_sites_own_authority_signs_where_it_is_given(tmp_path: Path) -> None:
    for name in ("authority", "root"):
        (tmp_path / f"{name}.pem").write_text(f"{name} of the site")
    path = ROOT / "Pulumi.swarm.yaml"
    given = {"certificate": "authority.pem", "key": "sealed", "root": "root.pem"}
    config = read(path)["config"] | {"studip:authority": given}
    recording = built(load_settings(config, "swarm", str(tmp_path / path.name)))
    assert not recording.of_type("tls:index/selfSignedCert:SelfSignedCert")
    for signed in recording.of_type("tls:index/locallySignedCert:LocallySignedCert"):
        assert signed.inputs["caCertPem"] == "authority of the site"
    trusted = f"{PREFIX}-database-1-authority"
    made = revealed(dict(recording.one("docker:index/secret:Secret", trusted).inputs))
    assert base64.b64decode(made["data"]) == b"root of the site"
