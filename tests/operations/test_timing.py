"""How long each stage took, out of Pulumi's events."""

import json
from pathlib import Path
from typing import Any

from operations import timing, up

IMAGE, SERVICE = "docker:index/image:Image", "docker:index/service:Service"


def event(
    kind: str, type: str, urn: str, at: int, op: str = "create", **more: Any
) -> dict[str, Any]:
    return {"timestamp": at, kind: {"metadata": {"type": type, "urn": urn, "op": op}, **more}}


def pair(type: str, urn: str, start: int, end: int, **more: Any) -> list[dict[str, Any]]:
    return [
        event("resourcePreEvent", type, urn, start, **more),
        event("resOutputsEvent", type, urn, end, **more),
    ]


def test_time_of_things_that_overlap_counts_once() -> None:
    assert timing.union([(0, 4), (2, 6), (10, 11), (3, 4)]) == 7
    assert timing.union([]) == 0


def test_stages_are_told_by_type_and_previews_do_not_count() -> None:
    events = [
        *pair(IMAGE, "a", 100, 100, planning=True),
        *pair(IMAGE, "a", 110, 130),
        *pair(IMAGE, "b", 120, 135),
        *pair(SERVICE, "c", 135, 140),
        *pair(SERVICE, "d", 135, 150, op="same"),
        *pair("pulumi:pulumi:Stack", "e", 100, 150),
    ]
    assert timing.spans(events) == {"images": 25, "roll-out": 5}


def test_a_torn_event_log_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    log = tmp_path / "events"
    assert timing.read_events(log) == []
    log.write_text(json.dumps({"timestamp": 1}) + '\n{"timest')
    assert timing.read_events(log) == [{"timestamp": 1}]


def test_the_last_lines_name_the_address_the_stages_and_what_comes_next() -> None:
    lines = up.summary("dev", "http://127.0.0.1:8080", {"images": 25.04, "roll-out": 5})
    assert lines[-2:] == [
        "Stud.IP (dev) runs: http://127.0.0.1:8080",
        "Next: make status | make logs PART=web | make down",
    ]
    assert "  images    25.0 s" in lines
    assert up.look("review").endswith("make down STACK=review")
