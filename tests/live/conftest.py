"""One environment for all live tests, brought up once, always removed."""

from collections.abc import Iterator

import pytest

from components.labels import ENVIRONMENT as LABEL
from tests.live.platform import ENVIRONMENT, Client, Platform, docker

KINDS = ("service", "secret", "network", "volume")


def things() -> list[str]:
    """Everything on the engine that carries the test environment's label."""
    own = f"label={LABEL}={ENVIRONMENT}"
    found = [
        f"{kind} {name}"
        for kind in KINDS
        for name in docker(kind, "ls", "--quiet", "--filter", own).split()
    ]
    containers = docker("ps", "--all", "--quiet", "--filter", own).split()
    return [*found, *(f"container {name}" for name in containers)]


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The environment after its first `pulumi up`."""
    assert things() == [], "left behind by something else"
    made = Platform(tmp_path_factory.mktemp("live"))
    try:
        first = made.up()
        assert first.code == 0, first.output
        yield made
    finally:
        made.destroy()
        for thing in things():  # of a run that Pulumi could not undo
            kind, name = thing.split()
            docker(kind, "rm", *(("--force",) if kind == "container" else ()), name, check=False)


@pytest.fixture
def client(platform: Platform) -> Client:
    """A browser that was never here."""
    return Client(platform.url)
