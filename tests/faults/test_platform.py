"""The whole highly available Swarm, brought up by `pulumi up`.

On two cores it takes about a quarter of an hour, half of that until all images are built.
"""

import hashlib
import json

import pytest

from tests.faults.swarm import SwarmPlatform, copies
from toolchain.places import ROOT

pytestmark = [pytest.mark.cluster, pytest.mark.fault]

REPLICAS = 3


def replicas(platform: SwarmPlatform, requests: int = 30) -> set[str]:
    """Names of those that answered."""
    return {str(platform.json("/api/status")["replica"]) for _ in range(requests)}


def test_a_page_is_served_at_the_address_that_moves(platform: SwarmPlatform) -> None:
    assert len(platform.owners()) == 1
    assert "Stud.IP" in platform.ask("/")
    assert len(replicas(platform)) == REPLICAS


def test_a_file_uploaded_on_one_replica_is_read_on_the_others(platform: SwarmPlatform) -> None:
    upload = ("--form", "file=@/project/README.md;filename=slides.txt")
    entry = platform.json("/api/upload", *upload)
    content = (ROOT / "README.md").read_bytes()
    for _ in range(2 * REPLICAS):
        assert platform.ask(f"/api/files/{entry['id']}").encode() == content
    digest = hashlib.sha256(content).hexdigest()
    assert copies(platform, entry["id"]) == [digest] * REPLICAS


def test_a_second_up_changes_nothing(platform: SwarmPlatform) -> None:
    second = platform.up()
    assert second.code == 0, second.output
    assert second.changed == {}


def test_status_knows_every_member_and_what_runs_beside_swarm(platform: SwarmPlatform) -> None:
    platform.wait_whole()
    told = json.loads(platform.operate("status", "--json"))
    parts = {part["part"]: part["state"] for part in told["parts"]}
    assert told["ok"], parts
    members = ("database-{}", "cache-{}", "registry-{}", "storage-{}", "storage-mount-node-{}")
    assert {name.format(number) for name in members for number in (1, 2, 3)} <= parts.keys()
    assert parts["migrate"] == "done"


def test_gc_asks_the_registry_with_tls_and_login(platform: SwarmPlatform) -> None:
    said = platform.operate("gc", "--keep", "1")
    assert said.splitlines()[-1].startswith("Removed 0 of ")


def test_operators_bring_it_up_to_date(platform: SwarmPlatform) -> None:
    said = platform.operate("up")
    assert f"Stud.IP ({platform.environment}) runs: {platform.url}" in said
    assert "created" not in said
