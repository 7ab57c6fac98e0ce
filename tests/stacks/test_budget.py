"""Failure budgets of an environment, worked out by hand."""

from pathlib import Path

import pytest

from operations.budget import table
from stacks.budget import budgets
from stacks.settings.errors import SettingsError
from stacks.settings.file import read
from stacks.settings.load import load_settings, read_settings
from stacks.settings.models import Settings

SWARM = Path(__file__).parent.parent.parent / "Pulumi.swarm.yaml"
TAKE_OVER = 0.2  # s that moving the address itself takes


def outages(settings: Settings) -> dict[tuple[str, str], float]:
    return {(one.part, one.fault): one.outage for one in budgets(settings)}


def swarm(profile: str, tmp_path: Path) -> Settings:
    file = tmp_path / SWARM.name
    file.write_text(SWARM.read_text().replace("profile: standard", f"profile: {profile}"))
    return read_settings(file, deployable=False)


# Of two nodes the second has priority 201 or less: it waits (256 - 201) / 256 of an advertisement
# or longer after the three that were missing.
@pytest.mark.parametrize(
    ("profile", "least", "target"), [("standard", 3 + 55 / 256, 4.1), ("fast", 0.6 + 11 / 256, 1.0)]
)
def test_the_address_moves_within_its_profiles_target(
    profile: str, least: float, target: float, tmp_path: Path
) -> None:
    allowed = outages(swarm(profile, tmp_path))["address", "node killed"]
    assert least + TAKE_OVER <= allowed <= target


def test_a_galera_cluster_takes_writes_again_within_six_seconds(tmp_path: Path) -> None:
    found = outages(swarm("standard", tmp_path))
    # 4 s until the member is given up, looked for each 0.5 s; 0.25 s until the next one says that
    # it is the writer, and 0.5 s until the proxy asks it.
    assert found["database", "database primary killed"] == pytest.approx(4 + 0.5 + 0.25 + 0.5)
    assert max(outage for (part, _), outage in found.items() if part == "database") <= 6


def _with_mysql() -> str:
    limits = "resources: {limits: {memory_mib: 1024}}"
    return SWARM.read_text().replace("kind: galera", f"kind: innodb-cluster\n    {limits}")


def test_a_mysql_group_takes_writes_again_within_ten_seconds(tmp_path: Path) -> None:
    file = tmp_path / SWARM.name
    file.write_text(_with_mysql())
    found = outages(read_settings(file, deployable=False))
    # 5 s until a suspicion, 3 looks a second apart; then as with Galera.
    assert found["database", "database primary killed"] == pytest.approx(5 + 3 + 0.25 + 0.5)
    assert max(outage for (part, _), outage in found.items() if part == "database") <= 10


def test_every_part_that_can_fail_over_has_a_budget(tmp_path: Path) -> None:
    parts = {part for part, _ in outages(swarm("standard", tmp_path))}
    assert parts == {
        "address", "cache", "database", "load balancer", "proxy", "registry", "storage", "swarm",
    }  # fmt: skip


def test_one_node_has_no_address_to_move_and_no_member_to_lose() -> None:
    dev = read_settings(SWARM.with_name("Pulumi.dev.yaml"))
    assert {part for part, _ in outages(dev)} == {"cache", "load balancer"}


def test_the_table_names_part_fault_outage_and_formula(tmp_path: Path) -> None:
    lines = table(list(budgets(swarm("standard", tmp_path))))
    assert lines[0].split() == ["PART", "FAULT", "OUTAGE", "AT", "MOST,", "AS"]
    (moved,) = [line for line in lines if line.startswith("address") and "node killed" in line]
    assert moved.split()[-7:] == ["3", "x", "advert", "+", "skew", "+", "take-over"]


def test_settings_that_can_not_be_deployed_yet_are_still_refused_where_they_would_be(
    tmp_path: Path,
) -> None:
    file = tmp_path / SWARM.name
    file.write_text(
        f"{SWARM.read_text()}  studip:gitlab: {{kind: external, url: https://g.test}}\n"
    )
    assert list(budgets(read_settings(file, deployable=False)))
    with pytest.raises(SettingsError, match="external is not available yet on swarm"):
        load_settings(read(file)["config"], "swarm", str(file))


def test_storage_is_missed_as_the_settings_say(tmp_path: Path) -> None:
    file = tmp_path / SWARM.name
    text = SWARM.read_text()
    for storage, expected in (
        ("glusterfs, glusterfs: {ping_timeout: 4}", 8.0),
        ("cephfs, cephfs: {grace: 10}", 36.0),
    ):
        given = f"studip:storage: {{kind: {storage}}}"
        file.write_text(
            text.replace("studip:storage:\n    kind: glusterfs\n    replicas: 3", given)
        )
        assert given in file.read_text()
        assert outages(read_settings(file))["storage", "storage node killed"] == expected
