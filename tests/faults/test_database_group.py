"""What users notice when members of a MySQL group die: on machines of its own, before all others.

A database of one kind is not turned into one of another, so this platform starts from nothing.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.faults.faults import FAULTS, Fault, members, suffer
from tests.faults.swarm import WHOLE, SwarmPlatform
from tests.testbed import Testbed

pytestmark = [pytest.mark.cluster, pytest.mark.fault]

KIND = "innodb-cluster"
LIMITS = {"limits": {"memory_mib": 1024}}
CHOSEN = (
    "database primary killed",
    "database secondary killed",
    "network of the database primary cut",
    "worker node killed",
    "rolling update",
)
BEFALL = [
    replace(fault, name=f"{fault.name} with {KIND}") for fault in FAULTS if fault.name in CHOSEN
]


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwarmPlatform]:
    """The platform with that database after its first `pulumi up`; its machines go with it."""
    with Testbed("group") as testbed:
        testbed.join()
        made = SwarmPlatform(tmp_path_factory.mktemp("group"), testbed)
        database = made.config["studip:database"]
        made.config["studip:database"] = database | {"kind": KIND, "resources": LIMITS}
        made.bring_up()
        made.wait_whole(WHOLE)
        yield made


def test_a_page_is_served_and_a_second_up_changes_nothing(group: SwarmPlatform) -> None:
    assert len(members(group)) == 3
    assert "Stud.IP" in group.ask("/")
    second = group.up()
    assert second.code == 0, second.output
    assert second.changed == {}


@pytest.mark.parametrize("fault", BEFALL, ids=lambda fault: fault.name)
def test_no_acknowledged_write_is_lost_and_the_outage_is_within_its_budget(
    group: SwarmPlatform, fault: Fault
) -> None:
    suffer(group, fault)
