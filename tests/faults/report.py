"""Makes the tables of docs/reliability.md from what the fault tests have written down.

`python -m tests.faults.report`: each of them whose results are there; the others stay.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from tests.documents import put
from tests.faults.swarm import ROWS, ROWS_OF_KINDS
from toolchain.places import ROOT

DOCUMENT = ROOT / "docs" / "reliability.md"
TARGETS = {ROWS: "test-swarm", ROWS_OF_KINDS: "test-swarm-kinds"}
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
    """Write the document's tables anew."""
    there = {file: target for file, target in TARGETS.items() if file.exists()}
    if not there:
        files = ", ".join(f"{file.relative_to(ROOT)} (`make {TARGETS[file]}`)" for file in TARGETS)
        print(f"nothing is there to make tables of: {files}", file=sys.stderr)
        return 1
    for file, target in there.items():
        put(DOCUMENT, f"make {target}", table(json.loads(file.read_text())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
