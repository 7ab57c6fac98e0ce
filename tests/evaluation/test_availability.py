"""Availability in closed form: worked out by hand, and never worse for more or for better."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.availability import availability, failovers
from evaluation.availability.blocks import longest, quorum, unavailability, zones
from evaluation.availability.parts import YEAR, Nodes, reaction
from evaluation.candidates import CANDIDATES, named
from evaluation.draws import drawn
from evaluation.formulas import FORMULAS
from evaluation.inventory.models import (
    Assumptions,
    Backup,
    Cluster,
    Data,
    Database,
    Inventory,
    LoadBalancer,
    Machine,
    Machines,
    Offers,
    Skills,
    Staff,
    Storage,
    Wanted,
)
from evaluation.results import Availability, Block, Candidate
from evaluation.settings import sealed, settings_file
from evaluation.texts import has
from stacks.budget import budgets
from stacks.settings.load import read_settings

EVERYTHING = Offers(
    machines=Machines(),
    swarm=Cluster(),
    kubernetes=Cluster(),
    load_balancer=LoadBalancer(),
    database=Database(),
    storage=Storage(),
)
# Nothing fails and nothing is maintained, but what a test says.
NEVER: dict[str, Any] = dict.fromkeys(
    (
        "machine_failures",
        "process_failures",
        "site_failures",
        "network_failures",
        "operator_errors",
        "releases",
        "reboots",
        "data_losses",
        "release_failure_share",
        "common_cause_share",
    ),
    0,
)


def site(offers: Offers = EVERYTHING, staff: Staff | None = None, **assumed: object) -> Inventory:
    """A site where nothing fails but what is named."""
    return Inventory(
        offers=offers,
        staff=staff or Staff(),
        assumptions=Assumptions.model_validate(NEVER | assumed),
    )


def found(inventory: Inventory, name: str = "stay") -> Availability:
    """What the model says of a candidate."""
    return availability(inventory, named(name))


def outages(inventory: Inventory, name: str, block: str) -> float:
    """Hours a year of one block."""
    return sum(
        float(found.outages[0] * found.hours[0])
        for found in availability(inventory, named(name)).blocks
        if found.name == block
    )


def test_where_nothing_fails_nothing_is_away() -> None:
    result = found(site())
    assert result.availability[0] == 1
    assert result.outage_hours[0] == 0
    assert result.longest_hours[0] == 0


def test_a_single_thing_is_away_for_its_repair_within_each_cycle() -> None:
    # Up for 8,760 / 10 = 876 h, down for 24 h: 8,760 / 900 = 9.7333 cycles a year of 24 h each.
    result = found(site(network_failures=10, network_repair_hours=24))
    assert result.outage_hours[0] == pytest.approx(233.6)
    assert result.availability[0] == pytest.approx(876 / 900)


def test_blocks_in_series_multiply() -> None:
    # 876 of 900 h and 438 of 440 h.
    both = site(network_failures=10, network_repair_hours=24, site_failures=20, site_repair_hours=2)
    assert found(both).availability[0] == pytest.approx(876 / 900 * 438 / 440)


def test_two_of_three_by_hand() -> None:
    # Each down for 87.6 of 8,847.6 h: u = 1 / 101. Two or three down: 3 u^2 (1 - u) + u^3.
    # Lost from "one down" at two failures a year: 2 x 3 u (1 - u)^2.
    u = 1 / 101
    lost, hours = quorum(np.array([1.0]), np.array([87.6]), 3, 2)
    assert lost[0] == pytest.approx(6 * u * (1 - u) ** 2)
    assert lost[0] * hours[0] / YEAR == pytest.approx(3 * u**2 * (1 - u) + u**3)
    # Two are being repaired at once, so that the first is back after about half of the time.
    assert hours[0] == pytest.approx(87.6 / 2, rel=0.01)


def test_three_of_three_fail_as_often_as_any_of_them() -> None:
    # Rare failures: three times as many outages as of one, each as long.
    lost, hours = quorum(np.array([0.1]), np.array([1.0]), 3, 3)
    assert lost[0] == pytest.approx(0.3, rel=1e-3)
    assert hours[0] == pytest.approx(1.0, rel=1e-3)


FEW = st.floats(0.01, 20)
LONG = st.floats(0.01, 100)


@settings(deadline=None)
@given(failures=FEW, hours=LONG, members=st.integers(1, 6), needed=st.integers(1, 6))
def test_a_member_more_than_needed_never_lowers_availability(
    failures: float, hours: float, members: int, needed: int
) -> None:
    needed = min(needed, members)
    fewer, more = (
        np.prod(quorum(np.array([failures]), np.array([hours]), count, needed))
        for count in (members, members + 1)
    )
    assert more <= fewer * (1 + 1e-9) + 1e-12


@settings(deadline=None)
@given(failures=FEW, hours=LONG, members=st.sampled_from([1, 3, 5]))
def test_two_members_more_never_lower_the_availability_of_a_majority(
    failures: float, hours: float, members: int
) -> None:
    fewer, more = (
        np.prod(quorum(np.array([failures]), np.array([hours]), count, count // 2 + 1))
        for count in (members, members + 2)
    )
    assert more <= fewer * (1 + 1e-9) + 1e-12


REPAIRS = [
    "machine_repair_hours",
    "virtual_restart_hours",
    "process_restart_hours",
    "site_repair_hours",
    "network_repair_hours",
    "operator_error_hours",
]


@settings(deadline=None)
@given(
    candidate=st.sampled_from(CANDIDATES),
    repair=st.sampled_from(REPAIRS),
    hours=st.floats(0, 100),
    shorter=st.floats(0, 1),
    virtual=st.booleans(),
)
def test_better_repair_never_lowers_availability(
    candidate: Candidate, repair: str, hours: float, shorter: float, virtual: bool
) -> None:
    offers = EVERYTHING.model_copy(update={"machines": Machines(virtual=virtual)})
    slow, fast = (
        availability(
            Inventory(
                offers=offers,
                machines=(Machine(name="one", virtual=virtual),),
                assumptions=Assumptions.model_validate({repair: value}),
            ),
            candidate,
        )
        for value in (hours, hours * shorter)
    )
    assert fast.availability[0] >= slow.availability[0] - 1e-12


@pytest.mark.parametrize(
    ("staff", "expected"),
    [
        # 40 of 168 hours somebody is there within an hour, in the others within eight.
        ({"on_call": False}, (40 * 1 + 128 * 8) / 168),
        ({"on_call": True}, 1.0),
    ],
)
def test_who_is_on_call_reacts_at_night_as_by_day(staff: dict[str, Any], expected: float) -> None:
    given_staff = Staff.model_validate({"reaction_hours": 1, "reaction_hours_off_time": 8} | staff)
    assert reaction(site(staff=given_staff))[0] == pytest.approx(expected)


def test_a_virtual_machine_is_started_elsewhere_a_real_one_waits_for_people() -> None:
    on_call = Staff.model_validate({"on_call": True, "reaction_hours": 1})
    failing = site(
        staff=on_call, machine_failures=1, machine_repair_hours=5, virtual_restart_hours=0.25
    )
    real = failing.model_copy(update={"machines": (Machine(name="one", virtual=False),)})
    assert outages(failing, "stay", "machines") == pytest.approx(0.25, rel=1e-3)
    assert outages(real, "stay", "machines_repaired") == pytest.approx(6, rel=1e-3)


def test_web_machines_behind_a_load_balancer_are_spared_others_are_not() -> None:
    def today(*roles: str) -> float:
        machines = [Machine.model_validate({"name": role, "role": role}) for role in roles]
        failing = site(machine_failures=1, virtual_restart_hours=1)
        return outages(failing.model_copy(update={"machines": tuple(machines)}), "stay", "machines")

    assert today("web", "database") == pytest.approx(2, rel=1e-3)
    assert today("web", "web", "database", "balancer") == pytest.approx(2, rel=1e-3)


def test_what_hits_all_machines_is_repaired_by_people_on_any_candidate_of_ours() -> None:
    on_call = Staff.model_validate({"on_call": True, "reaction_hours": 1})
    failing = site(
        staff=on_call, machine_failures=2, common_cause_share=0.1, machine_repair_hours=4
    )
    # 2 a year x 10 % x (1 h + 4 h).
    for name in ("stay", "docker-host", "swarm", "kubernetes"):
        assert outages(failing, name, "common_cause") == pytest.approx(1.0, rel=1e-3)
    assert outages(failing, "managed-kubernetes", "common_cause") == 0


def test_a_hang_waits_for_people_where_no_health_check_sees_it() -> None:
    on_call = Staff.model_validate({"on_call": True, "reaction_hours": 2})
    failing = site(
        staff=on_call,
        process_failures=10,
        hang_share=0.1,
        hangs_noticed=0.8,
        process_restart_hours=0.02,
    )
    # 1 a year x 2.02 h, 9 a year x 0.02 h.
    assert found(failing).outage_hours[0] == pytest.approx(2.2, rel=1e-3)
    # A fifth of the hangs, 0.2 a year x 2.02 h, and 9.8 a year x 0.02 h.
    assert found(failing, "docker-host").outage_hours[0] == pytest.approx(0.6, rel=1e-3)
    assert outages(failing, "swarm", "hangs") == pytest.approx(0.404, rel=1e-3)


def test_services_on_machines_of_their_own_fail_no_more_often() -> None:
    failing = site(process_failures=10, process_restart_hours=1)
    two = failing.model_copy(update={"machines": (Machine(name="a"), Machine(name="b"))})
    assert found(two).outage_hours[0] == found(failing).outage_hours[0]


def test_a_lost_node_costs_a_failover_and_not_its_repair() -> None:
    failing = site(machine_failures=1, virtual_restart_hours=1)
    # Three nodes, 20 s each time, as GlusterFS' ping-timeout allows.
    assert outages(failing, "swarm", "failover") == pytest.approx(3 * 20 / 3600, rel=2e-3)
    assert found(failing, "swarm").outage_hours[0] < 0.02


def test_a_promise_is_used_in_part() -> None:
    offers = EVERYTHING.model_copy(
        update={"database": Database.model_validate({"availability_percent": 99})}
    )
    failing = site(offers, promise_used=0.5, offered_outage_hours=4)
    # 87.6 h are promised at most, and half of them come, 4 h at a time.
    assert outages(failing, "swarm-offered-database", "database") == pytest.approx(43.8)
    (block,) = (
        block
        for block in found(failing, "swarm-offered-database").blocks
        if block.name == "database"
    )
    assert block.outages[0] == pytest.approx(43.8 / 4)


def test_zones_help_from_three_on() -> None:
    def away(count: int) -> float:
        offers = EVERYTHING.model_copy(
            update={"machines": Machines.model_validate({"zones": count})}
        )
        failing = site(offers, site_failures=1, site_repair_hours=4, common_cause_share=0.1)
        return float(found(failing, "swarm").outage_hours[0])

    # One zone, or the one of two that has the majority: 4 h a year.
    assert away(1) == pytest.approx(4, rel=2e-3)
    assert away(2) == pytest.approx(4, rel=2e-3)
    # Three: what they have in common, 10 % of 4 h; two at once are away for minutes.
    assert away(3) == pytest.approx(0.4, rel=0.02)


def test_two_zones_of_three_at_once_by_hand() -> None:
    nodes = Nodes(
        members=3,
        needed=2,
        failures=np.zeros(1),
        hours=np.ones(1),
        failover_hours=0.0,
        zones=np.array([3.0]),
        zone_failures=np.array([1.0]),
        zone_hours=np.array([87.6]),
    )
    u = 1 / 101
    lost, hours = zones(nodes)
    assert lost[0] * hours[0] / YEAR == pytest.approx(3 * u**2 * (1 - u) + u**3)


def test_missing_experience_makes_more_mistakes_on_a_cluster_only() -> None:
    novices = site(operator_errors=1, operator_error_hours=1, cluster_error_factor=1.5)
    masters = novices.model_copy(
        update={
            "staff": Staff(
                skills=Skills.model_validate(dict.fromkeys(Skills.model_fields, "solid"))
            )
        }
    )
    assert outages(novices, "stay", "operator") == pytest.approx(1, rel=1e-3)
    assert outages(masters, "swarm", "operator") == pytest.approx(1, rel=1e-3)
    # Docker, Pulumi, database cluster and storage at basic, once trained: 1 + 0.5 x 4 / 2.
    assert outages(novices, "swarm", "operator") == pytest.approx(2, rel=1e-3)


def test_planned_hours_beyond_the_agreed_windows_count() -> None:
    work = site(releases=10, release_hours=2, reboots=12, reboot_hours=0.5)
    # 20 h for releases and 6 h for restarts; 12 h a year are agreed.
    agreed = work.model_copy(
        update={"wanted": Wanted.model_validate({"maintenance_hours_per_month": 1})}
    )
    result = found(agreed)
    assert result.planned_hours[0] == pytest.approx(26)
    assert result.outage_hours[0] == 0
    assert result.availability[0] == pytest.approx(1 - 14 / YEAR)


def test_containers_are_exchanged_without_a_window_and_nodes_with_seconds() -> None:
    work = site(releases=10, release_hours=2, reboots=12, reboot_hours=0.5)
    assert found(work, "docker-host").planned_hours[0] == pytest.approx(6)
    # Three nodes, twelve times, 3.9 s until another database member takes the writes.
    assert found(work, "swarm").planned_hours[0] == pytest.approx(3 * 12 * 3.9 / 3600)


def block(rate: float, hours: float) -> Block:
    """A block with so many outages a year of so many hours."""
    return Block(name="any", formula="renewal", outages=np.array([rate]), hours=np.array([hours]))


def test_the_longest_outage_of_one_year_in_ten_by_hand() -> None:
    # One a year, 2 h in the mean: exp(-h / 2) = -ln 0.9.
    assert longest((block(1, 2),))[0] == pytest.approx(-2 * math.log(-math.log(0.9)), rel=1e-4)
    # Two blocks of which the long one decides: 0.5 exp(-h / 10) + 20 exp(-h / 0.1).
    both = longest((block(0.5, 10), block(20, 0.1)))[0]
    assert both == pytest.approx(-10 * math.log(-math.log(0.9) / 0.5), rel=1e-4)


def test_what_comes_less_than_once_in_ten_years_is_not_the_longest_outage_of_one_in_ten() -> None:
    assert longest((block(0.1, 50),))[0] == 0


def test_lost_work_is_half_of_the_time_between_two_copies() -> None:
    offers = EVERYTHING.model_copy(
        update={
            "backup": Backup.model_validate({"interval_hours": 12}),
            "database": Database.model_validate({"rpo_minutes": 30, "members": 2}),
        }
    )
    failing = site(offers, data_losses=0.1, common_cause_share=0.05)
    # One store: 0.1 a year x 6 h. All copies at once: 5 % of that.
    assert found(failing, "stay").data_loss_hours[0] == pytest.approx(0.6)
    assert found(failing, "swarm").data_loss_hours[0] == pytest.approx(0.03)
    # Others' database with two members: 0.1 x 5 % x a quarter of an hour.
    assert found(failing, "swarm-offered").data_loss_hours[0] == pytest.approx(0.1 * 0.05 * 0.25)
    assert found(failing, "stay").rpo_hours[0] == 12
    assert found(failing, "swarm").rpo_hours[0] == 0
    assert found(failing, "swarm-offered").rpo_hours[0] == 0.5


def test_a_lost_store_is_away_for_its_restore() -> None:
    offers = EVERYTHING.model_copy(
        update={"backup": Backup.model_validate({"restore_gib_per_hour": 100})}
    )
    on_call = Staff.model_validate({"on_call": True, "reaction_hours": 1})
    failing = site(offers, on_call, data_losses=0.1).model_copy(
        update={"data": Data.model_validate({"database_gib": 100, "files_gib": 900})}
    )
    # 1 h until somebody is there, 10 h to restore.
    assert outages(failing, "stay", "data") == pytest.approx(1.1, rel=1e-3)


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda candidate: candidate.name)
def test_each_block_has_a_formula_a_name_and_a_number_for_each_draw(candidate: Candidate) -> None:
    result = availability(drawn(Inventory(offers=EVERYTHING), 50, 1), candidate)
    names = [found.name for found in result.blocks]
    assert len(set(names)) == len(names)
    for name in names:
        assert has(f"availability.block.{name}")
    for found in result.blocks:
        assert found.formula in FORMULAS
        assert found.outages.shape == found.hours.shape == (50,)
    for values in (
        result.availability,
        result.outage_hours,
        result.planned_hours,
        result.longest_hours,
        result.data_loss_hours,
        result.rpo_hours,
    ):
        assert values.shape == (50,)
    assert result.outage_hours == pytest.approx(YEAR * unavailability(result.blocks))


def test_the_failovers_are_those_that_the_budget_of_the_settings_prints() -> None:
    assert failovers.seconds() == pytest.approx(failovers.made_from_settings())


@pytest.mark.parametrize(
    "candidate",
    [each for each in CANDIDATES if each.orchestrator == "swarm" and not each.managed],
    ids=lambda candidate: candidate.name,
)
def test_a_candidate_fails_over_as_the_settings_that_it_deploys(
    candidate: Candidate, tmp_path: Path
) -> None:
    file = tmp_path / "Pulumi.site.yaml"
    text = settings_file(Inventory(offers=EVERYTHING), candidate).text
    file.write_text(sealed(text), encoding="utf-8")
    printed = {
        (budget.part, budget.fault): budget.outage for budget in budgets(read_settings(file))
    }
    used = failovers.faults(candidate)
    if candidate.balancer == "offered":  # taken to check as ours would
        used = {(part, fault) for part, fault in used if part != "load balancer"}
    assert used <= set(printed)
    assert {fault: failovers.seconds()[fault] for fault in used} == pytest.approx(
        {fault: printed[fault] for fault in used}
    )
