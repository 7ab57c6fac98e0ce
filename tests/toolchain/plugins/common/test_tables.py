"""What follows from a table: values over the wire, comparable forms, refreshes, time limits."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from toolchain.plugins.common.changes import adopt, compare
from toolchain.plugins.common.errors import Cancelled, PluginError
from toolchain.plugins.common.fields import bag, block, boolean, integer, items, mapping, string
from toolchain.plugins.common.resource import Call
from toolchain.plugins.common.rules import DURATION, duration_text, nanoseconds
from toolchain.plugins.common.values import (
    UNKNOWN,
    Secret,
    from_struct,
    reveal,
    seal,
    secret_texts,
    to_struct,
)

VALUES: dict[str, Any] = {
    "text": "a",
    "whole": 3,
    "part": 0.5,
    "yes": True,
    "list": [1, [], {"a": Secret("b")}],
    "object": {"a": {}},
    "secret": Secret({"a": [1]}),
    "unknown": UNKNOWN,
}


def test_values_survive_the_wire() -> None:
    assert from_struct(to_struct(VALUES)) == VALUES
    assert from_struct(to_struct({"none": None})) == {}


def test_secrets_are_found_again_after_a_change() -> None:
    sealed = seal({"a": "x", "b": [1, 2]}, {"a": Secret("old"), "b": [Secret(1)], "c": 1})
    assert sealed == {"a": Secret("x"), "b": Secret([1, 2])}
    assert reveal(sealed) == {"a": "x", "b": [1, 2]}
    assert list(secret_texts({"a": Secret(["x", {"b": "y"}]), "c": "z"})) == ["x", "y"]


@pytest.mark.parametrize(
    ("text", "ns", "short"),
    [
        ("0s", 0, "0s"),
        ("0", 0, "0s"),
        ("1m0s", 60_000_000_000, "1m"),
        ("90s", 90_000_000_000, "1m30s"),
        ("1h0m5s", 3_605_000_000_000, "1h5s"),
        ("1.5s", 1_500_000_000, "1500ms"),
        ("500ms", 500_000_000, "500ms"),
        ("7us", 7_000, "7us"),
        ("3ns", 3, "3ns"),
    ],
)
def test_durations_have_one_value_and_one_spelling(text: str, ns: int, short: str) -> None:
    assert nanoseconds(text) == ns
    assert duration_text(ns) == short
    assert nanoseconds(short) == ns


@pytest.mark.parametrize("text", ["", "5", "s", "-1s", "1x", "1 s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        nanoseconds(text)


TABLE = {
    "name": string(replace=True),
    "delay": string(default="0s", rule=DURATION),
    "count": integer(),
    "driver": string(computed=True),
    "env": mapping(),
    "on": boolean(default=True),
    "rules": block({"order": string(default="stop"), "size": integer()}),
    "pairs": bag(block({"key": string(), "note": string(default="n")})),
    "steps": items(block({"run": string(), "port": integer(computed=True)})),
    "id": string(output=True),
}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({}, {"delay": "0m"}),
        ({"count": 0}, {}),
        ({"driver": "local"}, {}),
        ({"env": {}}, {}),
        ({"rules": {}}, {"rules": {"order": "stop", "size": 0}}),
        (
            {"pairs": [{"key": "a"}, {"key": "b"}]},
            {"pairs": [{"key": "b", "note": "n"}, {"key": "a"}]},
        ),
        ({"steps": [{"run": "a", "port": 1}]}, {"steps": [{"run": "a"}]}),
        ({"id": "1"}, {}),
        ({"on": True}, {}),
    ],
)
def test_two_spellings_of_the_same_are_no_difference(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    assert list(compare(TABLE, old, new)) == []


@pytest.mark.parametrize(
    ("old", "new", "paths"),
    [
        ({}, {"on": False}, ["on"]),
        ({"rules": {"size": 1}}, {"rules": {"size": 2}}, ["rules.size"]),
        ({"steps": [{"run": "a"}]}, {"steps": [{"run": "b"}]}, ["steps[0].run"]),
        ({"steps": [{"run": "a"}]}, {"steps": []}, ["steps"]),
        ({"pairs": [{"key": "a"}]}, {"pairs": [{"key": "a"}, {"key": "a"}]}, ["pairs"]),
        ({"name": "a"}, {"name": UNKNOWN}, ["name"]),
        ({"steps": [{"run": "a"}]}, {"steps": [{"run": UNKNOWN}]}, ["steps[0].run"]),
    ],
)
def test_differences_are_located(
    old: dict[str, Any], new: dict[str, Any], paths: list[str]
) -> None:
    assert [one.path for one in compare(TABLE, old, new)] == paths


@pytest.mark.parametrize(
    ("given", "live", "after"),
    [
        # The same in other words stays as the program has it.
        ({"delay": "60s"}, {"delay": "1m"}, {"delay": "60s"}),
        (
            {"pairs": [{"key": "a"}]},
            {"pairs": [{"key": "a", "note": "n"}]},
            {"pairs": [{"key": "a"}]},
        ),
        # What the program leaves to the system stays out; what can't be read stays in.
        ({}, {"driver": "local"}, {}),
        ({"count": 3}, {}, {"count": 3}),
        # What was changed by hand shows, and nothing else.
        ({"count": 3}, {"count": 4}, {"count": 4}),
        ({"count": 3}, {"count": None}, {}),
        ({}, {"env": {"A": "1"}}, {"env": {"A": "1"}}),
        ({"rules": {"size": 1}}, {"rules": {"size": 2, "order": "stop"}}, {"rules": {"size": 2}}),
        (
            {"pairs": [{"key": "a"}, {"key": "b"}]},
            {"pairs": [{"key": "c", "note": "n"}, {"key": "b", "note": "n"}]},
            {"pairs": [{"key": "b"}, {"key": "c", "note": "n"}]},
        ),
        (
            {"steps": [{"run": "a"}]},
            {"steps": [{"run": "b", "port": 7}]},
            {"steps": [{"run": "b"}]},
        ),
    ],
)
def test_a_refresh_keeps_the_programs_words_where_they_are_true(
    given: dict[str, Any], live: dict[str, Any], after: dict[str, Any]
) -> None:
    assert adopt(TABLE, given, live) == after


def call(timeout: float = 0) -> Call:
    """An operation that nobody listens to."""
    return Call("urn", "name", timeout, threading.Event(), lambda *_: None)


def test_a_wait_ends_when_the_user_interrupts() -> None:
    waiting = call()
    threading.Timer(0.1, waiting.cancelled.set).start()
    before = time.monotonic()
    with pytest.raises(Cancelled):
        waiting.sleep(30)
    assert time.monotonic() - before < 5


def test_a_wait_ends_at_the_users_time_limit() -> None:
    limited = call(timeout=0.2)
    limited.sleep(0.3)
    with pytest.raises(PluginError, match="not done within the time limit"):
        limited.sleep(0.05)


@pytest.mark.parametrize("timeout", [0, 0.3])
def test_a_blocking_step_is_stopped_from_outside(timeout: float) -> None:
    blocked = call(timeout)
    stopped = threading.Event()
    if not timeout:
        threading.Timer(0.1, blocked.cancelled.set).start()
    with pytest.raises(PluginError), blocked.interruptible(stopped.set):
        assert stopped.wait(10)


def test_a_step_that_ends_by_itself_is_not_stopped() -> None:
    stopped = threading.Event()
    with call().interruptible(stopped.set):
        pass
    assert not stopped.is_set()
