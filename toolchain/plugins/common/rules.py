"""Checks of single values, each with the form in which two spellings of a value compare."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value must be.

    `problem` gives the rest of the sentence "<property> ..." or None; `canonical` turns a valid
    value into its comparable form ("1m0s" and "60s" are the same duration).
    """

    problem: Callable[[Any], str | None]
    canonical: Callable[[Any], Any] = _same


_UNITS: Final = {
    "ns": 1,
    "us": 1_000,
    "\u00b5s": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PIECE: Final = re.compile("(\\d+(?:\\.\\d*)?|\\.\\d+)(ns|us|\u00b5s|ms|s|m|h)")


def nanoseconds(text: str) -> int:
    """A duration as Go writes it ("1m30s") in ns; ValueError if it is none or negative."""
    if text == "0":
        return 0
    if not text or _PIECE.sub("", text):
        raise ValueError(f"{text!r} is not a duration")
    return round(sum(float(number) * _UNITS[unit] for number, unit in _PIECE.findall(text)))


def duration_text(ns: int) -> str:
    """The inverse of `nanoseconds`, in the short form ("1m", not "1m0s")."""
    if ns == 0:
        return "0s"
    if ns % _UNITS["s"]:
        for unit in ("ms", "us"):
            if ns % _UNITS[unit] == 0:
                return f"{ns // _UNITS[unit]}{unit}"
        return f"{ns}ns"
    hours, rest = divmod(ns // _UNITS["s"], 3600)
    minutes, seconds = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number)


def _duration_problem(value: str) -> str | None:
    try:
        nanoseconds(value)
    except ValueError:
        return f"must be a duration such as 500ms, 10s or 1m30s, got {value!r}"
    return None


def _ratio_problem(value: str) -> str | None:
    try:
        good = 0.0 <= float(value) <= 1.0
    except ValueError:
        good = False
    return None if good else f"must be a number between 0.0 and 1.0, got {value!r}"


def _base64_problem(value: str) -> str | None:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return "must be base64 encoded"
    return None


DURATION: Final = Rule(_duration_problem, nanoseconds)
RATIO: Final = Rule(_ratio_problem, float)
BASE64: Final = Rule(_base64_problem)


def one_of(*allowed: str) -> Rule:
    """One of a few words."""
    words = ", ".join(allowed)
    return Rule(
        lambda value: None if value in allowed else f"must be one of {words}; got {value!r}"
    )


def at_least(least: int) -> Rule:
    """A whole number with a lower bound."""
    return Rule(lambda value: None if value >= least else f"must be at least {least}, got {value}")


def matching(pattern: str, example: str) -> Rule:
    """Text in a form that an example explains best."""
    form = re.compile(pattern)
    return Rule(
        lambda value: (
            None if form.fullmatch(value) else f"must be written like {example}, got {value!r}"
        )
    )
