"""What candidates carry, worked out by hand, and what must hold for any site."""

import re
import time
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.candidates import CANDIDATES, STAY
from evaluation.capacity import WORKERS, capacity, load_profile
from evaluation.capacity.day import WEEKS, day_factors, day_shape, overload_hours
from evaluation.capacity.queueing import Station
from evaluation.capacity.stations import cores, platform_cores, stations
from evaluation.draws import drawn
from evaluation.inventory.models import (
    Cluster,
    Database,
    Inventory,
    Load,
    Machine,
    Machines,
    Offers,
    Wanted,
)
from evaluation.quantity import Quantity
from evaluation.results import Candidate, Capacity
from toolchain.places import ROOT

NAMES = [candidate.name for candidate in CANDIDATES]


def of(value: float) -> Quantity:
    """A known number."""
    return Quantity.of(float(value))


def candidate(name: str) -> Candidate:
    """By its name."""
    return next(c for c in CANDIDATES if c.name == name)


def site(**changes: object) -> Inventory:
    """A site without ranges: 100 ms, 35 % of it in the database, all of it on a core; 4 cores."""
    load = {
        "peak_requests_per_second": of(20),
        "peak_factor": of(2),
        "semester_start_factor": of(2),
        "service_time_ms": of(100),
        "service_time_cv": of(1),
        "database_share": of(0.35),
        "cpu_share": of(1),
    }
    given = {key: changes.pop(key) for key in list(changes) if key in Load.model_fields}
    base = Inventory(
        machines=(Machine(name="studip", cores=of(4)),),
        load=Load(**(load | given)),
        wanted=Wanted(p95_ms=of(1000)),
        offers=Offers(
            machines=Machines(count=of(6), cores=of(8)),
            database=Database(cores=of(8)),
            kubernetes=Cluster(nodes=of(4), cores=of(32)),
        ),
    )
    return base.model_copy(update=changes)


def test_one_machine_answers_as_many_as_its_cores_do() -> None:
    # 4 cores, 0.1 s each: 40/s. At 20/s u = 0.5: C = 0.1739 (M/M/4, 2 erlang), stretch
    # C / (4 x 0.5) = 0.087: 108.7 ms on the mean. A lognormal with cv 1: median mean / sqrt(2),
    # p95 median x exp(1.645 sqrt(ln 2)) = 3.933 medians.
    found = capacity(site(), STAY)
    median = 108.7 / 2**0.5
    assert found.p50_ms[0] == pytest.approx(median, rel=0.01)
    assert found.p95_ms[0] == pytest.approx(3.933 * median, rel=0.01)
    assert found.demand_start_rps[0] == 40
    assert found.p95_start_ms[0] == np.inf  # 40/s is all that 4 cores do
    assert 20 < found.rps[0] < 40
    assert found.nodes[0] == np.inf  # there is but that machine


def test_a_machine_that_is_lost_takes_everything_with_it_where_there_is_but_one() -> None:
    for name in ("stay", "docker-host", "docker-host-offered"):
        found = capacity(site(), candidate(name))
        assert found.rps_one_lost[0] == 0
        assert found.p95_one_lost_ms[0] == np.inf


def test_web_server_and_database_on_two_machines_are_as_fast_as_the_slower_one() -> None:
    # Web: 4 cores / 0.065 s = 61.5/s; database: 1 core / 0.035 s = 28.6/s.
    machines = (
        Machine(name="web", role="web", cores=of(4)),
        Machine(name="database", role="database", cores=of(1)),
    )
    found = _stations(site(machines=machines), STAY)
    assert [s.servers[0] / s.service[0] for s in found] == pytest.approx([61.5, 28.57], rel=0.01)
    assert capacity(site(machines=machines), STAY).rps[0] < 28.6


def test_workers_that_are_fewer_than_cores_are_the_limit() -> None:
    # 2 workers on 4 cores: 2 / 0.1 s.
    found = _stations(site(workers_per_core=of(0.5)), STAY)
    assert found[0].servers[0] / found[0].service[0] == pytest.approx(20)


def test_workers_that_wait_for_the_database_do_not_keep_cores_busy() -> None:
    # 4 workers on the 4 cores of the web server: each is with the database for 0.35 of its time.
    machines = (
        Machine(name="web", role="web", cores=of(4)),
        Machine(name="database", role="database", cores=of(8)),
    )
    web, _ = _stations(site(machines=machines, workers_per_core=of(1)), STAY)
    assert web.servers[0] == pytest.approx(4 * 0.65)


def test_a_core_that_waits_half_of_the_time_serves_two_at_a_time() -> None:
    found = _stations(site(cpu_share=of(0.5)), STAY)
    assert found[0].servers[0] == 8


def test_the_database_gets_no_faster_by_more_nodes() -> None:
    # Half of 100 ms each; the writer has one node of 8 cores, less 0.7 for the platform.
    half = site(database_share=of(0.5), service_time_ms=of(100))
    node = (8 - 0.7) / 0.05
    limits = []
    for nodes in (3, 30):
        found = _stations(half, candidate("swarm"), nodes)
        limits.append(found[1].servers[0] / found[1].service[0])
    assert limits[1] == pytest.approx(node)
    assert limits[1] == limits[0]


def test_three_nodes_carry_what_is_left_by_the_platform_and_by_two_copies_of_the_database() -> None:
    # 3 x (8 - 0.2 - 0.5) = 21.9 cores, / (1 + 0.35 x 0.1 x 2) = 20.47: 204.7/s in all.
    found = cores(site(), candidate("swarm"), np.array([3.0]))
    assert found.total[0] == pytest.approx(20.47, abs=0.01)
    web, database = stations(site(), found)
    # 0.35 x 20.47 = 7.16 cores for the database: less than a node; both are full at one rate.
    assert database.servers[0] == pytest.approx(7.16, abs=0.01)
    assert web.servers[0] / web.service[0] == pytest.approx(204.7, abs=0.1)


def test_kubernetes_takes_more_of_its_nodes_than_swarm() -> None:
    node, three = np.array([8.0]), np.array([3.0])
    taken = {c.name: platform_cores(c, node, three)[0] for c in CANDIDATES}
    # 0.2 + 0.08 + 0.01 x 8 + 1 + 2 + 2 / 3; without control plane and storage; Swarm.
    assert taken["kubernetes"] == pytest.approx(4.0267, abs=1e-3)
    assert taken["managed-kubernetes-offered"] == pytest.approx(0.36)
    assert taken["swarm-offered"] == pytest.approx(0.2)


def test_as_many_nodes_are_needed_as_carry_semester_start_without_one() -> None:
    # 500/s x 0.1 s = 50 cores. Offered database: web 32.5 cores; nodes of 7.8; five are not
    # enough without one (31.2), and no number is where the database has 8 cores (228/s).
    busy = site(peak_requests_per_second=of(250))
    few = capacity(busy, candidate("swarm-offered"))
    assert few.nodes[0] == np.inf
    large = busy.offers.model_copy(update={"database": Database(cores=of(64))})
    enough = capacity(busy.model_copy(update={"offers": large}), candidate("swarm-offered"))
    assert enough.nodes[0] == 6
    assert enough.p95_start_ms[0] < 1000


def test_what_is_not_offered_is_judged_at_its_default_size() -> None:
    bare = site().model_copy(update={"offers": Offers()})
    for each in CANDIDATES:
        found = capacity(bare, each)
        for name in names(found):
            assert np.shape(getattr(found, name)) == (1,), (each.name, name)


def test_replicas_are_those_of_this_projects_images() -> None:
    text = (ROOT / "images" / "php-apache" / "Dockerfile").read_text()
    (workers,) = re.findall(r"WEB_WORKERS=(\d+)", text)
    assert int(workers) == WORKERS
    # 160/s x 0.1 s = 16 busy, stretched a little; 16 + 2 x 4 = 24 and more: two replicas of 16.
    found = capacity(site(peak_requests_per_second=of(80)), candidate("swarm"))
    assert found.replicas[0] == 2


def test_a_measured_day_is_taken_as_it_is() -> None:
    hours = tuple(of(float(hour)) for hour in range(24))
    shape = day_shape(site(hours=hours))
    assert shape[:, 0] == pytest.approx(np.arange(24) / 23)


@pytest.mark.parametrize("share", [0.06, 0.09, 0.14, 0.3])
def test_the_busiest_hour_has_its_share_of_the_day(share: float) -> None:
    shape = day_shape(site(peak_hour_share=of(share)))[:, 0]
    assert np.max(shape) == 1
    assert 1 / np.sum(shape) == pytest.approx(share, rel=0.01)


def test_the_profile_has_the_peak_in_the_busiest_minutes_of_its_weeks() -> None:
    found = load_profile(site())
    assert np.max(found.day[:, 0]) * 2 == pytest.approx(20)
    assert np.max(found.start_day) * 2 == pytest.approx(40)
    assert len(found.weeks) == len(WEEKS) == len(found.kinds) == 52
    assert np.max(found.weeks) == 40
    assert {kind: found.weeks[WEEKS.index(kind)][0] for kind in ("lectures", "break")} == {
        "lectures": 20,
        "break": 7,
    }


def test_a_year_has_its_days_and_semester_start_fades() -> None:
    days = day_factors(site())
    assert sum(number for _, number in days) == 364
    assert max(factor[0] for factor, _ in days) == 2


def test_hours_of_overload_are_counted_by_hand() -> None:
    # A day whose load lies in one hour only, 10/s on the mean, 0 to 20/s with a peak factor of 2:
    # beyond 15/s in a quarter of it. Ordinary days only reach beyond 15/s where their factor is
    # above 0.75: each gives 1 - 0.75 / factor of an hour.
    hours = tuple(of(1.0 if hour == 10 else 0.0) for hour in range(24))
    flat = site(hours=hours, semester_start_factor=of(1))
    # 25 + 4 weeks at 1: 4 days of 1 and one of 0.8 each; 4 weeks at 0.8: 4 days.
    expected = 29 * (4 * 0.25 + (1 - 0.75 / 0.8)) + 4 * 4 * (1 - 0.75 / 0.8)
    assert overload_hours(flat, np.array([15.0]))[0] == pytest.approx(expected)
    assert overload_hours(flat, np.array([20.0]))[0] == 0
    assert overload_hours(flat, np.array([0.0]))[0] == pytest.approx(364)


def test_each_draw_is_the_result_of_its_own_numbers() -> None:
    wide = drawn(Inventory(offers=Offers(machines=Machines())), 40, 3)
    for name in ("stay", "swarm", "swarm-offered-database"):
        together = capacity(wide, candidate(name))
        for draw in (0, 7, 39):
            alone = capacity(_only(wide, draw), candidate(name))
            for field, value in fields(alone).items():
                assert getattr(together, field)[draw] == pytest.approx(value, rel=0.01), field


def test_a_thousand_draws_take_a_moment() -> None:
    wide = drawn(Inventory(offers=Offers(machines=Machines())), 1000, 1)
    capacity(wide, candidate("kubernetes"))
    began = time.process_time()
    capacity(wide, candidate("kubernetes"))
    assert time.process_time() - began < 0.2  # 25 ms on a quiet machine


def fields(found: Capacity) -> dict[str, float]:
    """The middle draw."""
    return {name: float(getattr(found, name)[0]) for name in names(found)}


def names(found: Capacity) -> set[str]:
    """Of all numbers."""
    lazy = (name for name, of in vars(Capacity).items() if isinstance(of, cached_property))
    return {name for name in vars(found) if not name.startswith("find_")}.union(lazy)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(NAMES), st.floats(1, 400), st.floats(1, 3), st.floats(0.1, 0.9), st.floats(0, 2)
)
def test_more_load_is_never_answered_faster(
    name: str, rate: float, more: float, share: float, cv: float
) -> None:
    # With nodes as they are: a candidate that may take more of them would be faster again.
    few, many = (
        fields(
            capacity(
                _fixed(
                    peak_requests_per_second=of(r), database_share=of(share), service_time_cv=of(cv)
                ),
                candidate(name),
            )
        )
        for r in (rate, rate * more)
    )
    for key in ("p50_ms", "p95_ms", "p99_ms", "p95_start_ms", "p95_one_lost_ms", "overload_hours"):
        assert many[key] >= few[key] * (1 - 3e-3), key
    assert many["nodes"] >= few["nodes"]
    assert many["replicas"] >= few["replicas"]


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(NAMES), st.floats(1, 64), st.floats(1, 3), st.floats(0.1, 0.9))
def test_larger_machines_are_never_slower(
    name: str, size: float, more: float, share: float
) -> None:
    small, large = (
        fields(capacity(_sized(n, database_share=of(share)), candidate(name)))
        for n in (size, size * more)
    )
    for key in ("p95_ms", "p95_start_ms", "p95_one_lost_ms", "nodes", "overload_hours"):
        assert large[key] <= small[key] * (1 + 3e-3) + 1e-9, key
    for key in ("rps", "rps_one_lost"):
        assert large[key] >= small[key] * (1 - 3e-3), key


def _stations(inventory: Inventory, chosen: Candidate, nodes: float = 1) -> Sequence[Station]:
    return stations(inventory, cores(inventory, chosen, np.array([float(nodes)])))


def _fixed(**changes: object) -> Inventory:
    inventory = site(**changes)
    offers = inventory.offers.model_copy(update={"machines": Machines(count=of(3), cores=of(8))})
    return inventory.model_copy(update={"offers": offers})


def _sized(size: float, **changes: object) -> Inventory:
    inventory = site(**changes)
    offers = inventory.offers.model_copy(
        update={
            "machines": Machines(count=of(3), cores=of(size)),
            "database": Database(cores=of(size)),
            "kubernetes": Cluster(nodes=of(3), cores=of(3 * size)),
        }
    )
    machines = (Machine(name="studip", cores=of(size)),)
    return inventory.model_copy(update={"offers": offers, "machines": machines})


def _only(inventory: Inventory, draw: int) -> Inventory:
    from evaluation.draws import _changed

    return _changed(inventory, lambda key, quantity, whole: quantity.at(quantity.value[[draw]]))
