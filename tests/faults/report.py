"""Makes the table of docs/reliability.md from build/swarm-faults.json.

`python -m tests.faults.report`
"""

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from tests.faults.swarm import ROWS
from toolchain.places import ROOT

DOCUMENT = ROOT / "docs" / "reliability.md"
MARK = "<!-- made by `python -m tests.faults.report` -->\n"
HEAD = (
    "| fault | requests | failed | slowest | outage | allowed | writes | lost | whole after |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
)


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """Results as a Markdown table."""
    lines = [*HEAD]
    for row in rows:
        allowed = "" if row["budget_s"] is None else f"{row['budget_s']:.2f} s"
        whole = "" if row["redundancy_s"] is None else f"{row['redundancy_s']:.0f} s"
        late = row["budget_s"] is not None and row["outage_s"] > row["budget_s"]
        outage = f"{row['outage_s']:.2f} s" + (" **too long**" if late else "")
        lines.append(
            f"| {row['fault']} ({row['profile']}) | {row['requests']} | {row['failed']} "
            f"| {row['slowest_ms'] / 1000:.1f} s | {outage} | {allowed} "
            f"| {row['writes_acknowledged']} | {row['writes_lost']} | {whole} |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the document's table anew."""
    if not ROWS.exists():
        print(f"{ROWS.relative_to(ROOT)} is not there: `make test-swarm` makes it", file=sys.stderr)
        return 1
    head = DOCUMENT.read_text().split(MARK)[0]
    DOCUMENT.write_text(f"{head}{MARK}{table(json.loads(ROWS.read_text()))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
