"""The tables of the report, the same for the page and for Markdown."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from evaluation.draws import quantities
from evaluation.formulas import FORMULAS
from evaluation.quantity import FloatArray, mean, median
from evaluation.report.figures import FIGURES, HOURS, MILLISECONDS
from evaluation.report.numbers import DASH, SPACE
from evaluation.report.view import View
from evaluation.results import Result


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell of a table."""

    words: str
    note: str = ""  # the range below a number
    link: str = ""  # where the number comes from: an anchor of the report
    state: str = ""  # met, missed


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of a table, with its head."""

    head: Cell
    cells: tuple[Cell, ...]
    mark: str = ""  # today, target, infeasible


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table; the first word of `head` is that of the column of row heads."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[Row, ...]


def to_formula(key: str) -> str:
    """Anchor of a formula; empty where the registry has none of that name."""
    return f"formula-{key}" if key in FORMULAS else ""


def cell(view: View, name: str, result: Result, state: str = "") -> Cell:
    """A number of a candidate."""
    figure = FIGURES[name]
    return Cell(
        words=figure.words(view, result),
        note=figure.note(view, result),
        link=to_formula(figure.formula),
        state=state,
    )


# What is compared on top: a number of the candidates; the number of the inventory that wants it,
# that number in the same unit, its writing, and whether less is better.
Wish = tuple[str, Callable[[View], FloatArray], Callable[[View, float], str], bool]
WISHES: dict[str, Wish] = {
    "availability": (
        "wanted.availability_percent",
        lambda view: view.inventory.wanted.availability_percent.value / 100,
        lambda view, share: view.numbers.up(share),
        False,
    ),
    "longest_hours": (
        "wanted.rto_hours",
        lambda view: view.inventory.wanted.rto_hours.value,
        HOURS,
        True,
    ),
    "rpo_hours": (
        "wanted.rpo_minutes",
        lambda view: view.inventory.wanted.rpo_minutes.value / 60,
        HOURS,
        True,
    ),
    "rps": (
        "load.semester_start_factor",
        lambda view: view.today.capacity.demand_start_rps,
        FIGURES["rps"].write,
        False,
    ),
    "p95_start_ms": (
        "wanted.p95_ms",
        lambda view: view.inventory.wanted.p95_ms.value,
        MILLISECONDS,
        True,
    ),
    "p95_one_lost_ms": (
        "wanted.p95_ms",
        lambda view: view.inventory.wanted.p95_ms.value,
        MILLISECONDS,
        True,
    ),
}
COMPARED = (
    "availability",
    "outage_hours",
    "longest_hours",
    "rpo_hours",
    "rps",
    "p95_start_ms",
    "p95_one_lost_ms",
    "per_year",
    "migration_days",
    "score",
)


def comparison(view: View) -> Table:
    """Today beside the target, against what is wanted."""
    rows = []
    for name in COMPARED:
        wish = WISHES.get(name)
        wanted, states = Cell(words=""), ["", ""]
        if wish:
            key, value, write, less = wish
            limit = median(value(view))
            wanted = Cell(words=write(view, limit), link=f"input-{key}")
            states = [_state(FIGURES[name].value(r), limit, less=less) for r in view.compared]
        cells = [cell(view, name, r, s) for r, s in zip(view.compared, states, strict=True)]
        rows.append(Row(head=Cell(words=view.t(f"figure_of.{name}")), cells=(*cells, wanted)))
    heads = [view.role(result) for result in view.compared]
    return Table(
        caption=view.t("section.verdict"),
        head=("", *heads, view.t("figure_of.wanted")),
        rows=tuple(rows),
    )


def _state(value: float, limit: float, *, less: bool) -> str:
    return "met" if (value <= limit if less else value >= limit) else "missed"


CANDIDATES = (
    "availability",
    "outage_hours",
    "p95_start_ms",
    "rps",
    "per_year",
    "migration_days",
    "score",
)


MONEY = ("per_year", "score")


def candidates(view: View) -> Table:
    """All candidates, best first."""
    rows = []
    for result in view.results:
        possible = Cell(
            words=view.t("yes" if result.feasible else "no"),
            state="met" if result.feasible else "missed",
        )
        role = view.role(result) if result in view.compared else ""
        rows.append(
            Row(
                head=Cell(
                    words=view.title(result), note=role, link=f"candidate-{result.candidate.name}"
                ),
                cells=(possible, *(_bare(view, cell(view, n, result)) for n in CANDIDATES)),
                mark=_mark(view, result),
            )
        )
    names = ("candidate", "feasible", *CANDIDATES)
    return Table(
        caption=view.t("section.candidates"),
        head=tuple(
            f"{view.t(f'figure_of.{name}')}{f' ({view.currency})' if name in MONEY else ''}"
            for name in names
        ),
        rows=tuple(rows),
    )


def _bare(view: View, one: Cell) -> Cell:
    """A cell without the currency, which its column names."""
    currency = f"{SPACE}{view.currency}"
    words, note = one.words.removesuffix(currency), one.note.removesuffix(currency)
    return replace(one, words=words, note=note)


def _mark(view: View, result: Result) -> str:
    if result is view.today:
        return "today"
    if result is view.target:
        return "target"
    return "" if result.feasible else "infeasible"


def causes(view: View, result: Result) -> Table:
    """The blocks of the reliability diagram of a candidate, the heaviest first."""
    blocks = sorted(result.availability.blocks, key=lambda b: -mean(b.outages * b.hours))
    rows = tuple(
        Row(
            head=Cell(words=view.block(block.name)),
            cells=tuple(
                Cell(words=words, link=to_formula(block.formula))
                for words in (
                    view.numbers.rounded(mean(block.outages), 2),
                    view.numbers.hours(mean(block.hours)),
                    view.numbers.hours(mean(block.outages * block.hours)),
                )
            ),
        )
        for block in blocks
    )
    head = tuple(view.t(f"each.{name}") for name in ("cause", "a_year", "lasts", "sum"))
    return Table(caption=view.t("each.causes"), head=head, rows=rows)


def costs(view: View, result: Result) -> Table:
    """What a candidate costs by item, the dearest first, and what moving costs."""

    def row(words: str, draws: FloatArray, formula: str) -> Row:
        def write(value: float) -> str:
            return view.numbers.money(value, view.currency)

        note = view.numbers.between(draws, write)
        money = Cell(words=write(mean(draws)), note=note, link=to_formula(formula))
        return Row(head=Cell(words=words), cells=(money,))

    items = sorted(result.cost.items.items(), key=lambda item: -mean(item[1]))
    rows = [row(view.item(key), draws, "cost") for key, draws in items if mean(draws) > 0]
    migration = row(view.t("figure_of.migration"), result.cost.migration, "migration")
    head = (view.t("each.item"), view.t("axis.cost", currency=view.currency))
    return Table(caption=view.t("each.costs"), head=head, rows=(*rows, migration))


def swings(view: View) -> Table:
    """The tornado in numbers, each of which leads to the number of the inventory."""
    given = {key: quantity for key, quantity, _ in quantities(view.sample)}
    rows = tuple(
        Row(
            head=Cell(words=view.field(swing.key), link=f"input-{swing.key}"),
            cells=(
                Cell(words=f"{view.numbers.plain(low)} {DASH} {view.numbers.plain(high)}"),
                *(
                    Cell(words=view.numbers.rounded(gain), link=to_formula("advantage"))
                    for gain in (swing.low, swing.high)
                ),
            ),
        )
        for swing in view.assessment.swings
        for low, high in [(given[swing.key].low, given[swing.key].high)]
    )
    names = ("swings.number", "swings.range", "swings.low", "swings.high")
    caption = f"{view.t('swings.caption')} ({view.t('axis.advantage', currency=view.currency)})"
    return Table(caption=caption, head=tuple(view.t(name) for name in names), rows=rows)


def all_tables_of(view: View, result: Result) -> Iterator[Table]:
    """What is told of a candidate in tables."""
    yield causes(view, result)
    yield costs(view, result)
