"""The assessment for machines."""

import json
import math

from evaluation.quantity import mean, median
from evaluation.results import Assessment, Result
from evaluation.texts import render


def as_json(assessment: Assessment) -> str:
    """The verdict and all candidates, best first, as JSON.

    Sentences are English. Hours and amounts are means over the draws; capacity and response times,
    which may be infinite, are medians; null: infinite, the load is beyond capacity.
    """
    answer = {
        "verdict": assessment.verdict,
        "recommended": assessment.recommended,
        "confidence": round(assessment.confidence, 3),
        "reasons": [render(reason, "en") for reason in assessment.reasons],
        "candidates": [_candidate(result) for result in assessment.results],
    }
    return json.dumps(answer, indent=2, allow_nan=False)


def _candidate(result: Result) -> dict[str, object]:
    return {
        "name": result.candidate.name,
        "feasible": result.feasible,
        "missing": [render(message, "en") for message in result.missing],
        "availability": round(mean(result.availability.availability), 6),
        "outage_hours_per_year": round(mean(result.availability.outage_hours), 2),
        "longest_outage_hours": round(mean(result.availability.longest_hours), 2),
        "capacity_rps": _finite(median(result.capacity.rps)),
        "p95_ms_at_peak": _finite(median(result.capacity.p95_ms)),
        "cost_per_year": round(mean(result.cost.per_year)),
        "migration_days": round(mean(result.cost.migration_days), 1),
    }


def _finite(value: float) -> float | None:
    return round(value, 1) if math.isfinite(value) else None
