"""Phases of a command, from a trace."""

import json
from pathlib import Path

import pytest

from tests.bench import phases


def trace(folder: Path, *spans: tuple[str, float, float]) -> Path:
    """A trace file; times in s."""
    made = [
        {
            "name": name,
            "startTimeUnixNano": str(int(start * 1e9)),
            "endTimeUnixNano": str(int(end * 1e9)),
        }
        for name, start, end in spans
    ]
    file = folder / "trace.json"
    # The engine writes a line whenever some are done, so not in their order.
    lines = [{"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]} for span in reversed(made)]
    file.write_text("\n".join(json.dumps(line) for line in lines))
    return file


def run(start: float) -> list[tuple[str, float, float]]:
    """The spans of one run of a program, of 15 s."""
    return [
        ("pulumi-plan", start, start + 15),
        ("pulumirpc.LanguageRuntime/Run", start + 1, start + 14),
        ("pulumirpc.ResourceMonitor/SupportsFeature", start + 3, start + 3),
        ("pulumirpc.ResourceMonitor/SupportsFeature", start + 4, start + 4),
        ("pulumirpc.ResourceMonitor/RegisterResource", start + 6, start + 9),
        ("pulumirpc.ResourceMonitor/RegisterResource", start + 7, start + 8),
        ("pulumirpc.ResourceMonitor/SignalAndWaitForShutdown", start + 10, start + 11),
    ]


def test_the_phases_of_a_preview_add_up_to_it(tmp_path: Path) -> None:
    found = phases.phases(phases.read(trace(tmp_path, ("pulumi", 0, 20), *run(4))))
    assert found == pytest.approx(
        {"pulumi": 5, "host": 1, "sdk": 2, "program": 3, "resources": 4, "end": 5}
    )


def test_an_up_counts_its_preview_and_its_update(tmp_path: Path) -> None:
    found = phases.phases(phases.read(trace(tmp_path, ("pulumi", 0, 40), *run(4), *run(20))))
    assert found["pulumi"] == pytest.approx(10)
    assert found["resources"] == pytest.approx(8)
    assert sum(found.values()) == pytest.approx(40)
