"""The cluster of `Pulumi.swarm.yaml`: which engine is asked for what, and in which order."""

from typing import Any

import pytest

from tests.recording import Recording
from tests.snapshot import built, environment
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
