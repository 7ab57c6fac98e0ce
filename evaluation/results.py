"""What the models find for a candidate, and the assessment that is made of it.

Arrays have one number a draw of the inventory, shape (draws,); draw 0 is the middle of all ranges.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from evaluation.quantity import FloatArray


@dataclass(frozen=True, kw_only=True)
class Message:
    """A sentence for people: its key in `evaluation/texts/`, and the values that it names."""

    key: str  # <area>.<name>
    values: Mapping[str, str | float] = field(default_factory=dict)


Orchestrator = Literal["none", "docker", "swarm", "kubernetes"]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One way to run the platform."""

    name: str  # as typed: stay, docker-host, swarm, swarm-offered-database ...
    orchestrator: Orchestrator
    managed: bool  # whether the orchestrator is run by others
    nodes: int  # machines of ours at least; 0: none, the orchestrator is offered
    database: Literal["on-machine", "single", "galera", "offered"]
    storage: Literal["local", "glusterfs", "cephfs", "offered"]
    balancer: Literal["none", "haproxy", "vrrp", "offered"]


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """How much load a candidate carries.

    What no verdict hangs on is searched for once it is asked for: the greatest load takes longer
    than all else.
    """

    demand_rps: FloatArray  # requests/s at an ordinary peak
    demand_start_rps: FloatArray  # requests/s at semester start
    find_rps: Callable[[], FloatArray]
    find_rps_one_lost: Callable[[], FloatArray]
    find_ms: Callable[[float], FloatArray]  # that a share keeps to at the ordinary peak
    p95_start_ms: FloatArray  # at semester start
    p95_one_lost_ms: FloatArray  # at the ordinary peak with one node lost
    replicas: FloatArray  # web replicas needed for semester start
    nodes: FloatArray  # nodes that this needs, one of which may be lost where there are several
    overload_hours: FloatArray  # h/year in which the load is beyond capacity

    @cached_property
    def p50_ms(self) -> FloatArray:
        """At the ordinary peak; inf where the load is beyond capacity."""
        return self.find_ms(0.5)

    @cached_property
    def p95_ms(self) -> FloatArray:
        """The same of 95 % of all requests."""
        return self.find_ms(0.95)

    @cached_property
    def p99_ms(self) -> FloatArray:
        """The same of 99 % of all requests."""
        return self.find_ms(0.99)

    @cached_property
    def rps(self) -> FloatArray:
        """Requests/s up to which the wanted p95 is kept, all nodes up."""
        return self.find_rps()

    @cached_property
    def rps_one_lost(self) -> FloatArray:
        """The same with one node lost."""
        return self.find_rps_one_lost()


@dataclass(frozen=True, kw_only=True)
class Block:
    """One block of the reliability diagram, all in series."""

    name: str  # key in texts: availability.block.<name>
    formula: str  # key of the formula, see evaluation/formulas.py
    outages: FloatArray  # 1/year
    hours: FloatArray  # mean h of one outage


@dataclass(frozen=True, kw_only=True)
class Availability:
    """How long a candidate is away."""

    blocks: tuple[Block, ...]
    availability: FloatArray  # share of time, planned outages beyond the agreed windows counted
    outage_hours: FloatArray  # h/year unplanned
    planned_hours: FloatArray  # h/year planned
    longest_hours: FloatArray  # h: exceeded by the longest outage of one year in ten
    data_loss_hours: FloatArray  # h of work lost in a year, expected
    rpo_hours: FloatArray  # h of work lost at most by a fault of one machine


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a candidate costs."""

    items: Mapping[str, FloatArray]  # currency/year by item: machines, staff, offers ...
    migration: FloatArray  # currency, once
    migration_days: FloatArray  # person days, once
    per_year: FloatArray  # currency/year, migration spread over five years
    cumulative: FloatArray  # shape (draws, 6): currency spent at the end of year 0 to 5


@dataclass(frozen=True, kw_only=True)
class Operations:
    """What running a candidate asks of people."""

    upkeep_hours: FloatArray  # h/year
    missing_skills: tuple[str, ...]
    risks: tuple[Message, ...]  # each text names its source


@dataclass(frozen=True, kw_only=True)
class Result:
    """Everything about one candidate."""

    candidate: Candidate
    missing: tuple[Message, ...]  # what is not offered or not enough; empty: feasible
    capacity: Capacity
    availability: Availability
    cost: Cost
    operations: Operations
    score: FloatArray  # currency/year, higher is better; formula `score`

    @property
    def feasible(self) -> bool:
        """Whether it can be built with what is on offer."""
        return not self.missing


Verdict = Literal["worth-it", "not-worth-it", "not-yet"]


@dataclass(frozen=True, kw_only=True)
class Swing:
    """What one number of the inventory does to the advantage of the recommendation."""

    key: str  # of the inventory: load.peak_factor
    low: float  # currency/year: advantage over staying, the number at its lower end
    high: float


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """The answer."""

    verdict: Verdict
    recommended: str  # name of a candidate; `stay` where moving is not worth it
    confidence: float  # share of draws in which the same verdict is reached
    reasons: tuple[Message, ...]  # in order of weight
    changes: tuple[Message, ...]  # what has to change first, where the verdict is not-yet
    swings: tuple[Swing, ...]  # widest first
    results: tuple[Result, ...]  # best first
