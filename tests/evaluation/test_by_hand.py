"""Sites of golden/ worked out by hand, in the middle of their ranges.

The arithmetic stands in each test, in numbers, so that it can be followed with a pocket calculator;
what a test compares with is never taken from the models.
"""

from math import exp, log, sqrt
from pathlib import Path

import pytest

from evaluation.assess import result
from evaluation.candidates import as_if_offered, named
from evaluation.draws import drawn
from evaluation.inventory.file import load
from evaluation.inventory.models import Inventory
from evaluation.load import outage_per_hour
from evaluation.results import Result
from evaluation.verdict import burdens_of

GOLDEN = Path(__file__).parent / "golden"
CLOSE = 0.01  # of what the pocket calculator says: rounding, and roots that are found nearly

# Hours until somebody looks: 40 of the week's 168 hours within 1.25 h, else within 14 h.
REACTION = 40 / 168 * 1.25 + 128 / 168 * 14
# Lognormal service times of mean 130 ms and variation 1.2, what 95 % of them keep.
SIGMA = sqrt(log(1 + 1.2**2))
P95_ALONE_MS = 130 * exp(1.645 * SIGMA - SIGMA**2 / 2)


def site(name: str) -> tuple[Inventory, Inventory]:
    """As given, and in the middle of its ranges with everything offered."""
    inventory = load(GOLDEN / f"{name}.yaml")
    return inventory, drawn(as_if_offered(inventory), 1, 1)


def found(name: str, candidate: str) -> Result:
    """What the models find for a candidate of a site."""
    inventory, sample = site(name)
    return result(inventory, sample, named(candidate))


def away(of: Result, *names: str) -> float:
    """Hours a year of some blocks, or of all."""
    blocks = [block for block in of.availability.blocks if not names or block.name in names]
    assert names == () or {block.name for block in blocks} == set(names)
    return sum(float(block.outages[0] * block.hours[0]) for block in blocks)


def test_village_college_has_a_request_in_two_seconds() -> None:
    carried = found("village-college", "stay").capacity
    # 200 accesses x 40 requests, 11.5 % of them in the busiest hour, twice the mean at its peak
    assert carried.demand_rps[0] == pytest.approx(200 * 40 * 0.115 / 3600 * 2)
    assert carried.demand_rps[0] == pytest.approx(0.511, rel=CLOSE)
    assert carried.demand_start_rps[0] == pytest.approx(1.022, rel=CLOSE)
    # Nobody waits for four cores then.
    assert carried.p95_ms[0] == pytest.approx(P95_ALONE_MS, rel=CLOSE)


def test_village_college_pays_6_900_a_year() -> None:
    machine = 4 * 40 + 16 * 35
    disks = ((10 + 2 * 2.5) + (500 + 100 * 2.5)) * 0.49  # GiB in the middle of five years
    # h: machine, database, backup, eight releases by hand; effort factor 1.085; 70 an hour
    staff = (12 + 16 + 16 + 8 * 4) * 1.085 * 70
    assert machine + disks + staff == pytest.approx(6_867, rel=CLOSE)
    cost = found("village-college", "stay").cost
    assert cost.per_year[0] == pytest.approx(6_867, rel=CLOSE)
    assert cost.migration[0] == 0


def test_village_college_is_away_for_thirteen_hours() -> None:
    hours = {
        "site": 0.3 * 3.5,
        "network": 1.25 * 1.15,
        "common_cause": 0.65 * 0.06 * (REACTION + 14),
        "machines": 0.65 * 0.94 * 0.3,
        "processes": 7 * 0.94 * 0.03,
        "hangs": 7 * 0.06 * (REACTION + 0.03),
        "operator": 1.25 * 1.75,
        "releases": 8 * 0.125 * 1.75,
        "upgrades": 1 * 0.125 * 1.75,
        "data": 0.03 * (REACTION + 510 / 125),  # 10 + 500 GiB at 125 GiB an hour
    }
    staying = found("village-college", "stay")
    for name, expected in hours.items():
        assert away(staying, name) == pytest.approx(expected, rel=CLOSE), name
    assert sum(hours.values()) == pytest.approx(13.07, rel=CLOSE)
    assert away(staying) == pytest.approx(13.07, rel=CLOSE)
    assert staying.availability.availability[0] == pytest.approx(1 - 13.07 / 8760, abs=2e-5)


def test_three_of_four_cores_busy_as_erlangs_table_has_it() -> None:
    # Tables of Erlang C give 0.5094 for 3 erlang on 4 servers.
    waiting = 0.5094
    mean = 100 * (1 + waiting / (4 - 3))
    assert mean == pytest.approx(151, rel=CLOSE)
    sigma = sqrt(log(2))  # variation 1
    p95 = mean * exp(1.645 * sigma - sigma**2 / 2)
    assert p95 == pytest.approx(420, rel=CLOSE)
    carried = found("three-of-four-cores-busy", "stay").capacity
    # 5 %: a few requests wait in front of 16 workers, in order, instead of sharing the cores.
    assert carried.p95_ms[0] == pytest.approx(p95, rel=0.05)
    assert carried.p95_start_ms[0] == carried.p95_ms[0]


def test_overloaded_small_machine_carries_18_of_30_requests_a_second() -> None:
    # A request takes 130 ms, 82.5 % of it a core; two cores answer 2 / (0.13 x 0.825) of them.
    most = 2 / (0.130 * 0.825)
    assert most == pytest.approx(18.65, rel=CLOSE)
    staying = found("overloaded-small-machine", "stay").capacity
    assert staying.demand_rps[0] == 30
    assert staying.rps[0] < most
    assert staying.p95_ms[0] == float("inf")
    # 16 cores less 0.2 for the platform serve 19.2 requests at a time, 60 x 0.13 = 7.8 are there.
    host = found("overloaded-small-machine", "docker-host").capacity
    assert host.p95_start_ms[0] == pytest.approx(P95_ALONE_MS, rel=0.02)
    assert host.overload_hours[0] == 0


def test_nothing_at_stake_a_docker_host_costs_1_800_a_year_more() -> None:
    # Machine and disks are the same; upkeep 70 h instead of 76, each times 1.085, at 70 an hour.
    docker = 12 + 12 + 16 + 2 + 16 + 8 * 1.5
    by_hand = 12 + 16 + 16 + 8 * 4
    staff = (docker - by_hand) * 1.085 * 70
    # Days: image 3, settings 1, host 1, monitoring 2, rehearsal 3, cut-over 2, runbooks 2.
    once = (3 + 1 + 1 + 2 + 3 + 2 + 2) * 1.085 * 8 * 70 + 2_750  # and one course, Pulumi
    assert staff + once / 5 == pytest.approx(1_796, rel=CLOSE)
    host = found("nothing-at-stake", "docker-host").cost
    staying = found("nothing-at-stake", "stay").cost
    assert host.migration[0] == pytest.approx(once, rel=CLOSE)
    assert host.per_year[0] - staying.per_year[0] == pytest.approx(1_796, rel=CLOSE)


def test_exams_online_lose_their_majority_once_in_thirteen_thousand_years() -> None:
    alone = 0.65 * 0.94  # 1/year of a machine by itself, back after 0.3 h
    down = alone * 0.3 / 8760
    # One of three is down, and one of the other two fails.
    rate = 3 * down * 2 * alone
    assert 1 / rate == pytest.approx(13_000, rel=0.02)
    swarm = found("exams-online", "swarm")
    (quorum,) = (block for block in swarm.availability.blocks if block.name == "quorum")
    assert quorum.outages[0] == pytest.approx(rate, rel=CLOSE)
    # Two down, either of which comes back after 0.3 h: half of that.
    assert quorum.hours[0] == pytest.approx(0.15, rel=CLOSE)
    # h: machines 36, Swarm 30, Galera 48, GlusterFS 60, address 10, backup 16, releases 12
    upkeep = (36 + 30 + 48 + 60 + 10 + 16 + 12) * 1.085
    assert swarm.operations.upkeep_hours[0] == pytest.approx(upkeep, rel=CLOSE)


def test_old_server_is_away_for_68_hours_until_it_is_repaired() -> None:
    failures, hours = 0.45 * 0.94, REACTION + 150
    expected = failures * hours / (1 + failures * hours / 8760)
    assert expected == pytest.approx(67.6, rel=CLOSE)
    staying = found("old-server", "stay")
    assert away(staying, "machines_repaired") == pytest.approx(67.6, rel=CLOSE)
    # On the offered virtual machine it is back after 0.3 h.
    host = found("old-server", "docker-host")
    assert away(host, "machines") == pytest.approx(0.45 * 0.94 * 0.3, rel=CLOSE)


def test_weak_promises_in_series_add_up_to_53_hours() -> None:
    # Four parts at 99.5 %, of which 0.3 is used.
    each = 0.005 * 0.3 * 8760
    assert 4 * each == pytest.approx(52.6, rel=CLOSE)
    managed = found("weak-promises-small", "managed-kubernetes-offered")
    parts = ("orchestrator", "database", "storage", "balancer")
    assert away(managed, *parts) == pytest.approx(52.6, rel=CLOSE)


def test_tens_of_tebibytes_cost_five_times_as_much_in_three_copies() -> None:
    files = 20_000 + 500 * 2.5  # GiB, in the middle of five years
    offered, own = files * 0.3, 3 * (files + 15) * 0.49
    assert offered == pytest.approx(6_375, rel=CLOSE)
    assert own == pytest.approx(31_260, rel=CLOSE)
    site_name = "files-in-the-tens-of-tebibytes"
    with_offer = found(site_name, "swarm-offered-storage").cost
    assert with_offer.items["offers"][0] == pytest.approx(6_375, rel=CLOSE)
    assert found(site_name, "swarm").cost.items["storage"][0] == pytest.approx(31_260, rel=CLOSE)


def test_an_hour_of_outage_costs_the_site_with_a_price_list_184() -> None:
    # 25 visits in the mean hour, a quarter of an hour each, half of it lost, at a fifth of 70; and
    # the time of two people who repair.
    hour = 70 * (600 / 24 * 0.25 * 0.5 * 0.2 + 2)
    assert hour == pytest.approx(184, rel=CLOSE)
    _, sample = site("small-with-price-list")
    assert outage_per_hour(sample)[0] == pytest.approx(184, rel=CLOSE)


def test_third_machine_missing_loses_work_and_wants_for_64_000_a_year_by_staying() -> None:
    _, sample = site("third-machine-missing")
    burdens = burdens_of(sample, found("third-machine-missing", "stay"))
    # 0.03 losses of a store a year, half of a day's work each, at 4,000 an hour
    assert burdens["work"][0] == pytest.approx(0.03 * 12 * 4_000, rel=CLOSE)
    # Copies of a day, a long outage, and the lost node: three of five wants, 4 for each student.
    assert burdens["wants"][0] == pytest.approx(4 * 26_000 * 3 / 5, rel=CLOSE)
    swarm = burdens_of(sample, found("third-machine-missing", "swarm"))
    # A Swarm of three keeps no copy that is old, and a node may be lost.
    assert swarm["wants"][0] <= 4 * 26_000 * 1 / 5
    assert swarm["work"][0] == pytest.approx(0.06 * 0.03 * 12 * 4_000, rel=CLOSE)
