"""Clients that ask again as soon as they are answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.capacity.closed import closed_loop


def test_one_client_gets_what_it_gets_alone() -> None:
    found = closed_loop(1, 30, 10, 2, 0)
    assert found.per_second == pytest.approx(25)
    assert found.mean_ms == found.p95_ms == pytest.approx(40)


def test_two_clients_at_one_core_get_what_mean_value_analysis_says() -> None:
    # Computing and waiting 1 s each. One client: R = 1, X = 1/2, Q = 1/2. Two: R = 1.5,
    # X = 2 / 2.5 = 0.8.
    assert closed_loop(2, 1000, 1000, 1, 1).per_second == pytest.approx(0.8)


def test_clients_that_never_wait_fill_the_cores() -> None:
    found = closed_loop(10, 20, 0, 2, 1)
    assert found.per_second == pytest.approx(100, rel=1e-4)
    assert found.mean_ms == pytest.approx(100, rel=1e-4)


@given(
    st.integers(1, 64), st.floats(0.1, 500), st.floats(0, 500), st.floats(1, 32), st.floats(0, 2)
)
def test_throughput_keeps_to_its_bounds_and_grows_with_clients(
    clients: int, computing: float, waiting: float, cores: float, cv: float
) -> None:
    found, more = (closed_loop(n, computing, waiting, cores, cv) for n in (clients, clients + 1))
    alone = clients / (computing + waiting) * 1000
    assert found.per_second <= min(alone, cores / computing * 1000) * (1 + 1e-5)
    assert more.per_second >= found.per_second * (1 - 1e-9)
