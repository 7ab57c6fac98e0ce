"""Every formula of the models, with its source and its limits, for the report to name.

A formula is a function whose docstring has a first line, `Source:` and `Limits:`.
"""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., object])
PARTS = re.compile(r"(?P<text>.*?)\n\s*Source: (?P<source>.*?)\n\s*Limits: (?P<limits>.*)", re.S)


@dataclass(frozen=True, kw_only=True)
class Formula:
    """A formula as the report shows it."""

    key: str
    text: str
    source: str
    limits: str


FORMULAS: dict[str, Formula] = {}


def formula(key: str) -> Callable[[F], F]:
    """Register a function's docstring as the formula `key`.

    Raises ValueError if a part of it is missing.
    """

    def register(function: F) -> F:
        match = PARTS.fullmatch(inspect.getdoc(function) or "")
        if not match:
            raise ValueError(f"{function.__qualname__}: docstring lacks Source: or Limits:")
        FORMULAS[key] = Formula(
            key=key, **{k: " ".join(v.split()) for k, v in match.groupdict().items()}
        )
        return function

    return register
