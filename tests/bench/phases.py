"""Where the time of a Pulumi command goes, read from the engine's own trace (`--otel-traces`)."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PHASES = {
    "pulumi": "Pulumi itself: settings file, state, secrets, a first language host",
    "host": "start of the language host",
    "sdk": "start of Python with Pulumi's SDK",
    "program": "the program: imports, settings, describing all resources",
    "resources": "resources: the engine and the plugins check and compare each",
    "end": "end of program, plugins and language host",
}
SERVICE = "pulumirpc."
EDGES = ("start", "end")


@dataclass(frozen=True, order=True)
class Span:
    """One traced piece of work; times in s since the epoch."""

    start: float
    end: float
    name: str


def read(trace: Path) -> list[Span]:
    """The spans of a trace, in the order of their start."""
    return sorted(_spans(trace.read_text().splitlines()))


def _spans(lines: Iterable[str]) -> Iterator[Span]:
    for line in lines:
        for resource in json.loads(line)["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                for span in scope["spans"]:
                    start, end = (int(span[f"{edge}TimeUnixNano"]) / 1e9 for edge in EDGES)
                    yield Span(start, end, span["name"].removeprefix(SERVICE))


def phases(spans: list[Span]) -> dict[str, float]:
    """Seconds of each phase; they add up to the whole command.

    An `up` previews first: both of its runs count.
    """
    (whole,) = (span for span in spans if span.name == "pulumi")
    plans = [span for span in spans if span.name == "pulumi-plan"]
    seconds = dict.fromkeys(PHASES, 0.0)
    seconds["pulumi"] = whole.end - whole.start - sum(plan.end - plan.start for plan in plans)
    for plan in plans:
        inner = [span for span in spans if plan.start <= span.start <= plan.end]
        edges = [
            plan.start,
            _first(inner, "LanguageRuntime/Run"),
            _first(inner, "ResourceMonitor/SupportsFeature"),
            _first(inner, "ResourceMonitor/RegisterResource"),
            _first(inner, "ResourceMonitor/SignalAndWaitForShutdown"),
            plan.end,
        ]
        for name, start, end in zip(list(PHASES)[1:], edges[:-1], edges[1:], strict=True):
            seconds[name] += end - start
    return seconds


def _first(spans: list[Span], name: str) -> float:
    return next(span.start for span in spans if span.name == name)
