"""Queues against textbooks, and against what must hold for any of them."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evaluation.capacity.queueing import (
    Station,
    erlang_b,
    erlang_c,
    exceeds,
    greatest_rate,
    in_front,
    normal_above,
    quantile,
    saturation,
    spread,
    stretch,
    wait_mgc,
    wait_mmc,
    waiting_share,
)
from evaluation.quantity import FloatArray


def one(value: float) -> FloatArray:
    """A single draw."""
    return np.array([float(value)])


def station(service: float, servers: float, slots: float = 1e6) -> Station:
    """A station of one draw."""
    return Station(service=one(service), servers=one(servers), slots=one(slots))


# Erlang B table: H. Akimaru and K. Kawashima, Teletraffic (1999), appendix, and ITU-D, Teletraffic
# Engineering Handbook (2005), appendix: servers, offered traffic, loss.
@pytest.mark.parametrize(
    ("servers", "offered", "blocked"),
    [
        (1, 0.0101, 0.01),
        (2, 0.153, 0.01),
        (5, 1.361, 0.01),
        (10, 4.461, 0.01),
        (20, 12.03, 0.01),
        (10, 5.084, 0.02),
        (50, 40.26, 0.02),
        (100, 84.06, 0.01),
    ],
)
def test_losses_are_those_of_the_table(servers: int, offered: float, blocked: float) -> None:
    assert erlang_b(one(servers), one(offered))[0] == pytest.approx(blocked, rel=0.01)


# P(wait) of M/M/n by hand: one server u; two servers 2 u² / (1 + u); and from Gross and Harris,
# Fundamentals of Queueing Theory, 3rd ed. (1998), example 2.2: 3 servers, 2 erlang, 0.444.
@pytest.mark.parametrize(
    ("servers", "offered", "waiting"),
    [(1, 0.7, 0.7), (2, 1.5, 2 * 0.75**2 / 1.75), (3, 2.0, 4 / 9), (2, 2.0, 1.0), (4, 9.0, 1.0)],
)
def test_the_share_that_waits_is_known_for_few_servers(
    servers: int, offered: float, waiting: float
) -> None:
    assert erlang_c(one(servers), one(offered))[0] == pytest.approx(waiting)


def test_a_clinic_of_the_textbook_makes_its_patients_wait_as_long_as_the_textbook_says() -> None:
    # Gross and Harris, 3rd ed., example 2.2: 6 patients an hour, 20 min each, 3 doctors: Lq = 8/9.
    wait = wait_mmc(one(6), one(1 / 3), one(3))[0]
    assert 6 * wait == pytest.approx(8 / 9)


def test_one_server_of_any_service_times_waits_as_pollaczek_and_khinchine_say() -> None:
    # W = u S (1 + cv²) / (2 (1 - u)); u = 0.8, S = 2 s, constant service times: 4 s.
    assert wait_mgc(one(0.4), one(2), one(1), one(0))[0] == pytest.approx(4.0)


def test_several_servers_with_constant_service_times_wait_about_as_the_tables_say() -> None:
    # M/D/2, u = 0.8: 0.8866 services; F. Hillier and O. Yu, Queueing Tables and Graphs (1981).
    exact = 0.8866
    assert wait_mgc(one(1.6), one(1), one(2), one(0))[0] == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize(("servers", "offered"), [(0.5, 0.4), (1.5, 0.9), (3.5, 3.0), (8.3, 7.0)])
def test_a_part_of_a_server_counts_as_the_continued_formula_says(
    servers: float, offered: float
) -> None:
    # 1 / B(x, a) = a * integral of exp(-a t) (1 + t)^x over all t > 0 (Fortet), by the trapezoid.
    t = np.linspace(0, 60 / offered, 200_001)
    inverse = offered * np.trapezoid(np.exp(-offered * t) * (1 + t) ** servers, t)
    assert erlang_b(one(servers), one(offered))[0] == pytest.approx(1 / inverse, rel=0.01)


def test_draws_with_different_servers_do_not_disturb_each_other() -> None:
    servers, offered = np.array([1.0, 7.3, 40.0, 2.0]), np.array([0.3, 5.0, 31.0, 1.9])
    together = erlang_c(servers, offered)
    alone = [erlang_c(one(n), one(a))[0] for n, a in zip(servers, offered, strict=True)]
    assert together == pytest.approx(alone)


def test_a_thousand_servers_wait_no_less_than_they_really_do() -> None:
    inverse = 1.0
    for n in range(1, 1001):
        inverse = 1 + n / 970 * inverse
    blocked = 1 / inverse
    really = blocked / (1 - 0.97 * (1 - blocked))
    counted = erlang_c(one(1000), one(970))[0]
    assert really < counted < 2 * really


def test_the_table_of_exponents_gives_what_erlang_gives() -> None:
    generator = np.random.default_rng(1)
    servers = np.exp(generator.uniform(np.log(0.1), np.log(500), 4_000))
    used = generator.uniform(0.02, 0.999, 4_000)
    exact = erlang_c(servers, used * servers)
    near = waiting_share(servers, used * servers)
    counts = exact > 1e-3
    assert np.sum(counts) > 1_000
    assert near[counts] == pytest.approx(exact[counts], rel=0.02)
    assert np.max(near[~counts]) < 1.1e-3
    assert waiting_share(one(3), one(3))[0] == 1


def test_the_normal_distribution_is_that_of_the_table() -> None:
    z = np.array([-1.96, 0.0, 1.0, 1.6449, 2.3263])
    assert normal_above(z) == pytest.approx([0.975, 0.5, 0.158655, 0.05, 0.01], abs=1e-5)


def test_a_single_core_with_one_worker_is_mm1_in_its_tail() -> None:
    # M/M/1 with first come first served: P(wait > t) = u exp(-(1 - u) t / S). With service times
    # that hardly vary beside waits of 20 S, P(response > t) is within a few percent of it.
    rate, seconds = 0.95, 40.0
    found = spread(one(rate), [station(1, 1, 1)], one(1))
    assert exceeds(one(seconds), found)[0] == pytest.approx(
        0.95 * np.exp(-0.05 * (seconds - 1.0)), rel=0.03
    )


def test_two_lines_add_up_like_two_exponentials() -> None:
    # Two equal stations of one worker at u = 0.5: each wait is 0 or, in half of all cases,
    # exponential with mean 2 S: together 0.5 exp(-x) + 0.25 (1 + x) exp(-x) with x = t / (2 S).
    # Service times that hardly vary: the response is 2 S later.
    found = spread(one(0.5), [station(1, 1, 1)] * 2, one(0.02))
    mean = 2.0 / 2 * (1 + 0.02**2)
    x = 3.0 / mean
    expected = 0.5 * np.exp(-x) + 0.25 * (1 + x) * np.exp(-x)
    assert exceeds(one(5.0), found)[0] == pytest.approx(expected, rel=0.01)


def test_with_workers_to_spare_the_wait_is_shared_and_with_none_it_is_in_front() -> None:
    assert in_front(one(0.8), station(1, 1, 1))[0] == 1
    assert in_front(one(0.8), station(1, 1, 11))[0] == pytest.approx(0.8**10)


def test_half_a_load_doubles_the_time_on_one_shared_core() -> None:
    assert stretch(one(0.5), station(1, 1))[0] == pytest.approx(1.0)


def test_beyond_capacity_there_is_no_response() -> None:
    stations = [station(0.1, 4)]
    assert saturation(stations)[0] == pytest.approx(40)
    for rate in (40.0, 41.0, 1e6):
        assert quantile(0.5, spread(one(rate), stations, one(1)))[0] == np.inf
        assert exceeds(one(1e9), spread(one(rate), stations, one(1)))[0] == 1


def test_a_request_that_is_too_slow_by_itself_allows_no_rate() -> None:
    assert greatest_rate(0.95, one(0.1), [station(0.2, 8)], one(1))[0] == 0


servers = st.floats(0.6, 60)
used = st.floats(0.01, 0.97)
variation = st.floats(0.1, 2.5)
spare = st.floats(0, 50)


@settings(max_examples=60, deadline=None)
@given(servers, servers, used, spare, variation, st.floats(0.2, 0.8))
@example(web=2.0, database=0.609375, level=0.03125, more=0.0625, cv=1.0, share=0.21875)
def test_the_greatest_rate_keeps_its_quantile_exactly(
    web: float, database: float, level: float, more: float, cv: float, share: float
) -> None:
    stations = [station(1 - share, web, web + more), station(share, database, database + more)]
    rate = level * saturation(stations)
    wanted = quantile(0.95, spread(rate, stations, one(cv)))
    found = greatest_rate(0.95, wanted, stations, one(cv))
    again = quantile(0.95, spread(found, stations, one(cv)))
    assert again[0] == pytest.approx(wanted[0], rel=0.01)


@settings(max_examples=60, deadline=None)
@given(servers, used, used, spare, variation, st.sampled_from([0.5, 0.95, 0.99]))
def test_more_load_never_lowers_a_response_time(
    cores: float, some: float, other: float, more: float, cv: float, share: float
) -> None:
    stations = [station(0.7, cores, cores + more), station(0.3, cores / 2, cores + more)]
    low, high = sorted((some, other))
    rates = [level * saturation(stations) for level in (low, high)]
    less, greater = (quantile(share, spread(rate, stations, one(cv)))[0] for rate in rates)
    assert greater >= less * (1 - 2e-3)


@settings(max_examples=60, deadline=None)
@given(servers, st.floats(0, 20), used, variation, st.sampled_from([0.5, 0.95, 0.99]))
def test_more_cores_with_their_workers_never_raise_a_response_time(
    cores: float, added: float, level: float, cv: float, share: float
) -> None:
    rate = one(level * cores)
    few, many = (
        quantile(share, spread(rate, [station(1, n, 4 * n)], one(cv)))[0]
        for n in (cores, cores + added)
    )
    assert many <= few * (1 + 2e-3)
