"""Predicted against measured, as a table in docs/evaluation.md.

`python -m tests.evaluation.reality`, from build/evaluation-reality.json.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tests.documents import put
from toolchain.places import RESULTS, ROOT

ROWS = RESULTS / "evaluation-reality.json"
DOCUMENT = ROOT / "docs" / "evaluation.md"
MAKER = "make test-reality"
HEAD = (
    "| replicas | clients | requests/s predicted | measured | off by | p95 predicted | measured |",
    "| --- | --- | --- | --- | --- | --- | --- |",
)


@dataclass(frozen=True, kw_only=True)
class Basis:
    """What was measured of one replica, before anything was predicted."""

    service_ms: float  # beside the replica, one request at a time
    service_cv: float
    entrance_ms: float  # the same through the load balancer
    entrance_cv: float
    computing_ms: float  # of all cores together, for one request
    cores: float
    busy_cores: float  # by everything else, before the first request


@dataclass(frozen=True, kw_only=True)
class Row:
    """One load on some replicas."""

    replicas: int
    clients: int
    predicted_rps: float
    measured_rps: float
    predicted_p95_ms: float
    measured_p95_ms: float
    requests: int
    failed: int


def write(basis: Basis, rows: Iterable[Row]) -> None:
    """Write build/evaluation-reality.json."""
    ROWS.parent.mkdir(exist_ok=True)
    found = {"basis": asdict(basis), "rows": [asdict(row) for row in rows]}
    ROWS.write_text(json.dumps(found, indent=2) + "\n")


def table(found: Mapping[str, Any]) -> str:
    """The results as Markdown."""
    basis = found["basis"]
    lines = [
        f"One replica, one request at a time: {basis['service_ms']:.1f} ms (variation "
        f"{basis['service_cv']:.2f}), {basis['entrance_ms']:.1f} ms through the load balancer "
        f"({basis['entrance_cv']:.2f}); {basis['computing_ms']:.1f} ms of it on one of "
        f"{basis['cores']:g} cores, of which {basis['busy_cores']:.2f} were busy before.",
        "",
        *HEAD,
    ]
    for row in found["rows"]:
        off = row["predicted_rps"] / row["measured_rps"] - 1
        lines.append(
            f"| {row['replicas']} | {row['clients']} | {row['predicted_rps']:.1f} "
            f"| {row['measured_rps']:.1f} | {off:+.0%} | {row['predicted_p95_ms']:.0f} ms "
            f"| {row['measured_p95_ms']:.0f} ms |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the document's table anew."""
    if not ROWS.exists():
        print(
            f"{ROWS.relative_to(ROOT)} is not there: `make test-reality` makes it", file=sys.stderr
        )
        return 1
    try:
        put(DOCUMENT, MAKER, table(json.loads(ROWS.read_text())))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
