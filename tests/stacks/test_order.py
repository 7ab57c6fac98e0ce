"""In which order an environment comes up: no later than it must, and never before it may."""

import pytest

from tests.recording import Recording
from tests.snapshot import built, environment

SERVICE = "docker:index/service:Service"
MIGRATE = "studip-dev-migrate-container"


@pytest.fixture(scope="module")
def dev() -> Recording:
    return built(environment("dev"))


def waits_for(recording: Recording, name: str) -> set[str]:
    """Names of all that a resource waits for, directly or not; what its parent waits for too."""
    by_urn = {resource.urn: resource for resource in recording.resources}
    pending = [resource for resource in recording.resources if resource.name == name]
    assert pending, name
    found: set[str] = set()
    for resource in pending:
        for urn in (*resource.depends_on, resource.parent):
            if urn in by_urn and by_urn[urn].name not in found:
                found.add(by_urn[urn].name)
                pending.append(by_urn[urn])
    return found


@pytest.mark.parametrize("role", ["web", "cron"])
def test_a_role_waits_for_the_migration(dev: Recording, role: str) -> None:
    assert MIGRATE in waits_for(dev, f"studip-dev-{role}-service")


@pytest.mark.parametrize("part", ["database", "cache"])
def test_the_migration_waits_for_what_it_uses(dev: Recording, part: str) -> None:
    assert f"studip-dev-{part}-service" in waits_for(dev, MIGRATE)


def test_the_load_balancer_starts_beside_the_replicas(dev: Recording) -> None:
    before = waits_for(dev, "studip-dev-load-balancer-service")
    assert "studip-dev-image-haproxy-image" in before
    assert not before & {"studip-dev-web-service", MIGRATE, "studip-dev-database-service"}


def test_secrets_do_not_wait_for_the_migration(dev: Recording) -> None:
    secrets = dev.of_type("docker:index/secret:Secret")
    assert {"studip-dev-web-database-password", "studip-dev-cron-cache-password"} <= {
        secret.name for secret in secrets
    }
    for secret in secrets:
        assert MIGRATE not in waits_for(dev, secret.name), secret.name
