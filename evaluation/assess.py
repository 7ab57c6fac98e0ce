"""From an inventory to the answer: every candidate by every model, and the verdict."""

import numpy as np

from evaluation.availability import availability
from evaluation.candidates import CANDIDATES, STAY, as_if_offered, missing, too_small
from evaluation.capacity import capacity
from evaluation.cost import cost
from evaluation.draws import drawn, one_at_a_time
from evaluation.inventory.models import Inventory
from evaluation.operations import operations
from evaluation.results import Assessment, Candidate, Result, Swing
from evaluation.verdict import advantage, burden, decide, notes, reasons, score

SWINGS = 12  # that are worth a bar in a plot


def assess(inventory: Inventory, draws: int = 1000, seed: int = 1) -> Assessment:
    """The verdict on an inventory, with everything that led to it.

    `draws`: how many times its ranges are sampled. What is not on offer is calculated as if it
    were, see `as_if_offered`: such a candidate is not feasible, but may be worth asking for.
    """
    sample = drawn(as_if_offered(inventory), draws, seed)
    results = tuple(result(inventory, sample, candidate) for candidate in CANDIDATES)
    staying, others = results[0], results[1:]
    decision = decide(staying, others)
    other = decision.later if decision.verdict == "not-yet" else decision.best
    other = other or max(others, key=lambda r: float(np.mean(r.score)))
    moving = decision.verdict != "not-worth-it"
    return Assessment(
        verdict=decision.verdict,
        recommended=other.candidate.name if moving else STAY.name,
        confidence=decision.confidence,
        reasons=(*reasons(sample, staying, other), *notes(results, other, moving=moving)),
        changes=other.missing if decision.verdict == "not-yet" else (),
        swings=swings(inventory, other.candidate),
        results=tuple(sorted(results, key=lambda r: -float(np.mean(r.score)))),
    )


def result(inventory: Inventory, sample: Inventory, candidate: Candidate) -> Result:
    """Everything about one candidate. `inventory`: as given; `sample`: as if all was offered."""
    carried = capacity(sample, candidate)
    there = availability(sample, candidate)
    upkeep = operations(sample, candidate)
    price = cost(sample, candidate, carried, upkeep)
    return Result(
        candidate=candidate,
        missing=(
            *missing(inventory, candidate),
            *too_small(inventory, candidate, carried, upkeep),
        ),
        capacity=carried,
        availability=there,
        cost=price,
        operations=upkeep,
        score=score(burden(sample, carried, there, price)),
    )


def swings(inventory: Inventory, candidate: Candidate) -> tuple[Swing, ...]:
    """What each range of the inventory does to the candidate's advantage over staying."""
    ends, keys = one_at_a_time(as_if_offered(inventory))
    gain = advantage(result(inventory, ends, STAY).score, result(inventory, ends, candidate).score)
    found = (
        Swing(key=key, low=float(gain[1 + 2 * i]), high=float(gain[2 + 2 * i]))
        for i, key in enumerate(keys)
    )
    return tuple(sorted(found, key=lambda swing: -abs(swing.high - swing.low)))[:SWINGS]
