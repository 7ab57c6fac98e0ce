"""An assessment made by hand: three candidates whose every number is known."""

import numpy as np

from evaluation.inventory.models import Inventory, Load
from evaluation.quantity import FloatArray, Quantity
from evaluation.results import (
    Assessment,
    Availability,
    Block,
    Candidate,
    Capacity,
    Cost,
    Message,
    Operations,
    Result,
    Swing,
)

SPREAD = np.concatenate([[1.0], np.linspace(0.8, 1.2, 99)])


def around(middle: float) -> FloatArray:
    """Draws whose middle is `middle`, a fifth up and down."""
    return middle * SPREAD


STAY = Candidate(
    name="stay",
    orchestrator="none",
    managed=False,
    nodes=1,
    database="on-machine",
    storage="local",
    balancer="none",
)
SWARM = Candidate(
    name="swarm",
    orchestrator="swarm",
    managed=False,
    nodes=3,
    database="galera",
    storage="glusterfs",
    balancer="vrrp",
)
KUBERNETES = Candidate(
    name="managed-kubernetes",
    orchestrator="kubernetes",
    managed=True,
    nodes=0,
    database="offered",
    storage="offered",
    balancer="offered",
)


def capacity(rps: float, p95: float, p95_start: float) -> Capacity:
    """A candidate that carries `rps` with all nodes, two thirds with one lost."""
    return Capacity(
        demand_rps=around(20),
        demand_start_rps=around(40),
        find_rps=lambda: around(rps),
        find_rps_one_lost=lambda: around(rps * 2 / 3),
        find_ms=lambda share: around(p95 * {0.5: 1 / 3, 0.95: 1.0, 0.99: 2.0}[share]),
        p95_start_ms=around(p95_start),
        p95_one_lost_ms=around(p95 * 1.5),
        replicas=around(6),
        nodes=around(3),
        overload_hours=around(0.0 if np.isfinite(p95_start) else 31.0),
    )


def availability(unplanned: float, planned: float) -> Availability:
    """Two blocks that share the outages."""
    blocks = (
        Block(
            name="site", formula="example.block", outages=around(0.5), hours=around(unplanned / 2)
        ),
        Block(
            name="machine",
            formula="example.block",
            outages=around(1.5),
            hours=around(unplanned / 2),
        ),
    )
    return Availability(
        blocks=blocks,
        availability=1 - around(unplanned + planned) / 8766,
        outage_hours=around(unplanned),
        planned_hours=around(planned),
        longest_hours=around(unplanned * 1.3),
        data_loss_hours=around(unplanned / 10),
        rpo_hours=around(24.0),
    )


def cost(machines: float, staff: float, migration: float) -> Cost:
    """Two items a year, and a migration once."""
    yearly = machines + staff
    years = np.arange(6)
    return Cost(
        items={"machines": around(machines), "staff": around(staff)},
        migration=around(migration),
        migration_days=around(migration / 500),
        per_year=around(yearly + migration / 5),
        cumulative=SPREAD[:, None] * (migration + years * yearly),
    )


RESULTS = (
    Result(
        candidate=SWARM,
        missing=(),
        capacity=capacity(90, 340, 800),
        availability=availability(8.4, 1.5),
        cost=cost(6_000, 12_000, 20_000),
        operations=Operations(
            upkeep_hours=around(180),
            missing_skills=("docker", "database_cluster"),
            risks=(Message(key="example.risk"),),
        ),
        score=around(-40_000),
    ),
    Result(
        candidate=STAY,
        missing=(),
        capacity=capacity(30, 620, np.inf),
        availability=availability(41, 22),
        cost=cost(2_000, 8_000, 0),
        operations=Operations(
            upkeep_hours=around(90), missing_skills=(), risks=(Message(key="example.risk"),)
        ),
        score=around(-65_000),
    ),
    Result(
        candidate=KUBERNETES,
        missing=(Message(key="example.missing"),),
        capacity=capacity(150, 210, 260),
        availability=availability(6, 0.5),
        cost=cost(18_000, 5_000, 45_000),
        operations=Operations(upkeep_hours=around(60), missing_skills=("kubernetes",), risks=()),
        score=around(-50_000),
    ),
)

ASSESSMENT = Assessment(
    verdict="worth-it",
    recommended="swarm",
    confidence=0.87,
    reasons=(Message(key="example.reason"),),
    changes=(),
    swings=(
        Swing(key="load.semester_start_factor", low=-4_000, high=21_000),
        Swing(key="costs.staff_per_hour", low=14_000, high=6_000),
    ),
    results=RESULTS,
)

INVENTORY = Inventory(
    name="Musterhochschule",
    load=Load(students=Quantity.of(26_000), peak_factor=Quantity.of(2, 4)),
)
