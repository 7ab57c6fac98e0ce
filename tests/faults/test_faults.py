"""What users of the highly available Swarm notice when a part of it dies, one part after another.

Each fault runs under the same load, is healed, and is written to build/swarm-faults.json beside
what the timers allow; docs/reliability.md is made from that (`python -m tests.faults.report`).
"""

from collections.abc import Iterator

import pytest

from tests.faults.faults import FAULTS, Fault, named, suffer
from tests.faults.swarm import SwarmPlatform

pytestmark = [pytest.mark.cluster, pytest.mark.fault]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_no_acknowledged_write_is_lost_and_the_outage_is_within_its_budget(
    platform: SwarmPlatform, fault: Fault
) -> None:
    suffer(platform, fault)


MOVES = named("keepalived killed", "VIP owner's node killed")


@pytest.fixture(scope="module")
def fast(platform: SwarmPlatform) -> Iterator[SwarmPlatform]:
    """The platform whose address moves within a second."""
    balancer = platform.config["studip:load_balancer"]
    platform.bring_up(load_balancer=balancer | {"vrrp": balancer["vrrp"] | {"profile": "fast"}})
    yield platform
    platform.bring_up()


@pytest.mark.parametrize("fault", MOVES, ids=lambda fault: fault.name)
def test_with_the_fast_profile_the_address_moves_sooner(fast: SwarmPlatform, fault: Fault) -> None:
    moved = fast.allowed(("address", "keepalived killed"))
    assert moved is not None
    assert moved < 1
    suffer(fast, fault)
