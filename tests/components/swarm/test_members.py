"""Parts that are a service a member: where each runs, and that they are replaced one by one."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from components.cache import Failover
from components.cache import budgets as cache_budgets
from components.registry import budgets as registry_budgets
from tests.components.test_contract import COMPONENTS, NODES
from tests.recording import Recording, Resource, record, revealed

CACHE = ["it-1", "it-2", "it-3", "it-sentinel-1", "it-sentinel-2", "it-sentinel-3"]
EXPECTED = {"cache_cluster": CACHE, "registry_cluster": CACHE[:3]}


def recorded(name: str) -> Recording:
    return record(lambda: COMPONENTS[name]("it"))


def env(service: Resource) -> dict[str, str]:
    return dict(service.inputs["taskSpec"]["containerSpec"]["env"])


@pytest.mark.parametrize("name", EXPECTED)
def test_each_member_is_a_service_on_its_own_node_after_the_one_before(name: str) -> None:
    recording = recorded(name)
    services = recording.of_type("docker:index/service:Service")
    assert [service.inputs["name"] for service in services] == EXPECTED[name]
    placements = [service.inputs["taskSpec"]["placement"]["constraints"] for service in services]
    nodes = [[f"node.hostname == {node.name}"] for node in NODES]
    assert placements == nodes * (len(services) // len(nodes))
    for before, after in pairwise(services):
        # Its component is registered only then, and with it everything below.
        component = recording.one("studip:swarm:Service", after.inputs["name"])
        assert before.urn in component.depends_on
        assert after.inputs["updateConfig"]["order"] == "stop-first"


def test_members_and_sentinels_know_all_names_and_their_own() -> None:
    recording = recorded("cache_cluster")
    for number in (1, 2, 3):
        member = env(recording.service(f"it-{number}"))
        sentinel = env(recording.service(f"it-sentinel-{number}"))
        for one in (member, sentinel):
            assert one["MEMBERS"].split(",") == CACHE[:3]
            assert one["SENTINELS"].split(",") == CACHE[3:]
            assert (one["DOWN_AFTER"], one["FAILOVER_TIMEOUT"]) == ("2000", "5000")
        assert member["MEMBER"] == sentinel["SENTINEL"] == str(number)


def test_nobody_waits_for_the_name_of_a_cache_member_that_is_down() -> None:
    recording = recorded("cache_cluster")
    for name in CACHE:
        spec = recording.service(name).inputs["taskSpec"]["containerSpec"]
        assert spec["dnsConfig"] == {"nameservers": ["127.0.0.1"]}


def test_a_registry_serves_tls_with_a_login_on_every_address_of_its_node() -> None:
    recording = recorded("registry_cluster")
    service = recording.service("it-2")
    told = env(service)
    assert told["REGISTRY_HTTP_ADDR"] == ":5000"
    spec = service.inputs["taskSpec"]["containerSpec"]
    files = {f"/run/secrets/{secret['fileName']}" for secret in spec["secrets"]}
    assert files == {value for key, value in told.items() if key.endswith("_FILE")}
    folders = {mount["target"]: mount.get("source") for mount in spec["mounts"]}
    assert folders[told["REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY"]] == "/srv/shared/registry"
    outputs = revealed(
        dict(next(out for urn, out in recording.outputs.items() if "Cluster::it" in urn))
    )
    assert outputs == {"address": "127.0.0.1:5000"}


def test_an_image_before_the_registry_is_built_on_each_node_and_pushed_nowhere() -> None:
    recording = recorded("seed_image")
    images = recording.of_type("docker:index/image:Image")
    assert {image.name for image in images} == {f"it-{node.name}-image" for node in NODES}
    for image in images:
        assert image.inputs["skipPush"] is True
        assert image.inputs["build"]["args"] == {"ROOTFS": "rootfs"}


@pytest.mark.parametrize(
    ("change", "grows"),
    [
        (lambda: cache_budgets(Failover(down_after=5), check_interval=0.5, check_timeout=1), 3.0),
        (lambda: cache_budgets(Failover(), check_interval=1.5, check_timeout=1), 1.0),
        (lambda: cache_budgets(Failover(timeout=50), check_interval=0.5, check_timeout=1), 0.0),
    ],
)
def test_the_caches_budget_follows_its_timers(
    change: Callable[[], list[object]], grows: float
) -> None:
    usual = {
        one.fault: one.outage
        for one in cache_budgets(Failover(), check_interval=0.5, check_timeout=1)
    }
    changed = {one.fault: one.outage for one in change()}  # type: ignore[attr-defined]
    assert usual["cache replica killed"] == changed["cache replica killed"] == 0
    for fault in usual.keys() - {"cache replica killed"}:
        assert changed[fault] - usual[fault] == pytest.approx(grows)


def test_no_part_promises_more_than_its_restart() -> None:
    (alone,) = cache_budgets(None)
    told = {one.fault: one.outage for one in registry_budgets()}
    assert alone.outage == told["registry killed"] < told["registry hangs"]
    assert told["node lost"] == 0
