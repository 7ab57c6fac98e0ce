"""The inventory as it was read: each value, whether it was given, and where it comes from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from evaluation.inventory import fields
from evaluation.inventory.models import About, Inventory, Machine, Model
from evaluation.load import outage_per_hour, peak_requests_per_second, sessions
from evaluation.quantity import FloatArray, Quantity, mean
from evaluation.report.numbers import DASH, SPACE
from evaluation.report.tables import to_formula
from evaluation.report.view import View

# What is derived where it is not given, and the formula that derives it.
DERIVED: dict[str, tuple[Callable[[Inventory], FloatArray], str]] = {
    "load.peak_requests_per_second": (peak_requests_per_second, "load.peak"),
    "load.sessions": (sessions, "load.sessions"),
    "costs.outage_per_hour": (outage_per_hour, "load.outage_per_hour"),
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A field of the inventory."""

    key: str  # load.peak_factor
    title: str  # what it is called
    meaning: str
    words: str  # its value with its unit
    origin: str  # given, default, derived
    source: str  # of a default
    link: str = ""  # to the formula that derived it


@dataclass(frozen=True, kw_only=True)
class Section:
    """Fields that belong together."""

    title: str
    entries: tuple[Entry, ...]


def sections(view: View) -> tuple[Section, ...]:
    """The whole inventory, section by section."""
    return tuple(_sections(view, view.inventory, "", given=True))


def _sections(view: View, model: Model, prefix: str, *, given: bool) -> Iterator[Section]:
    entries = []
    nested: list[Section] = []
    for name in type(model).model_fields:
        key, value = f"{prefix}{name}", getattr(model, name)
        named = given and name in model.model_fields_set
        if isinstance(value, Model):
            nested.extend(_sections(view, value, f"{key}.", given=named))
        elif isinstance(value, tuple) and value and isinstance(value[0], Model):
            for index, item in enumerate(value):
                nested.extend(_sections(view, item, f"{key}[{index}].", given=named))
        elif value is not None or key in DERIVED:
            entries.append(_entry(view, key, value, model.about(name), given=named))
        elif prefix == "offers.":
            nested.append(_not_offered(view, key))
    if entries:
        yield Section(title=_title(view, prefix, model), entries=tuple(entries))
    yield from nested


def _title(view: View, prefix: str, model: Model) -> str:
    key = prefix.rstrip(".")
    if isinstance(model, Machine):
        number = int(key.removeprefix("machines[").removesuffix("]")) + 1
        return view.t("part_of_inventory.machines", number=number, name=model.name)
    return view.t(f"part_of_inventory.{key or 'site'}")


def _not_offered(view: View, key: str) -> Section:
    """An offer that nobody makes."""
    entry = Entry(
        key=key,
        title=view.t("not_offered"),
        meaning=fields.meaning(key, view.language),
        words=DASH,
        origin="given",
        source="",
    )
    return Section(title=view.t(f"part_of_inventory.{key}"), entries=(entry,))


def _entry(view: View, key: str, value: object, about: About | None, *, given: bool) -> Entry:
    entry = Entry(
        key=key,
        title=view.field(key),
        meaning=fields.meaning(key, view.language),
        words=_words(view, value, about),
        origin="given" if given else "default",
        source="" if given or about is None else fields.source(key, about, view.language),
    )
    if value is not None or key not in DERIVED:
        return entry
    derive, formula = DERIVED[key]
    words = _with_unit(view, view.numbers.rounded(mean(derive(view.sample))), about)
    return replace(entry, words=words, origin="derived", link=to_formula(formula))


def _words(view: View, value: object, about: About | None) -> str:
    if isinstance(value, bool):
        return view.t("yes" if value else "no")
    if isinstance(value, Quantity):
        return _with_unit(view, _quantity(view, value), about)
    if isinstance(value, tuple):
        return " ".join(_quantity(view, item) for item in value)
    return view.name(f"report.choice.{value}", str(value))


def _quantity(view: View, quantity: Quantity) -> str:
    if quantity.known:
        return view.numbers.plain(quantity.low)
    low, high = view.numbers.plain(quantity.low), view.numbers.plain(quantity.high)
    return view.t("range", low=low, high=high)


def _with_unit(view: View, number: str, about: About | None) -> str:
    unit = fields.unit(about, view.language, view.currency) if about else ""
    return f"{number}{SPACE}{unit}" if unit else number
