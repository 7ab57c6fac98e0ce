"""What is read out of a record, worked out by hand; and since when all is whole."""

import time
from collections.abc import Sequence

import pytest

from tests.faults.load import Sample
from tests.faults.outage import noise, outage
from tests.faults.swarm import whole_since
from toolchain.failure import Failure


def samples(*answers: tuple[float, str]) -> list[Sample]:
    """Pages that begin then and take 0.1 s."""
    return [Sample(began, 0.1, "page", failure) for began, failure in answers]


STEADY = [(second / 2, "") for second in range(20)]  # an answer each half second, for 10 s


def test_a_gap_counts_less_what_an_answer_takes_usually() -> None:
    found = samples(*STEADY, (9.8, "refused"), (13.5, ""))
    assert round(outage(found, ["page"]), 6) == 3.5  # from 9.6 to 13.6, less 0.5


def test_failures_between_good_answers_are_no_outage() -> None:
    found = samples(*STEADY, (9.7, "refused"), (10.0, ""))
    assert round(outage(found, ["page"]), 6) == 0.0


def test_an_outage_that_outlasts_the_record_is_as_long_as_its_rest() -> None:
    found = samples(*STEADY, (12.0, "refused"), (30.0, "refused"))
    assert round(outage(found, ["page"]), 6) == 20.0  # from 9.6 to 30.1, less 0.5


def test_without_a_good_answer_all_of_it_is_an_outage() -> None:
    assert round(outage(samples((1.0, "refused"), (5.0, "refused")), ["page"]), 6) == 4.1


def test_noise_is_what_came_before() -> None:
    found = samples(*STEADY, (13.5, ""), *((14 + second / 2, "") for second in range(10)))
    assert round(noise(found, ["page"], 9.9), 6) == 0.0
    assert round(outage(found, ["page"]), 6) == 3.5


@pytest.mark.parametrize(
    ("looks", "first"),
    [
        (["", "", ""], 0),
        (["", "web 2/3", "", "web 2/3", "", ""], 4),  # what has just died counted as running
        (["", "no answer", ""], 2),
        (["web 2/3"], None),
        (["", "web 2/3"], None),
    ],
)
def test_whole_is_what_stays_whole(looks: Sequence[str], first: int | None) -> None:
    seen: list[float] = []

    def missing() -> list[str]:
        look = looks[min(len(seen), len(looks) - 1)]
        seen.append(time.monotonic())
        if look == "no answer":
            raise Failure(look)
        return [look] if look else []

    since = whole_since(missing, 0.2, pause=0.01)
    assert len(seen) > len(looks)
    assert (since is None) is (first is None)
    if first is not None:
        assert since == pytest.approx(seen[first], abs=0.005)
