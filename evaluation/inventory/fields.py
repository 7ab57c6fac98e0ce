"""Every key of an inventory with all that is known of it: for files, schema, questions, reports."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic_core import PydanticUndefined

from evaluation.inventory.models import OWN, About, Inventory, Model
from evaluation.quantity import Quantity
from evaluation.texts import has, text
from stacks.settings.errors import model_in

JUDGEMENT = "judgement"


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key of an inventory: `load.students`; entries of lists have no index."""

    name: str
    section: bool  # holds keys of its own
    many: bool  # a list of them
    offer: bool  # what is not named is not offered
    about: About | None  # None: no number
    choices: tuple[str, ...]  # of what is chosen; empty: not chosen
    default: Any  # None: derived, or none

    @property
    def depth(self) -> int:
        """How many sections it lies in."""
        return self.name.count(".")

    @property
    def last(self) -> str:
        """Its name within its section."""
        return self.name.rpartition(".")[2]


def keys(model: type[Model] = Inventory, prefix: str = "") -> Iterator[Key]:
    """All keys in the order of the models; a section comes before what it holds."""
    for name, field in model.model_fields.items():
        nested = model_in(field.annotation)
        annotations = (field.annotation, *get_args(field.annotation))
        yield Key(
            name=f"{prefix}{name}",
            section=nested is not None,
            many=any(get_origin(annotation) is tuple for annotation in annotations),
            offer=nested is not None and type(None) in annotations,
            about=model.about(name),
            choices=_choices(field.annotation),
            default=None if field.default is PydanticUndefined else field.default,
        )
        if nested is not None:
            yield from keys(nested, f"{prefix}{name}.")


def _choices(annotation: Any) -> tuple[str, ...]:
    if annotation is bool:
        return ("true", "false")
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def meaning(key: str, language: str) -> str:
    """What the value at a key means, such as `machines[0].cores`; raises KeyError."""
    without_indices = re.sub(r"\[\d+\]", "", key)
    return text(f"inventory.{without_indices}", language)


def unit(about: About, language: str, currency: str = "EUR") -> str:
    """The unit in the language; empty for a plain number."""
    key = f"inventory.unit.{about.unit}"
    return text(key, language, currency=currency) if has(key) else about.unit


def source(key: str, about: About, language: str) -> str:
    """Where the default of a key comes from. Publications keep their titles."""
    if has(f"inventory.source.{key}"):
        return text(f"inventory.source.{key}", language)
    if about.source == OWN:
        return text("inventory.source.own", language)
    if about.source.startswith(JUDGEMENT):
        word = text("inventory.source.judgement", language)
        return word + about.source.removeprefix(JUDGEMENT)
    return about.source


def written(value: object) -> str:
    """A value as it stands in a file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Quantity):
        return str(value)
    return quoted(str(value))


def quoted(value: str) -> str:
    """A text that YAML reads as one."""
    if re.fullmatch(r"[A-Za-z][\w./@+-]*( [\w./@+-]+)*", value) and value.lower() not in (
        "true",
        "false",
        "null",
    ):
        return value
    return "'" + value.replace("'", "''") + "'"
