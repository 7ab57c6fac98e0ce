"""How long an answer to the data centre's question takes."""

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from evaluation.availability.monte_carlo import outage_distribution
from evaluation.candidates import CANDIDATES
from evaluation.draws import drawn
from evaluation.inventory.file import load
from tests.bench.figure import Figure
from tests.live.platform import Platform
from toolchain.places import ROOT

SITE = ROOT / "evaluation" / "samples" / "large.yaml"
ROUNDS = 5
YEARS = 1_000_000


def measure(_: Platform, folder: Path) -> list[Figure]:
    """An assessment, one with its report, and a million years of the dearest candidate."""
    assess = [sys.executable, "-m", "evaluation", "assess", str(SITE)]
    alone = median(_seconds([*assess, "--json"]) for _ in range(ROUNDS))
    report = max(_seconds([*assess, "--report", str(folder / "report")]) for _ in range(2))
    inventory = drawn(load(SITE), 1, 1)
    years = []
    for candidate in CANDIDATES:
        began = time.monotonic()
        outage_distribution(inventory, candidate, YEARS, 1)
        years.append(time.monotonic() - began)
    return [
        Figure(name="assess_s", value=round(alone, 2), unit="s", limit=1.0),
        Figure(name="assess_report_s", value=round(report, 2), unit="s", limit=10.0),
        Figure(name="million_years_s", value=round(max(years), 2), unit="s", limit=5.0),
    ]


def _seconds(command: list[str]) -> float:
    began = time.monotonic()
    subprocess.run(command, cwd=ROOT, env=os.environ, check=True, capture_output=True)
    return time.monotonic() - began
