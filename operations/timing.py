"""How long each stage of `up` took."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

# Stages of a roll-out by the type of resource they are about.
STAGES = {
    "docker:index/image:Image": "images",
    "docker:index/container:Container": "install and migrate",
    "docker:index/service:Service": "roll-out",
}


def read_events(path: Path) -> list[dict[str, Any]]:
    """Pulumi's event log, one JSON document a line; none where it wrote none."""
    if not path.exists():
        return []
    events = []
    for line in path.read_text().splitlines():
        try:
            events.append(json.loads(line))
        except ValueError:  # the last line of an interrupted run
            continue
    return events


def spans(events: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Seconds during which something of each stage was under way; stages overlap in time.

    Pulumi stamps its events with whole seconds.
    """
    begun: dict[str, int] = {}
    intervals: dict[str, list[tuple[int, int]]] = {}
    for event in events:
        began, ended = event.get("resourcePreEvent"), event.get("resOutputsEvent")
        body = began or ended or {}
        if body.get("planning"):  # of the preview
            continue
        metadata = body.get("metadata") or {}
        stage = STAGES.get(metadata.get("type", ""))
        if stage is None or metadata.get("op") == "same":
            continue
        urn, moment = metadata["urn"], event["timestamp"]
        if began:
            begun[urn] = moment
        elif urn in begun:
            intervals.setdefault(stage, []).append((begun.pop(urn), moment))
    return {stage: union(found) for stage, found in intervals.items()}


def union(intervals: Iterable[tuple[int, int]]) -> int:
    """Total length of intervals, where they overlap counted once."""
    total, reached = 0, None
    for start, end in sorted(intervals):
        if reached is None or start > reached:
            total += end - start
            reached = end
        elif end > reached:
            total += end - reached
            reached = end
    return total


def bootstrap(path: Path) -> dict[str, float]:
    """Seconds of each stage of toolchain/bootstrap; none where it was not run."""
    try:
        return {f"toolchain: {name}": float(s) for name, s in json.loads(path.read_text()).items()}
    except (OSError, ValueError):
        return {}
