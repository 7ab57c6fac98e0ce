"""What is said to people, in their language.

A file `<area>.yaml` holds the texts of one area, each with `en` and `de` side by side:

    block.site: {en: "power and cooling: {hours:.1f} h a year", de: "Strom und Kühlung: ..."}

Its key is then `availability.block.site`. Values stand in braces, with Python's format
specifications; numbers are written as the language does. `{skill!t}` is a value that is a key
itself.
"""

import math
import string
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from evaluation.results import Message

LANGUAGES = ("en", "de")
FOLDER = Path(__file__).parent
# The C parser is ten times faster, and there wherever PyYAML comes as a wheel.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
POINT_AND_COMMA = str.maketrans(".,", ",.")


def render(message: Message, language: str) -> str:
    """A message as a sentence; raises KeyError for an unknown key or a value that is missing."""
    return text(message.key, language, **message.values)


def text(key: str, language: str, /, **values: str | float) -> str:
    """The text `<area>.<name>` with its values; raises KeyError as `render` does."""
    area, _, name = key.partition(".")
    translations = area_texts(area).get(name)
    if translations is None:
        raise KeyError(key)
    return _Formatter(language).vformat(translations[language], (), values)


def has(key: str) -> bool:
    """Whether there is such a text."""
    area, _, name = key.partition(".")
    return name in area_texts(area)


def number(value: float, language: str, specification: str = "g") -> str:
    """A number as the language writes it: 1,234.5 or 1.234,5."""
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    written = format(value, specification)
    return written.translate(POINT_AND_COMMA) if language == "de" else written


def areas() -> list[str]:
    """All areas that have texts."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


@cache
def area_texts(area: str) -> Mapping[str, Mapping[str, str]]:
    """The texts of an area by name; empty where there is no such area."""
    path = FOLDER / f"{area}.yaml"
    if not path.is_file():
        return {}
    return dict(_flat(yaml.load(path.read_text(encoding="utf-8"), LOADER) or {}))


def _flat(node: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, str]]]:
    for key, value in node.items():
        if isinstance(value, Mapping) and not set(value) & set(LANGUAGES):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


class _Formatter(string.Formatter):
    def __init__(self, language: str) -> None:
        self.language = language

    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return kwargs[str(key)]

    def convert_field(self, value: Any, conversion: Any) -> Any:
        if conversion == "t":
            return text(str(value), self.language)
        return super().convert_field(value, conversion)

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, (int, float)):  # numpy's float64 is a float
            return number(value, self.language, format_spec or "g")
        return str(super().format_field(value, format_spec))
