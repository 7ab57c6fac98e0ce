"""Sets of transactions as MySQL writes them: `uuid:1-5:8,uuid:tag:1-3`."""

import re
from collections.abc import Mapping

INTERVAL = re.compile(r"(\d+)(?:-(\d+))?")

Intervals = list[tuple[int, int]]  # first and last, in order, none of them touching the next
Source = tuple[str, str]  # UUID, and a tag or nothing


def parse(text: str) -> Mapping[Source, Intervals]:
    """Intervals by source; a ValueError where it is no set of transactions."""
    found: dict[Source, Intervals] = {}
    for part in filter(None, re.sub(r"\s", "", text).split(",")):
        uuid, *rest = part.lower().split(":")
        source = (uuid, "")
        for word in rest:
            interval = INTERVAL.fullmatch(word)
            if interval is None:
                source = (uuid, word)
                continue
            first = int(interval[1])
            found.setdefault(source, []).append((first, int(interval[2] or first)))
        if not rest or INTERVAL.fullmatch(rest[-1]) is None:
            raise ValueError(f"no set of transactions: {text[:100]}")
    return {source: _merged(intervals) for source, intervals in found.items()}


def covers(one: str, other: str) -> bool:
    """Whether `one` has every transaction of `other`; how many they have says nothing."""
    having = parse(one)
    return all(
        any(first <= low and high <= last for first, last in having.get(source, ()))
        for source, intervals in parse(other).items()
        for low, high in intervals
    )


def union(one: str, other: str) -> str:
    """All transactions that one of them has."""
    both = parse(f"{one},{other}")
    return ",".join(
        ":".join(
            [uuid, *filter(None, [tag])]
            + [f"{low}-{high}" if high > low else f"{low}" for low, high in intervals]
        )
        for (uuid, tag), intervals in sorted(both.items())
    )


def _merged(intervals: Intervals) -> Intervals:
    merged: Intervals = []
    for low, high in sorted(intervals):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged
