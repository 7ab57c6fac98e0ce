"""What operators do to the highly available Swarm, as docs/operations.md says, under load."""

import time

import pytest

from tests.faults.swarm import WHOLE, Load, SwarmPlatform, containers, recorded, wait
from tests.testbed import Node

pytestmark = [pytest.mark.cluster, pytest.mark.fault]


def replace(platform: SwarmPlatform, resource: str) -> None:
    """Have Pulumi make one resource anew; everything that uses it follows."""
    named = f"**::{platform.name(resource)}"
    platform.plain("up", "--yes", "--skip-preview", "--replace", named)


def served_key(platform: SwarmPlatform) -> str:
    """Public key of the certificate that users are shown."""
    host = platform.testbed.address
    show = f"openssl s_client -connect {host}:443 </dev/null | openssl x509 -noout -pubkey"
    return platform.testbed.node(1).run("bash", "-c", show)


def test_a_node_under_maintenance_costs_no_request(platform: SwarmPlatform) -> None:
    platform.wait_whole(WHOLE)
    began = time.monotonic()
    (owner,) = platform.owners()
    node = next(node for node in platform.testbed.nodes if node != owner)
    with Load(platform, "maintenance") as load:
        platform.operate("drain", node.name)
        assert containers_on(platform, node) == []
        platform.operate("activate", node.name)
    budget = platform.allowed(("database", "database primary stopped"))
    recorded(load, "node under maintenance", began, budget)
    assert load.failures == []


def containers_on(platform: SwarmPlatform, node: Node) -> list[str]:
    """Web replicas and members of the database on a machine."""
    parts = ("web", "database-1", "database-2", "database-3")
    return [name for part in parts for one, name in containers(platform, part) if one == node]


def test_a_new_password_of_the_database_is_taken_by_all_and_costs_no_request(
    platform: SwarmPlatform,
) -> None:
    platform.wait_whole(WHOLE)
    before = set(platform.passwords())
    began = time.monotonic()
    with Load(platform, "password") as load:
        replace(platform, "database-password")
        platform.wait_whole(WHOLE)
    assert len(set(platform.passwords()) - before) == 1
    budget = platform.allowed(("database", "database primary stopped"))
    recorded(load, "database password replaced", began, budget)
    assert load.failures == []


def test_a_new_certificate_is_served_and_costs_no_request(platform: SwarmPlatform) -> None:
    platform.wait_whole(WHOLE)
    before = served_key(platform)
    began = time.monotonic()
    with Load(platform, "certificate") as load:
        replace(platform, "authority-load-balancer-key")
        platform.wait_whole(WHOLE)
    assert served_key(platform) != before
    budget = platform.allowed(("address", "load balancer killed"))
    recorded(load, "certificate replaced", began, budget)
    assert load.failures == []


def test_a_member_of_the_database_gets_a_new_disk(platform: SwarmPlatform) -> None:
    platform.wait_whole(WHOLE)
    service = platform.name("database-3")
    ((node, _),) = containers(platform, "database-3")
    manager = platform.testbed.node(1)
    began = time.monotonic()
    with Load(platform, "new-disk") as load:
        manager.docker("service", "scale", "--detach", f"{service}=0")
        wait("the member is gone", lambda: not containers(platform, "database-3"), seconds=120)
        # Containers that have ended hold the volume too.
        ended = f"label=com.docker.swarm.service.name={service}"
        node.docker("container", "prune", "--force", "--filter", ended)
        node.docker("volume", "rm", service)
        manager.docker("service", "scale", "--detach", f"{service}=1")
        platform.wait_whole(WHOLE)
    budget = platform.allowed(("database", "database primary stopped"))
    recorded(load, "database member with a new disk", began, budget)
    assert load.failures == []
    assert platform.refresh().changed == {}
    assert platform.up().changed == {}
