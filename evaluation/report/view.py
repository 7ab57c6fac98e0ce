"""What the report speaks of, and in which language."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from evaluation.candidates import STAY, as_if_offered
from evaluation.draws import drawn
from evaluation.inventory import fields
from evaluation.inventory.models import Inventory
from evaluation.report.drawings import style
from evaluation.report.drawings.style import Drawing
from evaluation.report.numbers import Numbers
from evaluation.results import Assessment, Message, Result
from evaluation.screen import compared
from evaluation.texts import has, render, text

HOURS_PER_YEAR = 8766.0


@dataclass(frozen=True, kw_only=True)
class View:
    """An assessment as somebody reads it."""

    assessment: Assessment
    inventory: Inventory
    language: str

    def t(self, name: str, /, **values: str | float) -> str:
        """A text of the report."""
        return text(f"report.{name}", self.language, **values)

    def say(self, message: Message) -> str:
        """A sentence of a model."""
        return render(message, self.language)

    def name(self, key: str, otherwise: str) -> str:
        """A text if there is one; else the name by which it is typed."""
        return text(key, self.language) if has(key) else otherwise

    def title(self, result: Result) -> str:
        """What a candidate is called."""
        name = result.candidate.name
        title = self.name(f"candidates.name.{name}", name)
        return title[0].upper() + title[1:]

    def short(self, result: Result) -> str:
        """What one of the compared is called where there is little room."""
        return self.role(result)

    def each(self, write: Callable[[Result], str]) -> str:
        """One value of every candidate, as words for who can't see a plot."""
        return "; ".join(f"{self.title(result)}: {write(result)}" for result in self.results)

    def field(self, key: str) -> str:
        """What a number of the inventory is called: `load.peak_factor`."""
        return self.name(f"report.field.{without_index(key)}", fields.meaning(key, self.language))

    def skill(self, name: str) -> str:
        """What people can do."""
        return text(f"operations.skill.{name}", self.language)

    def block(self, name: str) -> str:
        """What a block of the reliability diagram is called."""
        return self.name(f"availability.block.{name}", name)

    def item(self, key: str) -> str:
        """What an item of the cost is called."""
        return self.name(f"cost.item.{key}", key)

    @cached_property
    def sample(self) -> Inventory:
        """The inventory with its draws, as the assessment had it."""
        return drawn(as_if_offered(self.inventory), self.today.score.size, seed=1)

    @cached_property
    def numbers(self) -> Numbers:
        """Writes numbers."""
        return Numbers(self.language)

    @property
    def currency(self) -> str:
        """In which money the site counts."""
        return self.inventory.costs.currency

    @property
    def results(self) -> Sequence[Result]:
        """All candidates, best first."""
        return self.assessment.results

    @cached_property
    def today(self) -> Result:
        """Staying on what there is."""
        return next(result for result in self.results if result.candidate.name == STAY.name)

    @cached_property
    def target(self) -> Result:
        """What today is compared with: the recommendation, or the best way to move."""
        name = compared(self.assessment)
        return next(result for result in self.results if result.candidate.name == name)

    @property
    def moves(self) -> bool:
        """Whether moving is recommended."""
        return self.assessment.verdict == "worth-it"

    @property
    def compared(self) -> tuple[Result, Result]:
        """Today and what it is compared with."""
        return self.today, self.target

    def colour(self, result: Result) -> str:
        """A candidate's colour in all drawings."""
        return {id(self.today): style.TODAY, id(self.target): style.TARGET}.get(
            id(result), style.OTHER
        )

    def role(self, result: Result) -> str:
        """Whether a candidate is today's, the one it is compared with, or neither."""
        if result is self.today:
            return self.t("role.today")
        if result is self.target:
            return self.t("role.recommended" if self.moves else "role.best")
        return "" if result.feasible else self.t("role.infeasible")

    @property
    def verdict(self) -> str:
        """The verdict in words."""
        return text(f"verdict.{self.assessment.verdict}", self.language)

    @property
    def draws(self) -> str:
        """How many draws the ranges were filled with."""
        return self.numbers.fixed(self.today.score.size, 0)

    def date(self, day: date) -> str:
        """A date as the language writes it."""
        return f"{day.day}.{day.month}.{day.year}" if self.language == "de" else day.isoformat()

    def word(self, name: str) -> str:
        """What a word of the report means."""
        values = {}
        if name == "availability":
            missing = 0.1
            hours = HOURS_PER_YEAR * missing / 100
            values = {
                "one": self.numbers.unit(missing, "%"),
                "hours": self.numbers.unit(hours, "h"),
            }
        return self.t(f"word.{name}.text", **values)

    def drawing(self, name: str, svg: str, /, **values: str) -> Drawing:
        """A drawing with its texts, which name these values."""
        title, read, alt = (
            self.t(f"figure.{name}.{part}", **values) for part in ("title", "read", "alt")
        )
        return Drawing(name=name, title=title, read=read, alt=alt, svg=svg)


def without_index(key: str) -> str:
    """`machines.cores` of `machines[0].cores`."""
    return re.sub(r"\[\d+\]", "", key)
