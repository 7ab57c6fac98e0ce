"""What the report consists of, in the order in which it is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from evaluation.formulas import FORMULAS, Formula
from evaluation.report.drawings import cost, load, outages, style, topology
from evaluation.report.drawings.style import Drawing
from evaluation.report.evidence import Evidence
from evaluation.report.given import Section, sections
from evaluation.report.view import View
from evaluation.results import Message, Result


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """A question and the drawings that answer it."""

    name: str  # in texts: report.section.<name>
    drawings: tuple[Drawing, ...]


@dataclass(frozen=True, kw_only=True)
class Risk:
    """A risk, and which candidates have it."""

    words: str
    candidates: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that is written."""

    view: View
    today: date
    mesos: Message
    chapters: tuple[Chapter, ...]
    inventory: tuple[Section, ...]
    risks: tuple[Risk, ...]
    formulas: tuple[Formula, ...]

    @classmethod
    def of(cls, view: View, found: Evidence) -> "Report":
        """The report on an assessment."""
        return cls(
            view=view,
            today=date.today(),
            mesos=found.mesos,
            chapters=_chapters(view, found),
            inventory=sections(view),
            risks=_risks(view),
            formulas=tuple(sorted(FORMULAS.values(), key=lambda formula: formula.key)),
        )

    @property
    def entries(self) -> int:
        """How many numbers the inventory has."""
        return sum(len(section.entries) for section in self.inventory)

    @property
    def defaults(self) -> int:
        """How many of them were not given."""
        return sum(
            entry.origin == "default" for section in self.inventory for entry in section.entries
        )

    @property
    def drawings(self) -> Sequence[Drawing]:
        """All drawings in their order."""
        return [drawing for chapter in self.chapters for drawing in chapter.drawings]


def _chapters(view: View, found: Evidence) -> tuple[Chapter, ...]:
    with style.applied():
        return (
            Chapter(name="topology", drawings=topology.both(view)),
            Chapter(
                name="load",
                drawings=(
                    load.load_day(view, found),
                    load.load_year(view, found),
                    load.semester_start(view, found),
                    load.capacities(view),
                ),
            ),
            Chapter(
                name="outages",
                drawings=(
                    outages.outages(view),
                    outages.causes(view),
                    outages.outage_years(view, found),
                ),
            ),
            Chapter(name="cost", drawings=(cost.cost_years(view), cost.cost_items(view))),
            Chapter(name="hangs", drawings=(cost.tornado(view),)),
        )


def _risks(view: View) -> tuple[Risk, ...]:
    """Each risk once, those of the target first."""
    who: dict[str, list[str]] = {}
    for result in sorted(view.results, key=lambda result: result is not view.target):
        for message in result.operations.risks:
            who.setdefault(view.say(message), []).append(view.title(result))
    return tuple(Risk(words=words, candidates=tuple(names)) for words, names in who.items())


def lacking(view: View) -> dict[str, Sequence[Result]]:
    """What is missing for candidates beside the target, and for which; as sentences."""
    who: dict[str, list[Result]] = {}
    for result in view.results:
        if result is not view.target:
            for message in result.missing:
                who.setdefault(view.say(message), []).append(result)
    return dict(who)
