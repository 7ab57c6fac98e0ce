"""The verdict on results that were made by hand."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from evaluation.candidates import STAY, named
from evaluation.inventory.models import Costs, Inventory, Load, Wanted
from evaluation.quantity import FloatArray, Quantity
from evaluation.results import Availability, Capacity, Cost, Message, Operations, Result
from evaluation.verdict import burden, decide, difficulty, notes, reasons, score, wants

INVENTORY = Inventory(
    load=Load(students=Quantity.of(10_000.0), peak_hour_share=Quantity.of(0.125)),
    costs=Costs(outage_per_hour=Quantity.of(1_000.0)),
    wanted=Wanted(worth_per_student=Quantity.of(1.0)),
)
SERVICE = Message(key="candidates.database", values={"needed": 20})
MACHINE = Message(key="candidates.machine_count", values={"needed": 3, "offered": 2})


def draws(*values: float) -> FloatArray:
    """One number a draw."""
    return np.array(values, dtype=np.float64)


def result(
    name: str,
    scores: Sequence[float],
    *missing: Message,
    per_year: float = 10_000,
    outage_hours: float = 10,
    rpo_hours: float = 0,
) -> Result:
    """A result of which only those numbers matter."""
    one = np.ones(len(scores))
    return Result(
        candidate=STAY if name == "stay" else named(name),
        missing=missing,
        capacity=Capacity(
            demand_rps=one,
            demand_start_rps=one,
            find_rps=lambda: one,
            find_rps_one_lost=lambda: one,
            find_ms=lambda _: one,
            p95_start_ms=500 * one,
            p95_one_lost_ms=1_500 * one,
            replicas=one,
            nodes=one,
            overload_hours=4 * one,
        ),
        availability=Availability(
            blocks=(),
            availability=0.999 * one,
            outage_hours=outage_hours * one,
            planned_hours=50 * one,
            longest_hours=4 * one,
            data_loss_hours=0.5 * one,
            rpo_hours=rpo_hours * one,
        ),
        cost=Cost(
            items={"staff": (per_year - 1_000) * one},
            migration=5_000 * one,
            migration_days=one,
            per_year=per_year * one,
            cumulative=np.zeros((len(scores), 6)),
        ),
        operations=Operations(upkeep_hours=one, missing_skills=(), risks=()),
        score=draws(*scores),
    )


def test_a_score_is_the_sum_of_all_burdens() -> None:
    found = result("swarm", [0])
    burdens = burden(INVENTORY, found.capacity, found.availability, found.cost)
    assert {name: float(value[0]) for name, value in burdens.items()} == pytest.approx(
        {
            "cost": 10_000,
            "outages": (10 + 50 - 12 * 4) * 1_000,  # 48 h of windows were agreed
            "overload": 4 * 0.5 * (24 * 0.125) * 1_000,
            "work": 0.5 * 1_000,
            "wants": 10_000 * 1.0 / 5,  # one of five is missed: the lost node
        }
    )
    assert score(burdens)[0] == pytest.approx(-(10_000 + 12_000 + 6_000 + 500 + 2_000))


def test_planned_hours_within_the_agreed_windows_cost_nothing() -> None:
    found = result("swarm", [0])
    calm = replace(found.availability, planned_hours=draws(48))
    burdens = burden(INVENTORY, found.capacity, calm, found.cost)
    assert burdens["outages"][0] == pytest.approx(10_000)


def test_a_want_is_met_up_to_its_limit_and_missed_beyond_it() -> None:
    found = result("swarm", [0, 0], rpo_hours=1)
    exact = replace(
        found.availability,
        availability=draws(0.995, 0.9949),
        rpo_hours=draws(1, 1.01),
        longest_hours=draws(8, 8.01),
    )
    carried = replace(
        found.capacity, p95_start_ms=draws(1_000, np.inf), p95_one_lost_ms=draws(1_000, 1_001)
    )
    met = wants(INVENTORY, carried, exact)
    assert {name: kept.tolist() for name, kept in met.items()} == {
        name: [True, False] for name in ("availability", "rpo", "rto", "response", "node_lost")
    }


def test_it_is_worth_it_where_most_draws_gain_more_than_a_tenth_of_staying() -> None:
    staying = result("stay", [-100, -100, -100, -100])
    decision = decide(staying, [result("swarm", [-80, -85, -89, -91])])
    assert decision.verdict == "worth-it"
    assert decision.confidence == 0.75


def test_a_gain_within_the_tenth_is_not_worth_it() -> None:
    staying = result("stay", [-100, -100])
    decision = decide(staying, [result("swarm", [-91, -95])])
    assert decision.verdict == "not-worth-it"
    assert decision.confidence == 1.0


def test_the_candidate_is_chosen_before_its_draws_are_looked_at() -> None:
    staying = result("stay", [-100, -100, -100])
    steady, lucky = result("swarm", [-70, -70, -70]), result("swarm-offered", [-10, -130, -120])
    decision = decide(staying, [lucky, steady])
    assert decision.best == steady
    assert decision.confidence == 1.0


def test_it_is_not_yet_where_only_what_lacks_something_is_worth_it() -> None:
    staying = result("stay", [-100, -100])
    lacking = result("swarm", [-50, -95], MACHINE)
    decision = decide(staying, [result("docker-host", [-105, -105]), lacking])
    assert decision.verdict == "not-worth-it", "one of two draws is not more than half"
    lacking = result("swarm", [-50, -60], MACHINE)
    decision = decide(staying, [result("docker-host", [-105, -105]), lacking])
    assert decision.verdict == "not-yet"
    assert decision.later == lacking
    assert decision.confidence == 1.0


def test_a_cluster_that_can_be_had_but_is_not_worth_it_leaves_room_for_another() -> None:
    staying, dear = result("stay", [-100]), result("kubernetes", [-105])
    decision = decide(staying, [dear, result("managed-kubernetes", [-50], SERVICE)])
    assert decision.verdict == "not-yet"


def test_what_can_be_had_and_is_worth_it_comes_before_what_lacks_something() -> None:
    staying = result("stay", [-100])
    decision = decide(
        staying, [result("swarm", [-60]), result("managed-kubernetes", [-20], MACHINE)]
    )
    assert decision.verdict == "worth-it"
    assert decision.best is not None
    assert decision.best.candidate.name == "swarm"


@pytest.mark.parametrize(("cluster", "verdict"), [(-45, "not-yet"), (-55, "worth-it")])
def test_one_machine_does_unless_a_cluster_is_better_by_a_tenth_again(
    cluster: float, verdict: str
) -> None:
    staying, host = result("stay", [-100]), result("docker-host", [-60])
    assert decide(staying, [host, result("swarm", [cluster], MACHINE)]).verdict == verdict


def test_of_what_lacks_something_the_easier_comes_first_unless_the_other_is_much_better() -> None:
    staying = result("stay", [-100])
    machine = result("swarm", [-50], MACHINE)
    assert difficulty(machine) == 2
    for other, chosen in ((-48, "swarm"), (-46, "swarm-offered-database")):
        service = result("swarm-offered-database", [other], SERVICE)
        decision = decide(staying, [service, machine])
        assert decision.later is not None
        assert decision.later.candidate.name == chosen


def test_nothing_but_staying_is_not_worth_it() -> None:
    decision = decide(result("stay", [-100]), [])
    assert (decision.verdict, decision.confidence, decision.best) == ("not-worth-it", 1.0, None)


def test_reasons_come_by_weight_and_name_their_amounts() -> None:
    staying = result("stay", [-30_000], per_year=8_000, outage_hours=22, rpo_hours=24)
    swarm = result("swarm", [-20_000], per_year=11_000)
    found = reasons(INVENTORY, staying, swarm)
    assert [(reason.key, round(float(reason.values["amount"]))) for reason in found] == [
        ("verdict.outages.less", 12_000),
        ("verdict.cost.more", 3_000),
        ("verdict.rpo.met", 2_000),
    ]
    outages, cost, rpo = (dict(reason.values) for reason in found)
    assert (outages["before"], outages["after"]) == (22, 10)
    assert (cost["item"], round(float(cost["most"]))) == ("cost.item.staff", 3_000)
    assert (rpo["before"], rpo["after"], rpo["wanted"]) == (24, 0, 1)


def test_a_note_tells_of_the_best_cluster_where_one_machine_is_recommended() -> None:
    host, swarm = result("docker-host", [-60]), result("swarm", [-75])
    results = [result("stay", [-100]), host, swarm, result("kubernetes", [-90])]
    (note,) = notes(results, host, moving=True)
    assert (note.key, dict(note.values)) == ("verdict.cluster", {"cluster": "swarm", "amount": 15})
    assert notes(results, swarm, moving=True) == ()
    assert notes(results, host, moving=False) == ()


def test_a_note_tells_that_kubernetes_is_not_deployed() -> None:
    chosen = result("managed-kubernetes", [-60])
    (note,) = notes([result("stay", [-100]), chosen], chosen, moving=True)
    assert note.key == "candidates.not_deployed"
