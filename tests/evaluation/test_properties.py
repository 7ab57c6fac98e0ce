"""What holds for every site."""

from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluation.assess import assess, result
from evaluation.availability import availability
from evaluation.candidates import CANDIDATES, as_if_offered, named
from evaluation.capacity import capacity
from evaluation.draws import drawn
from evaluation.inventory.models import (
    Cluster,
    Costs,
    Database,
    Inventory,
    Load,
    LoadBalancer,
    Machine,
    Machines,
    Network,
    Offers,
    Storage,
    Wanted,
)
from evaluation.quantity import Quantity
from evaluation.results import Assessment

DRAWS = 10
QUICK = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


def of(low: float, high: float | None = None) -> Quantity:
    """A number or a range."""
    return Quantity.of(float(low), None if high is None else float(high))


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    """Sites of all sizes, with offers of all kinds."""
    students = draw(st.sampled_from((300, 3_000, 12_000, 30_000)))
    cores = draw(st.sampled_from((2, 8, 32)))

    def maybe(offer: object) -> Any:
        return offer if draw(st.booleans()) else None

    promise = draw(st.sampled_from((99.0, 99.9, 99.99)))
    return Inventory(
        machines=(Machine(name="studip", cores=of(cores), memory_gib=of(4 * cores)),),
        load=Load(students=of(students), daily_accesses=of(0.8 * students)),
        offers=Offers(
            machines=Machines(
                count=of(draw(st.integers(1, 5))), cores=of(cores), memory_gib=of(4 * cores)
            ),
            kubernetes=maybe(
                Cluster(
                    cores=of(3 * cores), availability_percent=of(promise), price_per_year=of(5_000)
                )
            ),
            load_balancer=maybe(LoadBalancer(price_per_year=of(800))),
            database=maybe(
                Database(
                    size_gib=of(draw(st.sampled_from((10, 100)))),
                    availability_percent=of(promise),
                    price_per_year=of(3_000),
                )
            ),
            storage=maybe(
                Storage(
                    shared=draw(st.booleans()),
                    availability_percent=of(promise),
                    price_gib_per_year=of(1),
                )
            ),
            network=Network(shared_layer_2=draw(st.booleans())),
        ),
    )


# One more machine is no better offer but a larger one: it is paid for where the load asks for it.
BETTER: dict[str, dict[str, dict[str, Any]]] = {
    "dearer services for less": {
        "kubernetes": {"price_per_year": of(100)},
        "load_balancer": {"price_per_year": of(100)},
        "database": {"price_per_year": of(100)},
        "storage": {"price_gib_per_year": of(0.1)},
    },
    "promises kept better": {
        name: {"availability_percent": of(99.995)}
        for name in ("kubernetes", "load_balancer", "database", "storage")
    },
    "less work lost": {"database": {"rpo_minutes": of(0)}},
    "more room": {
        "database": {"size_gib": of(1_000)},
        "storage": {"size_gib": of(100_000), "shared": True},
    },
    "a faster database": {"database": {"cores": of(64)}},
    "more zones": {"machines": {"zones": of(3)}},
    "a common network": {"network": {"shared_layer_2": True}},
}


def improved(inventory: Inventory, name: str) -> Inventory:
    """The site with that better offer, of what is offered at all."""
    offers = inventory.offers
    changed = {
        part: getattr(offers, part).model_copy(update=update)
        for part, update in BETTER[name].items()
        if getattr(offers, part) is not None
    }
    return inventory.model_copy(update={"offers": offers.model_copy(update=changed)})


def best_score(assessment: Assessment) -> float:
    """Of those that can be had, staying among them."""
    return max(float(np.mean(r.score)) for r in assessment.results if r.feasible)


@QUICK
@given(inventories(), st.sampled_from(sorted(BETTER)))
def test_a_better_offer_lowers_no_score_and_not_the_best_one(
    inventory: Inventory, better: str
) -> None:
    before = assess(inventory, draws=DRAWS)
    after = assess(improved(inventory, better), draws=DRAWS)
    scores = {r.candidate.name: r.score for r in before.results}
    for found in after.results:
        name = found.candidate.name
        # A thousandth: response times are roots that are found nearly.
        slack = 1e-3 * np.abs(scores[name])
        assert np.all(found.score >= scores[name] - slack), name
    assert best_score(after) >= best_score(before) * (1 + 1e-3)


@QUICK
@given(inventories())
def test_one_offer_more_lowers_not_the_best_score(inventory: Inventory) -> None:
    offers = Offers(machines=inventory.offers.machines, network=inventory.offers.network)
    bare = inventory.model_copy(update={"offers": offers})
    assert best_score(assess(inventory, draws=DRAWS)) >= best_score(assess(bare, draws=DRAWS)) * (
        1 + 1e-3
    )


@QUICK
@given(inventories(), st.floats(1.05, 3.0))
def test_more_load_never_lowers_a_response_time(inventory: Inventory, factor: float) -> None:
    machines = Machines(count=of(3), cores=of(8), memory_gib=of(32))
    offers = as_if_offered(inventory).offers.model_copy(update={"machines": machines})
    inventory = inventory.model_copy(update={"offers": offers})
    accesses = inventory.load.daily_accesses
    busier = inventory.load.model_copy(
        update={"daily_accesses": of(accesses.low * factor, accesses.high * factor)}
    )
    usual = drawn(inventory, DRAWS, 1)
    more = drawn(inventory.model_copy(update={"load": busier}), DRAWS, 1)
    for candidate in CANDIDATES:
        before, after = capacity(usual, candidate), capacity(more, candidate)
        for field in ("p50_ms", "p95_ms", "p99_ms", "p95_start_ms", "p95_one_lost_ms"):
            # 1 %: times are roots that are found nearly.
            assert np.all(getattr(after, field) >= 0.99 * getattr(before, field)), field
        assert np.all(after.overload_hours >= before.overload_hours - 1e-9)


@QUICK
@given(inventories(), st.sampled_from((1, 2, 3)))
def test_more_zones_never_lower_availability(inventory: Inventory, zones: int) -> None:
    def found(count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
        machines = as_if_offered(inventory).offers.machines
        assert machines is not None
        spread = machines.model_copy(update={"zones": of(count)})
        offers = as_if_offered(inventory).offers.model_copy(update={"machines": spread})
        sample = drawn(inventory.model_copy(update={"offers": offers}), DRAWS, 1)
        return availability(sample, named("swarm")).availability

    assert np.all(found(zones + 1) >= found(zones) - 1e-12)


def dearer(quantity: Quantity | None, factor: float) -> Quantity | None:
    """A price in a currency of which `factor` are one of the other."""
    return None if quantity is None else of(quantity.low * factor, quantity.high * factor)


def converted(inventory: Inventory, factor: float) -> Inventory:
    """The site with all its money in another currency."""

    def money(model: Any, *names: str) -> Any:
        if model is None:
            return None
        return model.model_copy(
            update={name: dearer(getattr(model, name), factor) for name in names}
        )

    offers = inventory.offers
    return inventory.model_copy(
        update={
            "costs": money(
                inventory.costs,
                *(name for name in Costs.model_fields if name != "currency"),
            ),
            "wanted": money(inventory.wanted, "worth_per_student"),
            "offers": offers.model_copy(
                update={
                    "kubernetes": money(offers.kubernetes, "price_per_year"),
                    "swarm": money(offers.swarm, "price_per_year"),
                    "load_balancer": money(offers.load_balancer, "price_per_year"),
                    "database": money(offers.database, "price_per_year"),
                    "storage": money(offers.storage, "price_gib_per_year"),
                }
            ),
        }
    )


@QUICK
@given(inventories(), st.sampled_from((0.01, 1.95583, 100.0)))
def test_another_currency_scales_all_money_and_changes_no_verdict(
    inventory: Inventory, factor: float
) -> None:
    before = assess(inventory, draws=DRAWS)
    after = assess(converted(inventory, factor), draws=DRAWS)
    assert (after.verdict, after.recommended) == (before.verdict, before.recommended)
    assert after.confidence == before.confidence
    scores = {r.candidate.name: r.score for r in before.results}
    for found in after.results:
        np.testing.assert_allclose(found.score, scores[found.candidate.name] * factor, rtol=1e-6)


def test_a_want_that_is_stricter_is_not_cheaper() -> None:
    inventory = Inventory(offers=Offers(machines=Machines()))
    stricter = inventory.model_copy(
        update={
            "wanted": Wanted(
                availability_percent=of(99.99), rpo_minutes=of(0), rto_hours=of(0.1), p95_ms=of(50)
            )
        }
    )
    for candidate in CANDIDATES:
        scores = [
            result(site, drawn(as_if_offered(site), DRAWS, 1), candidate).score
            for site in (inventory, stricter)
        ]
        assert np.all(scores[1] <= scores[0] + 1e-6), candidate.name
