"""The highly available Swarm, once for all tests of a module."""

import time
from collections.abc import Iterator

import pytest

from tests.faults.swarm import SwarmPlatform
from tests.testbed import Testbed


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwarmPlatform]:
    """The platform after its first `pulumi up`; its machines go with it."""
    with Testbed("faults") as testbed:
        testbed.join()
        made = SwarmPlatform(tmp_path_factory.mktemp("faults"), testbed)
        began = time.monotonic()
        first = made.up()
        assert first.code == 0, first.output
        print(f"\nfrom nothing to a platform: {time.monotonic() - began:.0f} s")
        made.wait_whole()
        yield made
