"""The verdict on one screen of a terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from evaluation.candidates import STAY
from evaluation.inventory.models import Inventory
from evaluation.quantity import mean, median
from evaluation.results import Assessment, Message, Result
from evaluation.texts import number, render, text
from evaluation.verdict import NOTES

if TYPE_CHECKING:  # rich takes a tenth of a second, and --json goes without it
    from rich.console import Console, RenderableType
    from rich.table import Table

COLOURS = {"worth-it": "green", "not-worth-it": "red", "not-yet": "yellow"}
REASONS = 3
CHANGES = 3
FEWEST = 4  # candidates that are shown however small the screen is
SURE = 0.75  # below it the screen names what decides


def show(
    assessment: Assessment,
    inventory: Inventory,
    language: str,
    *,
    file: str = "my-site.yaml",
    console: Console | None = None,
) -> None:
    """Print it: verdict, reasons, candidates, what has to change, what to type next.

    `file`: of the inventory, as typed. `console`: where to; the terminal unless given. As many
    candidates are shown as the screen has lines, the best first.
    """
    from rich.console import Console, Group
    from rich.text import Text

    console = console or Console(highlight=False)
    above = [_verdict(assessment, inventory, language), *_reasons(assessment, language)]
    below = [*_changes(assessment, language), Text(text("screen.next", language), style="bold")]
    commands = _next(assessment, file)
    taken = len(console.render_lines(Group(*above, *below))) + len(commands)
    taken += 4  # head and notes of the table, and where the shell asks
    rows = max(FEWEST, console.height - taken)
    _print(console, above)
    console.print(_table(assessment, inventory, language, rows))
    _print(console, [_notes(assessment, language, rows), *below])
    for command in commands:
        console.out(command, highlight=False)  # whole, however narrow: it is to be copied


def _print(console: Console, parts: list[RenderableType]) -> None:
    for part in parts:
        console.print(part)


def compared(assessment: Assessment) -> str:
    """The candidate that the reasons speak of: recommended, or the best one beside staying."""
    if assessment.recommended != STAY.name:
        return assessment.recommended
    others = [result for result in assessment.results if result.candidate != STAY]
    feasible = [result for result in others if result.feasible]
    return (feasible or others)[0].candidate.name


def _verdict(assessment: Assessment, inventory: Inventory, language: str) -> RenderableType:
    from rich.panel import Panel
    from rich.text import Text

    colour = COLOURS[assessment.verdict]
    body = Text(text(f"verdict.{assessment.verdict}", language), style=f"bold {colour}")
    body.append(f"; {_confidence(assessment, language)}\n", style="default not bold")
    name = compared(assessment)
    relation = "compared" if assessment.recommended == STAY.name else "recommended"
    if assessment.verdict == "not-yet":
        relation = "later"
    body.append(
        text(f"screen.{relation}", language, name=f"candidates.name.{name}", candidate=name),
        style="bold default",
    )
    title = text("screen.title", language, name=inventory.name)
    return Panel(body, title=title, title_align="left", border_style=colour, padding=(0, 1))


def _confidence(assessment: Assessment, language: str) -> str:
    share = 100 * assessment.confidence
    if assessment.confidence >= SURE or not assessment.swings:
        return text("screen.confidence", language, share=share)
    keys = ", ".join(swing.key for swing in assessment.swings[:2])
    return text("screen.unsure", language, share=share, keys=keys)


def _reasons(assessment: Assessment, language: str) -> list[RenderableType]:
    weighed = [reason for reason in assessment.reasons if reason.key not in NOTES]
    beside = [reason for reason in assessment.reasons if reason.key in NOTES]
    return _listed(
        text("screen.why", language, name=f"candidates.name.{compared(assessment)}"),
        (*weighed[:REASONS], *beside),
        language,
    )


def _changes(assessment: Assessment, language: str) -> list[RenderableType]:
    return _listed(text("screen.change", language), assessment.changes[:CHANGES], language)


def _listed(head: str, messages: tuple[Message, ...], language: str) -> list[RenderableType]:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    if not messages:
        return []
    grid = Table.grid(padding=(0, 1))
    for place, message in enumerate(messages, 1):
        grid.add_row(f"{place}.", Text(render(message, language)))
    return [Text(head, style="bold"), Padding(grid, (0, 0, 0, 1))]


def _table(assessment: Assessment, inventory: Inventory, language: str, rows: int) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold", pad_edge=False)
    table.add_column(text("screen.column.candidate", language), no_wrap=True)
    for column in ("availability", "outage", "p95", "cost", "score"):
        head = text(f"screen.column.{column}", language, currency=inventory.costs.currency)
        table.add_column(head, justify="right", no_wrap=True)
    for result in _shown(assessment, rows):
        marked = result.candidate.name == assessment.recommended
        style = "bold" if marked else "" if result.feasible else "dim"
        table.add_row(*_cells(result, language, marked=marked), style=style)
    return table


def _shown(assessment: Assessment, rows: int) -> list[Result]:
    """The best, the feasible ones first; staying and what is recommended always among them."""
    always = {STAY.name, compared(assessment)}
    order = sorted(
        assessment.results,
        key=lambda r: (r.candidate.name not in always, not r.feasible),
    )
    kept = {result.candidate.name for result in order[:rows]}
    return [result for result in assessment.results if result.candidate.name in kept]


def _cells(result: Result, language: str, *, marked: bool) -> tuple[str, ...]:
    mark = (">" if marked else " ") + (" " if result.feasible else "x") + " "
    response = median(result.capacity.p95_start_ms)
    return (
        mark + result.candidate.name,
        number(100 * mean(result.availability.availability), language, ".3f"),
        number(mean(result.availability.outage_hours), language, ".1f"),
        number(response, language, ",.0f") if math.isfinite(response) else "∞",
        number(mean(result.cost.per_year), language, ",.0f"),
        number(mean(result.score), language, ",.0f"),
    )


def _notes(assessment: Assessment, language: str, rows: int) -> RenderableType:
    from rich.text import Text

    shown = _shown(assessment, rows)
    notes = [text("screen.p95_note", language)]
    if not all(result.feasible for result in shown):
        notes.append(text("screen.footnote", language))
    if left := len(assessment.results) - len(shown):
        notes.append(text("screen.no_candidates", language, count=left))
    return Text("; ".join(notes), style="dim")


def _next(assessment: Assessment, file: str) -> list[str]:
    chosen = f" --candidate {assessment.recommended}"
    verbs = ["settings", "plan"] if assessment.recommended != STAY.name else []
    commands = [f" python -m evaluation {verb} {file}{chosen}" for verb in verbs]
    return [*commands, f" python -m evaluation assess {file} --report out/"]
