"""The highly available Swarm, once for all tests here."""

import time
from collections.abc import Iterator

import pytest

from tests.faults.swarm import DISK_MEMBER, SwarmPlatform
from tests.testbed import Testbed


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwarmPlatform]:
    """The platform after its first `pulumi up`; its machines go with it."""
    with Testbed("faults", clocks=True) as testbed:
        testbed.join()
        made = SwarmPlatform(tmp_path_factory.mktemp("faults"), testbed)
        made.put_on_a_disk(f"database-{DISK_MEMBER}", DISK_MEMBER)
        began = time.monotonic()
        first = made.up()
        assert first.code == 0, first.output
        print(f"\nfrom nothing to a platform: {time.monotonic() - began:.0f} s")
        made.wait_whole()
        yield made
