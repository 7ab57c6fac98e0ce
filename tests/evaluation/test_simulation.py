"""The formulas against a simulation that knows none of them."""

from collections.abc import Sequence

import numpy as np
import pytest

from evaluation.candidates import CANDIDATES, STAY
from evaluation.capacity.queueing import Station, quantile, spread, wait_mgc
from evaluation.capacity.simulation import arrivals_of_day, service_times, simulate, simulate_day
from evaluation.inventory.models import Inventory, Load, Machine
from evaluation.quantity import FloatArray, Quantity

REQUESTS = 12_000
BATCHES = 10


def run(
    level: float, cv: float, servers: Sequence[float], workers: int, shares: Sequence[float]
) -> FloatArray:
    """Response times of requests that take 1 s alone, the first tenth left out."""
    generator = np.random.default_rng(7)
    rate = level * min(n / share for n, share in zip(servers, shares, strict=True))
    arrivals = np.cumsum(generator.exponential(1 / rate, REQUESTS))
    works = service_times(1.0, cv, REQUESTS, generator)
    times = simulate(arrivals, np.outer(shares, works), servers, workers)
    return times[REQUESTS // 10 :]


def confidence(times: FloatArray, share: float | None = None) -> tuple[float, float]:
    """Estimate and half of its 99 % confidence interval, by batch means (t of 9 degrees: 3.25)."""
    batches = np.array_split(times, BATCHES)
    found = [np.mean(b) if share is None else np.quantile(b, share) for b in batches]
    return float(np.mean(found)), float(3.25 * np.std(found, ddof=1) / BATCHES**0.5)


def one(value: float) -> FloatArray:
    """A single draw."""
    return np.array([float(value)])


@pytest.mark.parametrize(("servers", "level"), [(1, 0.6), (8, 0.85)])
def test_lines_in_front_of_workers_are_as_long_as_erlang_says(servers: int, level: float) -> None:
    times = run(level, 1.0, [servers], servers, [1.0])
    mean, half = confidence(times)
    waits = wait_mgc(one(level * servers), one(1), one(servers), one(1))[0]
    # Allen-Cunneen holds exactly for exponential service; lognormal of the same cv: within 10 %.
    assert mean - 1 == pytest.approx(waits, abs=half + 0.1 * waits)


@pytest.mark.parametrize("cv", [0.5, 1.5])
def test_shared_cores_slow_requests_alike_however_service_times_vary(cv: float) -> None:
    mean, half = confidence(run(0.7, cv, [4], 10**6, [1.0]))
    # M/M/4 at 0.7: C = 0.4287 (Hillier and Yu's tables: Lq = 1.000), w = C / (4 x 0.3).
    assert mean == pytest.approx(1 + 1.0002 / 2.8, abs=half + 0.01)


@pytest.mark.parametrize(
    ("servers", "workers", "level", "cv"),
    [
        ((6,), 24, 0.8, 0.8),
        ((6,), 24, 0.8, 1.6),
        ((6,), 6, 0.8, 1.6),
        ((12, 6), 60, 0.85, 1.2),
        ((12, 3), 60, 0.8, 1.2),
    ],
)
def test_response_times_are_those_of_the_model(
    servers: tuple[int, ...], workers: int, level: float, cv: float
) -> None:
    shares = [1.0] if len(servers) == 1 else [0.65, 0.35]
    times = run(level, cv, servers, workers, shares)
    stations = [
        Station(service=one(part), servers=one(n), slots=one(workers * part))
        for n, part in zip(servers, shares, strict=True)
    ]
    rate = level * min(n / part for n, part in zip(servers, shares, strict=True))
    found = spread(one(rate), stations, one(cv))
    for share in (0.5, 0.95):
        estimate, half = confidence(times, share)
        assert quantile(share, found)[0] == pytest.approx(estimate, abs=half + 0.12 * estimate)


def test_more_than_the_cores_do_lets_the_line_grow() -> None:
    times = run(1.2, 1.0, [4], 40, [1.0])
    ends = [float(np.mean(piece)) for piece in np.array_split(times, 3)]
    assert ends[0] < ends[1] < ends[2]
    # What comes last waits for a sixth of the time that all took, 12,000 / 4 s.
    assert times[-1] == pytest.approx(REQUESTS / 4 / 6, rel=0.15)


def test_users_who_give_up_keep_the_others_within_their_patience() -> None:
    generator = np.random.default_rng(5)
    arrivals = np.cumsum(generator.exponential(1 / 6, 5_000))  # 6/s on 4 cores of 1 s each
    works = service_times(1.0, 0.5, 5_000, generator)
    times = simulate(arrivals, works[None], [4.0], 4, patience=10.0)
    answered = times[~np.isnan(times)]
    assert np.max(answered) < 10.0 + np.max(works) + 1e-6
    # What is more than the four servers do gives up: a third.
    assert 1 - len(answered) / len(times) == pytest.approx(1 / 3, abs=0.03)


def test_arrivals_follow_the_day() -> None:
    rates = np.array([0.0, 5.0, 20.0, 1.0])
    arrivals = arrivals_of_day(rates, 500.0, np.random.default_rng(3))
    assert np.all(np.diff(arrivals) >= 0)
    came = np.histogram(arrivals, bins=4, range=(0, 2000))[0]
    expected = rates * 500
    assert np.all(np.abs(came - expected) <= 4 * np.sqrt(expected))


@pytest.fixture(scope="module")
def site() -> Inventory:
    """A machine of 4 cores, 40 requests/s at semester start, 100 ms each."""
    return Inventory(
        machines=(Machine(name="all", cores=Quantity.of(4)),),
        load=Load(
            peak_requests_per_second=Quantity.of(20),
            semester_start_factor=Quantity.of(2),
            peak_factor=Quantity.of(2),
            service_time_ms=Quantity.of(100),
            service_time_cv=Quantity.of(1),
            cpu_share=Quantity.of(1),
        ),
    )


def test_the_first_day_of_a_semester_overloads_a_machine_at_its_busiest_only(
    site: Inventory,
) -> None:
    day = simulate_day(site, STAY, requests=15_000)
    # 4 cores answer 40 requests/s; the busiest quarter-hour brings 40 x 7/8 on the mean: 35/s.
    busiest = int(np.argmax(day.offered_rps))
    assert busiest // 4 in (10, 11)
    assert day.offered_rps[busiest] == pytest.approx(35, rel=0.1)
    night = slice(4 * 2, 4 * 6)
    assert np.nanmax(day.p95_ms[night]) < np.max(day.p95_ms[busiest - 4 : busiest + 5])
    assert np.all(day.lost == 0)


def test_a_day_of_twice_that_load_loses_users_on_the_machine_but_not_on_three(
    site: Inventory,
) -> None:
    load = site.load.model_copy(update={"peak_requests_per_second": Quantity.of(40)})
    busier = site.model_copy(update={"load": load})
    swarm = next(c for c in CANDIDATES if c.name == "swarm")
    alone, three = (simulate_day(busier, c, requests=15_000, patience=2.0) for c in (STAY, swarm))
    # 70/s in the busiest quarter-hour against 40/s that four cores do: 3/7 of them give up.
    assert np.max(alone.lost) == pytest.approx(3 / 7, abs=0.1)
    assert np.all(three.lost == 0)


def test_the_same_seed_gives_the_same_day(site: Inventory) -> None:
    first, second = (
        simulate_day(site, STAY, requests=2_000, patience=0.5, seed=9) for _ in range(2)
    )
    assert np.array_equal(first.p95_ms, second.p95_ms, equal_nan=True)
    assert first.requests > 0
