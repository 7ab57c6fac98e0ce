"""Every candidate's settings file passes the check of this project's settings."""

import re
from functools import partial
from pathlib import Path

import pytest

from evaluation.candidates import CANDIDATES, STAY, named
from evaluation.inventory.file import load
from evaluation.inventory.models import Inventory
from evaluation.settings import NothingToDeployError, sealed, settings_file
from stacks.settings.errors import SettingsError
from stacks.settings.load import read_settings
from stacks.settings.models import Settings

SAMPLES = sorted((Path(__file__).parents[2] / "evaluation" / "samples").glob("*.yaml"))
inventory = partial(Inventory.model_validate)
DEPLOYED = [c.name for c in CANDIDATES if c.orchestrator in ("docker", "swarm")]
MODELLED = [c.name for c in CANDIDATES if c.orchestrator == "kubernetes"]


def settings(
    folder: Path, site: Inventory, candidate: str, *, deployable: bool = True
) -> tuple[Settings, str]:
    """The settings that a candidate's file holds, and its text."""
    path = folder / "Pulumi.my-site.yaml"
    text = settings_file(site, named(candidate)).text
    path.write_text(sealed(text), encoding="utf-8")
    return read_settings(path, deployable=deployable), text


@pytest.mark.parametrize("candidate", DEPLOYED)
def test_the_check_accepts_what_can_be_deployed(candidate: str, tmp_path: Path) -> None:
    for sample in SAMPLES:
        settings(tmp_path, load(sample), candidate)
        assert settings_file(load(sample), named(candidate)).undeployed == ()


@pytest.mark.parametrize("candidate", MODELLED)
def test_what_is_not_deployed_yet_says_so_and_is_right_otherwise(
    candidate: str, tmp_path: Path
) -> None:
    for sample in SAMPLES:
        read, text = settings(tmp_path, load(sample), candidate, deployable=False)
        assert read.orchestrator == "kubernetes"
        said = "orchestrator: kubernetes is not available yet; available: swarm"
        assert settings_file(load(sample), named(candidate)).undeployed == (said,)
        assert f"# NOT DEPLOYED YET: {said}\n" in text.partition("config:")[0]
        with pytest.raises(SettingsError):
            settings(tmp_path, load(sample), candidate)


def test_staying_has_no_settings() -> None:
    with pytest.raises(NothingToDeployError, match="stay: nothing is deployed"):
        settings_file(Inventory(), STAY)


EVERYTHING = inventory(
    {
        "name": "Uni: #1 'of all'",
        "offers": {
            "machines": {"count": 5, "cores": 8, "zones": 2},
            "database": {"address": "db.uni.example:3307", "size_gib": 1000},
            "storage": {"address": "files.uni.example", "path": "/export/x", "size_gib": 5000},
            "load_balancer": {},
            "registry": {"address": "registry.uni.example:5000"},
            "swarm": {"nodes": 4, "zones": 3},
        },
    }
)


def test_what_is_offered_is_external_under_its_address(tmp_path: Path) -> None:
    read, text = settings(tmp_path, EVERYTHING, "swarm-offered")
    assert (read.database.kind, read.database.host, read.database.port) == (
        "external",
        "db.uni.example",
        3307,
    )
    assert read.storage.kind == "nfs"
    assert read.storage.nfs is not None
    assert (read.storage.nfs.server, read.storage.nfs.path) == ("files.uni.example", "/export/x")
    assert read.load_balancer.kind == "external"
    assert (read.registry.kind, read.registry.address) == (
        "external",
        "registry.uni.example:5000",
    )
    assert read.platform.name == "Uni: #1 'of all'"
    # Only the site knows these; the file says so beside each of them.
    password = "pulumi config set --secret --path 'studip:database.password'"
    assert f"# fill in: {password}\n    password: FILL-IN" in text
    assert "url: https://studip.example.org  # fill in" in text
    assert "trusted_proxies: [192.0.2.0/24]  # fill in" in text


def test_a_password_that_nobody_has_filled_in_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.my-site.yaml"
    path.write_text(settings_file(EVERYTHING, named("swarm-offered")).text, encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        read_settings(path)
    assert refused.value.messages == [
        "studip:database.password: must be encrypted: pulumi config set --secret --path "
        f"'studip:database.password' ({path})"
    ]


def test_what_is_not_offered_is_deployed(tmp_path: Path) -> None:
    read, text = settings(tmp_path, inventory({"offers": {"machines": {"zones": 2}}}), "swarm")
    assert (read.database.kind, read.database.members) == ("galera", 3)
    assert read.storage.kind == "glusterfs"
    assert read.registry.kind == "distribution"
    assert (read.load_balancer.kind, read.load_balancer.replicas) == ("haproxy", 2)
    assert read.load_balancer.vrrp is not None
    assert [node.labels["zone"] for node in read.nodes] == ["a", "b", "a"]
    assert len({node.address for node in read.nodes}) == 3
    assert "NOT ON OFFER" not in text


def test_an_address_that_is_not_known_is_to_be_filled_in(tmp_path: Path) -> None:
    _, text = settings(tmp_path, inventory({"offers": {"database": {}}}), "docker-host-offered")
    assert "host: db.example.org  # fill in: host name or address" in text
    assert "server: files.example.org  # fill in: its server" in text


def test_what_is_needed_and_not_offered_stands_at_the_top() -> None:
    made = settings_file(Inventory(), named("managed-swarm"))
    heads = [line for line in made.text.splitlines() if line.startswith("# NOT ON OFFER: ")]
    assert len(heads) == len(made.missing) > 0


@pytest.mark.parametrize("kind", ["cephfs", "glusterfs", "other"])
def test_other_file_systems_are_mounted_by_the_nodes(kind: str, tmp_path: Path) -> None:
    offers = {"machines": {}, "storage": {"kind": kind}}
    read, text = settings(tmp_path, inventory({"offers": offers}), "swarm-offered-storage")
    assert read.storage.kind == "external"
    assert read.storage.driver_options == {
        "type": "none",
        "o": "bind",
        "device": "/mnt/studip/{folder}",
    }
    assert f"# fill in: where the file system of the data centre ({kind})" in text


def test_more_load_makes_more_replicas_and_nodes_as_far_as_there_are_any(tmp_path: Path) -> None:
    def site(peak: int) -> Inventory:
        load = {
            "peak_requests_per_second": peak,
            "daily_accesses": 10,
            "service_time_ms": 200,
            "database_share": 0.1,
        }
        offers = {"machines": {"count": 9, "cores": 8, "memory_gib": 64}}
        return inventory({"load": load, "offers": offers})

    quiet, _ = settings(tmp_path, site(1), "swarm")
    busy, _ = settings(tmp_path, site(50), "swarm")
    hopeless, _ = settings(tmp_path, site(20_000), "swarm")
    assert len(quiet.nodes) == 3 < len(busy.nodes) <= len(hopeless.nodes) == 9
    # No node's cores are idle, and what the load needs more comes on top.
    assert quiet.application.web.replicas == 3
    assert busy.application.web.replicas == len(busy.nodes)
    assert hopeless.application.web.replicas > 9


def test_a_load_balancer_of_others_finds_one_replica_on_each_node(tmp_path: Path) -> None:
    read, _ = settings(tmp_path, EVERYTHING, "managed-swarm")
    assert len(read.nodes) == read.application.web.replicas == 4
    assert read.application.web.update.order == "stop-first"


def test_what_one_replica_a_node_does_not_carry_is_said(tmp_path: Path) -> None:
    load = {"peak_requests_per_second": 100, "daily_accesses": 10, "service_time_ms": 400}
    offers = {"swarm": {"nodes": 3, "cores": 400, "memory_gib": 900}}
    read, text = settings(tmp_path, inventory({"load": load, "offers": offers}), "managed-swarm")
    assert read.application.web.replicas == 3
    assert re.search("# Semester start would take [0-9]+: ask for more nodes.", text)


def test_two_offered_nodes_are_refused_by_name(tmp_path: Path) -> None:
    site = inventory({"offers": {"swarm": {"nodes": 2}}})
    made = settings_file(site, named("managed-swarm"))
    assert made.undeployed == ("nodes: two are not available on swarm; take one, or at least 3",)


def test_a_load_balancer_without_tls_is_warned_of(tmp_path: Path) -> None:
    site = inventory({"offers": {"load_balancer": {"tls": False}}})
    read, text = settings(tmp_path, site, "swarm-offered")
    assert read.platform.url == "http://studip.example.org"
    assert "# It does not end TLS" in text


def test_the_database_gets_memory_for_its_data(tmp_path: Path) -> None:
    offers = {"machines": {"memory_gib": 64}}
    data = {"database_gib": 20, "database_growth_gib": 4}
    read, _ = settings(tmp_path, inventory({"offers": offers, "data": data}), "swarm")
    # 1 GiB and a quarter of 40 GiB in five years.
    assert read.database.parameters["innodb_buffer_pool_size"] == f"{11 * 1024}M"
    assert read.database.resources.limits.memory_mib > 11 * 1024
