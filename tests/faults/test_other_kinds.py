"""The platform on the other kinds, a MySQL group and CephFS: on machines of its own.

A database or storage of one kind is not turned into one of another, so it starts from nothing.
"""

import hashlib
import time
from collections.abc import Iterator

import pytest

from tests.faults.faults import Fault, members, named, suffer
from tests.faults.swarm import ROWS_OF_KINDS, WHOLE, SwarmPlatform, copies
from tests.testbed import Testbed
from toolchain.places import ROOT

pytestmark = [pytest.mark.cluster, pytest.mark.fault, pytest.mark.kinds]

DATABASE = {"kind": "innodb-cluster", "resources": {"limits": {"memory_mib": 1024}}}
STORAGE = {"kind": "cephfs", "cephfs": {"size_gib": 8}}
BEFALL = named(
    "database primary killed",
    "database secondary killed",
    "network of the database primary cut",
    "storage OSD killed",
    "storage metadata server killed",
    "network of a storage node cut",
    "worker node killed",
    "rolling update",
)


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwarmPlatform]:
    """The platform on those after its first `pulumi up`; its machines go with it."""
    with Testbed("others") as testbed:
        testbed.join()
        made = SwarmPlatform(tmp_path_factory.mktemp("others"), testbed)
        made.results = ROWS_OF_KINDS
        made.config["studip:database"] |= DATABASE
        made.config["studip:storage"] = STORAGE
        began = time.monotonic()
        made.bring_up()
        print(f"\nfrom nothing to a platform: {time.monotonic() - began:.0f} s")
        made.wait_whole(WHOLE)
        yield made


def test_a_page_is_served_and_a_second_up_changes_nothing(others: SwarmPlatform) -> None:
    assert len(members(others)) == 3
    assert "Stud.IP" in others.ask("/")
    second = others.up()
    assert second.code == 0, second.output
    assert second.changed == {}


def test_a_file_uploaded_on_one_node_is_read_on_all(others: SwarmPlatform) -> None:
    upload = ("--form", "file=@/project/README.md;filename=slides.txt")
    entry = others.json("/api/upload", *upload)
    digest = hashlib.sha256((ROOT / "README.md").read_bytes()).hexdigest()
    assert copies(others, entry["id"]) == [digest] * 3


@pytest.mark.parametrize("fault", BEFALL, ids=lambda fault: fault.name)
def test_no_acknowledged_write_is_lost_and_the_outage_is_within_its_budget(
    others: SwarmPlatform, fault: Fault
) -> None:
    suffer(others, fault)
