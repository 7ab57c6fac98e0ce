"""A whole assessment: the same answer each time, all of it, and as JSON."""

import json
from functools import cache

import numpy as np
import pytest

from evaluation.assess import SWINGS, assess
from evaluation.candidates import CANDIDATES
from evaluation.inventory.models import Inventory, Load, Machine, Machines, Offers
from evaluation.output import as_json
from evaluation.quantity import Quantity
from evaluation.results import Assessment

SITE = Inventory(offers=Offers(machines=Machines()))
OVERLOADED = Inventory(
    machines=(Machine(name="studip", cores=Quantity.of(1.0)),),
    load=Load(peak_requests_per_second=Quantity.of(100.0)),
)


@cache
def assessed() -> Assessment:
    """The site, assessed once."""
    return assess(SITE, draws=100)


def test_every_candidate_is_assessed_and_the_best_comes_first() -> None:
    results = assessed().results
    assert {result.candidate for result in results} == set(CANDIDATES)
    scores = [float(np.mean(result.score)) for result in results]
    assert scores == sorted(scores, reverse=True)


def test_the_same_site_gets_the_same_answer() -> None:
    assert as_json(assess(SITE, draws=100)) == as_json(assessed())


def test_one_draw_is_the_middle_of_all_ranges_and_leaves_no_doubt() -> None:
    single = assess(SITE, draws=1)
    assert single.confidence == 1.0
    by_name = {result.candidate.name: result for result in assessed().results}
    for result in single.results:
        assert result.score[0] == pytest.approx(by_name[result.candidate.name].score[0])


def test_the_widest_swing_comes_first_and_names_a_range_of_the_inventory() -> None:
    swings = assessed().swings
    widths = [abs(swing.high - swing.low) for swing in swings]
    assert 0 < len(swings) <= SWINGS
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 0
    assert all("." in swing.key for swing in swings)


def test_a_swing_ends_where_the_verdict_would_be_with_that_number() -> None:
    swing = next(s for s in assessed().swings if s.key == "load.requests_per_access")
    low = Load(requests_per_access=Quantity.of(SITE.load.requests_per_access.low))
    narrowed = assess(SITE.model_copy(update={"load": low}), draws=1)
    scores = {result.candidate.name: float(result.score[0]) for result in narrowed.results}
    compared = assessed().recommended if assessed().recommended != "stay" else "docker-host"
    gain = scores[compared] - 0.9 * scores["stay"]
    assert swing.low == pytest.approx(gain, rel=0.01)


def test_what_is_not_feasible_says_what_is_missing() -> None:
    for result in assessed().results:
        assert result.feasible == (not result.missing)
        if result.candidate.managed:
            assert not result.feasible


def test_json_has_the_fields_that_machines_rely_on() -> None:
    answer = json.loads(as_json(assessed()))
    assert list(answer) == ["verdict", "recommended", "confidence", "reasons", "candidates"]
    assert answer["verdict"] in ("worth-it", "not-worth-it", "not-yet")
    assert 0 < answer["confidence"] <= 1
    assert all(isinstance(reason, str) and reason for reason in answer["reasons"])
    for candidate in answer["candidates"]:
        assert list(candidate) == [
            "name",
            "feasible",
            "missing",
            "availability",
            "outage_hours_per_year",
            "longest_outage_hours",
            "capacity_rps",
            "p95_ms_at_peak",
            "cost_per_year",
            "migration_days",
        ]
        assert 0.9 < candidate["availability"] < 1


def test_a_response_that_never_comes_is_null_in_json() -> None:
    answer = json.loads(as_json(assess(OVERLOADED, draws=20)))
    staying = next(c for c in answer["candidates"] if c["name"] == "stay")
    assert staying["p95_ms_at_peak"] is None
