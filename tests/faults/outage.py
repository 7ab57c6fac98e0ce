"""What a fault cost: read out of a load's record."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from tests.faults.load import Sample


@dataclass(frozen=True, kw_only=True)
class Result:
    """One row of build/<orchestrator>-faults.json."""

    fault: str
    profile: str
    requests: int
    failed: int
    slowest_ms: float
    outage_s: float  # longest time in which nothing of the measured kind was answered well
    budget_s: float | None  # what the timers allow; none where the fault has no budget
    writes_acknowledged: int
    writes_lost: int
    redundancy_s: float | None  # from the fault until everything was whole again

    @property
    def row(self) -> dict[str, Any]:
        """As it is written down."""
        return asdict(self)


def outage(samples: Sequence[Sample], kinds: Sequence[str]) -> float:
    """Longest time in s without a good answer to a request of these kinds.

    From the end of one good answer to the end of the next, or of the record, less what an answer
    takes usually: so that a slow platform is not called an outage.
    """
    gaps = _gaps(samples, kinds)
    if not gaps:
        return max((s.began + s.seconds for s in samples), default=0.0) - min(
            (s.began for s in samples), default=0.0
        )
    usual = sorted(gaps)[len(gaps) // 2]
    return max(0.0, max(gaps) - usual)


def noise(samples: Sequence[Sample], kinds: Sequence[str], until: float) -> float:
    """What `outage` says of the time before `until` (s since the epoch), when nothing was wrong.

    Where one small computer carries all machines, no outage can be told from a shorter one.
    """
    return max(outage([s for s in samples if s.began < until], [kind]) for kind in kinds)


def _gaps(samples: Sequence[Sample], kinds: Sequence[str]) -> list[float]:
    good = sorted(s.began + s.seconds for s in samples if s.kind in kinds and not s.failure)
    if good:
        good.append(max(s.began + s.seconds for s in samples if s.kind in kinds))
    return [after - before for before, after in pairwise(good)]
