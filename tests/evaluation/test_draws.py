"""Draws fill each range evenly, beginning in its middle; and each range at its ends alone."""

from functools import partial

import numpy as np
import pytest

from evaluation.draws import drawn, one_at_a_time, quantities
from evaluation.inventory.models import Inventory
from evaluation.load import outage_per_hour, peak_requests_per_second, sessions
from evaluation.quantity import Quantity

inventory = partial(Inventory.model_validate)


def test_every_number_has_as_many_draws_between_its_ends() -> None:
    site = inventory(
        {
            "machines": [{"name": "a", "cores": "4..8"}, {"name": "b"}],
            "load": {"hours": ["1..2"] * 24},
            "offers": {"database": {}, "machines": {"count": "3..5"}},
        }
    )
    found = list(quantities(drawn(site, 50, seed=3)))
    names = [name for name, _, _ in found]
    assert {"machines[1].cores", "load.hours[23]", "offers.database.size_gib"} <= set(names)
    assert len(names) == len(set(names))
    for name, quantity, _ in found:
        assert quantity.value.shape == (50,), name
        assert np.all((quantity.low <= quantity.value) & (quantity.value <= quantity.high)), name


def test_the_first_draw_is_the_middle() -> None:
    site = drawn(inventory({"load": {"peak_factor": "2..5"}}), 10, seed=1)
    assert site.load.peak_factor.value[0] == 3.5


def test_a_range_is_filled_evenly() -> None:
    site = drawn(inventory({"load": {"students": "100..1000"}}), 10, seed=5)
    # Nine draws beside the middle: one in each ninth of the range.
    pieces = np.floor((np.sort(site.load.students.value[1:]) - 100) / 100)
    assert pieces.tolist() == list(range(9))


def test_numbers_are_drawn_independently() -> None:
    load = drawn(Inventory(), 1000, seed=2).load
    together = np.corrcoef([load.peak_factor.value[1:], load.semester_start_factor.value[1:]])
    assert abs(together[0, 1]) < 0.15


def test_the_same_seed_gives_the_same_draws_whatever_other_ranges_there_are() -> None:
    one = drawn(inventory({"data": {"files_gib": 5}}), 20, seed=7).load.peak_factor.value
    other = drawn(inventory({"data": {"files_gib": "1..9"}}), 20, seed=7).load.peak_factor.value
    assert one.tolist() == other.tolist()
    assert one.tolist() != drawn(Inventory(), 20, seed=8).load.peak_factor.value.tolist()


def test_machines_are_whole_and_each_number_of_them_is_as_likely() -> None:
    site = drawn(inventory({"offers": {"machines": {"count": "3..5"}}}), 301, seed=1)
    assert site.offers.machines is not None
    values, counts = np.unique(site.offers.machines.count.value[1:], return_counts=True)
    assert values.tolist() == [3, 4, 5]
    assert counts.tolist() == [100, 100, 100]


def test_no_draws_are_an_error() -> None:
    with pytest.raises(ValueError, match="at least 1, got 0"):
        drawn(Inventory(), 0, seed=1)


def test_one_draw_is_the_middle_alone() -> None:
    assert drawn(Inventory(), 1, seed=1).load.growth.value.tolist() == [0.025]


def test_each_range_is_at_its_ends_while_the_others_are_in_the_middle() -> None:
    site = inventory({"load": {"peak_factor": "2..4", "students": 500}})
    ends, keys = one_at_a_time(site)
    assert "load.students" not in keys
    row = 1 + 2 * keys.index("load.peak_factor")
    factor = ends.load.peak_factor.value
    assert factor.shape == (1 + 2 * len(keys),)
    assert (factor[0], factor[row], factor[row + 1]) == (3, 2, 4)
    assert np.all(np.delete(factor, [row, row + 1]) == 3)
    growth = ends.load.growth.value
    assert (growth[row], growth[row + 1]) == (growth[0], growth[0])
    assert set(ends.load.students.value) == {500}


def test_draws_leave_the_inventory_as_it_was() -> None:
    site = Inventory()
    drawn(site, 5, seed=1)
    assert site.load.peak_factor.value.shape == (1,)
    assert site == Inventory()


def test_the_peak_follows_from_the_visits() -> None:
    site = inventory(
        {
            "load": {
                "daily_accesses": 18_000,
                "requests_per_access": 20,
                "peak_hour_share": 0.1,
                "peak_factor": 2,
            }
        }
    )
    # 1,800 visits of 20 requests in an hour are 10 requests/s, and twice as many at the peak.
    assert peak_requests_per_second(site).tolist() == pytest.approx([20])
    assert sessions(site).tolist() == pytest.approx([1800])


def test_a_measured_day_says_how_busy_its_busiest_hour_is() -> None:
    load = {
        "daily_accesses": 18_000,
        "requests_per_access": 20,
        "peak_factor": 2,
        "hours": [1] * 22 + [3, 5],  # 5 of 30
    }
    assert peak_requests_per_second(inventory({"load": load})).tolist() == pytest.approx([100 / 3])


def test_what_is_given_is_not_derived() -> None:
    site = inventory(
        {
            "load": {"peak_requests_per_second": "40..80", "sessions": 7},
            "costs": {"outage_per_hour": 9},
        }
    )
    assert peak_requests_per_second(site).tolist() == [60]
    assert sessions(site).tolist() == [7]
    assert outage_per_hour(site).tolist() == [9]


def test_an_hour_of_outage_costs_the_time_of_those_who_are_cut_off_and_of_the_staff() -> None:
    site = inventory(
        {
            "load": {"daily_accesses": 24_000},
            "staff": {"people": 2},
            "costs": {"staff_per_hour": 60},
        }
    )
    # 1,000 visits of a quarter of an hour, half of it lost, at 12 EUR an hour; two of the staff.
    assert outage_per_hour(site).tolist() == pytest.approx([1500 + 120])


def test_a_quantity_is_written_as_it_was_read() -> None:
    assert str(Quantity.of(40, 80.5)) == "40..80.5"
    assert str(Quantity.of(3)) == "3"
