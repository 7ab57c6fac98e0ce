"""Costs worked out by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.candidates import CANDIDATES, named
from evaluation.capacity import capacity
from evaluation.cost import YEARS, break_even, cost, migration_days, own_gib
from evaluation.draws import drawn
from evaluation.inventory.models import (
    Assumptions,
    Backup,
    Cluster,
    Costs,
    Data,
    Database,
    Inventory,
    LoadBalancer,
    Machine,
    Machines,
    Offers,
    Service,
    Staff,
    Storage,
)
from evaluation.operations import operations
from evaluation.quantity import Quantity
from evaluation.results import Candidate, Capacity, Cost
from evaluation.texts import has

PRICES: dict[str, Any] = {
    "staff_per_hour": 50,
    "core_per_year": 100,
    "memory_gib_per_year": 10,
    "storage_gib_per_year": 0.5,
    "training_per_skill": 1000,
}
OFFERED = Offers(
    machines=Machines.model_validate({"count": 5, "cores": 8, "memory_gib": 32}),
    kubernetes=Cluster.model_validate({"price_per_year": 4000}),
    load_balancer=LoadBalancer.model_validate({"price_per_year": 300}),
    database=Database.model_validate({"price_per_year": 1200}),
    storage=Storage.model_validate({"price_gib_per_year": 0.2}),
    registry=Service.model_validate({"price_per_year": 50}),
    backup=Backup.model_validate({"price_per_year": 70}),
)


def site(offers: Offers = OFFERED, **prices: Any) -> Inventory:
    """Known prices, efforts as estimated, ten releases a year, 100 GiB and 1,000 GiB that grow."""
    machine = Machine.model_validate({"name": "studip", "cores": 4, "memory_gib": 16})
    return Inventory(
        machines=(machine,),
        staff=Staff(),
        costs=Costs.model_validate(PRICES | prices),
        offers=offers,
        data=Data.model_validate(
            {
                "database_gib": 100,
                "database_growth_gib": 10,
                "files_gib": 1000,
                "files_growth_gib": 200,
            }
        ),
        assumptions=Assumptions.model_validate({"effort_factor": 1, "releases": 10}),
    )


def needing(nodes: float) -> Capacity:
    """A load that needs so many nodes; nothing else of it costs."""
    return replace(capacity(Inventory(), named("stay")), nodes=np.array([nodes]))


def of(name: str, nodes: float = 1, inventory: Inventory | None = None) -> Cost:
    """The cost of a candidate."""
    inventory = inventory or site()
    candidate = named(name)
    return cost(inventory, candidate, needing(nodes), operations(inventory, candidate))


def items(found: Cost) -> dict[str, float]:
    """Items of a cost, of the first draw."""
    return {name: float(item[0]) for name, item in found.items.items()}


def test_staying_by_hand() -> None:
    found = of("stay")
    assert items(found) == pytest.approx(
        {
            "machines": 4 * 100 + 16 * 10,
            # In the middle of the third year, the mean of five: 125 + 1,500 GiB at 0.50.
            "storage": (125 + 1500) * 0.5,
            "offers": 70,  # backup
            # A machine 12 h, database 16, backup 6, ten releases at 4.
            "staff": 74 * 50,
        }
    )
    assert found.migration[0] == found.migration_days[0] == 0
    assert found.per_year[0] == pytest.approx(560 + 812.5 + 70 + 3700)


def test_a_swarm_keeps_three_copies_on_three_machines_at_least() -> None:
    found = items(of("swarm"))
    assert found["machines"] == pytest.approx(3 * (8 * 100 + 32 * 10))
    assert found["storage"] == pytest.approx(3 * (125 + 1500) * 0.5)
    assert found["offers"] == pytest.approx(70 + 50)  # backup, registry


def test_what_is_offered_is_paid_and_is_not_stored_by_us() -> None:
    found = items(of("managed-kubernetes-offered"))
    assert found["machines"] == found["storage"] == 0
    assert found["offers"] == pytest.approx(4000 + 300 + 1200 + 70 + 50 + 0.2 * 1500)


@pytest.mark.parametrize(
    ("nodes", "paid"), [(1, 3), (4, 4), (5, 5), (9, 5), (float("inf"), 5), (float("nan"), 3)]
)
def test_machines_are_paid_as_the_load_needs_them_and_not_more_than_there_are(
    nodes: float, paid: int
) -> None:
    assert items(of("swarm", nodes))["machines"] == pytest.approx(paid * 1120)


def test_storage_grows_year_by_year() -> None:
    assert own_gib(site(), named("stay"))[:, 0] == pytest.approx([1205, 1415, 1625, 1835, 2045])
    spent = np.diff(of("stay").cumulative[0])
    assert np.diff(spent) == pytest.approx([210 * 0.5] * 4)


def test_moving_by_hand() -> None:
    found = of("swarm")
    # Image 3, settings 1, Swarm 2, Galera 2, GlusterFS 2, address 0.5, monitoring 2, rehearsal 3,
    # cut-over 2, runbooks 2; the default staff lacks Pulumi, database clusters and storage.
    assert found.migration_days[0] == pytest.approx(19.5)
    assert found.migration[0] == pytest.approx(19.5 * 8 * 50 + 3 * 1000)
    assert found.cumulative[0, 0] == found.migration[0]
    yearly = sum(items(found).values())
    assert found.cumulative[0, YEARS] == pytest.approx(found.migration[0] + 5 * yearly)
    assert found.per_year[0] == pytest.approx(yearly + found.migration[0] / 5)


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda candidate: candidate.name)
def test_every_item_and_step_has_a_name_and_a_number_for_each_draw(candidate: Candidate) -> None:
    inventory = drawn(Inventory(), 30, 1)
    carried = capacity(inventory, candidate)
    found = cost(inventory, candidate, carried, operations(inventory, candidate))
    for name, item in found.items.items():
        assert has(f"cost.item.{name}")
        assert item.shape == (30,)
    for step in migration_days(inventory, candidate):
        assert has(f"cost.step.{step}")
    assert found.migration.shape == found.migration_days.shape == found.per_year.shape == (30,)
    assert found.cumulative.shape == (30, YEARS + 1)
    assert np.all(np.diff(found.cumulative, axis=1) >= 0)


@settings(deadline=None, max_examples=40)
@given(candidate=st.sampled_from(CANDIDATES), factor=st.floats(0.01, 100))
def test_another_currency_scales_all_costs_alike(candidate: Candidate, factor: float) -> None:
    def exchanged(amount: Quantity) -> float:
        return amount.low * factor

    inventory = site()
    offers = {
        name: offer.model_copy(
            update={
                price: Quantity.of(exchanged(getattr(offer, price)))
                for price in ("price_per_year", "price_gib_per_year")
                if hasattr(offer, price)
            }
        )
        for name in Offers.model_fields
        if (offer := getattr(inventory.offers, name)) is not None
    }
    costs = {name: Quantity.of(price * factor) for name, price in PRICES.items()}
    other = inventory.model_copy(
        update={
            "costs": inventory.costs.model_copy(update=costs),
            "offers": inventory.offers.model_copy(update=offers),
        }
    )
    here, there = (of(candidate.name, 3, each) for each in (inventory, other))
    assert there.cumulative == pytest.approx(here.cumulative * factor)
    assert there.migration_days == pytest.approx(here.migration_days)


def spending(*years: float) -> Cost:
    """A cost of which only what was spent by the end of each year is looked at."""
    nothing = np.zeros(1)
    return Cost(
        items={},
        migration=nothing,
        migration_days=nothing,
        per_year=nothing,
        cumulative=np.array([years]),
    )


def test_break_even_by_hand() -> None:
    stay = spending(0, 10, 20, 30, 40, 50)
    cheaper = spending(15, 20, 25, 30, 35, 40)  # 15 at once, 5 a year less
    assert break_even(cheaper, stay, np.zeros(1))[0] == pytest.approx(3)
    # With 5 a year saved by fewer outages it is back twice as soon.
    assert break_even(cheaper, stay, np.array([5.0]))[0] == pytest.approx(1.5)


def test_what_never_pays_back_breaks_even_never_and_what_costs_nothing_at_once() -> None:
    stay = spending(0, 10, 20, 30, 40, 50)
    dearer = spending(15, 30, 45, 60, 75, 90)
    assert break_even(dearer, stay, np.zeros(1))[0] == np.inf
    assert break_even(stay, stay, np.zeros(1))[0] == 0
