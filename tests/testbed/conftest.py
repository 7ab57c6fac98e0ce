"""One testbed for all its tests."""

from collections.abc import Iterator

import pytest

from tests.testbed import Testbed


@pytest.fixture(scope="module")
def testbed() -> Iterator[Testbed]:
    """Three machines that are one Swarm, each with a clock of its own; whole before each module."""
    with Testbed("pytest", clocks=True) as made:
        made.join()
        yield made
