"""A measured figure, and how it is written down."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure of `build/bench.json`."""

    name: str
    value: float
    unit: str  # `x` for ratios, MiB, ms, s
    limit: float | None = None  # at most; of throughput: at least
    peer: str = ""  # what a ratio is against
    samples: Sequence[float] = field(default_factory=tuple)

    @property
    def missed(self) -> bool:
        """Whether it is beyond its limit."""
        return self.limit is not None and self.value > self.limit


def ratio(
    name: str, ours: Sequence[float], peers: Sequence[float], peer: str, limit: float | None
) -> Figure:
    """Median of ours over median of the peer's, from samples taken in turn."""
    value = median(ours) / median(peers)
    return Figure(
        name=name, value=round(value, 3), unit="x", limit=limit, peer=peer, samples=[*ours, *peers]
    )


def seconds(name: str, samples: Sequence[float]) -> Figure:
    """Median of a duration."""
    return Figure(name=name, value=round(median(samples), 2), unit="s", samples=samples)


def write(path: Path, figures: Sequence[Figure]) -> None:
    """Write `build/bench.json`."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n")


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table."""
    lines = ["| figure | value | limit | against | |", "| --- | --- | --- | --- | --- |"]
    for figure in figures:
        limit = "" if figure.limit is None else f"{figure.limit:g}"
        verdict = "missed" if figure.missed else ("kept" if figure.limit is not None else "")
        lines.append(
            f"| `{figure.name}` | {figure.value:g} {figure.unit} | {limit} | {figure.peer} "
            f"| {verdict} |"
        )
    return "\n".join(lines) + "\n"
