"""A number that somebody knows, or a range where he does not."""

import re
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

FloatArray = NDArray[np.float64]
Indices = NDArray[np.intp]

RANGE = re.compile(r"\s*(\S+?)\s*\.\.\s*(\S+)\s*")


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A number of an inventory: `low` and `high` are equal where it is known.

    `value`: the draws that the models calculate with, shape (draws,), all between `low` and
    `high`; one draw in the middle of the range unless `Inventory.drawn` made others.
    """

    low: float
    high: float
    value: FloatArray = field(compare=False, repr=False)

    @classmethod
    def of(cls, low: float, high: float | None = None) -> "Quantity":
        """A known number, or a range."""
        high = low if high is None else high
        return cls(low=low, high=high, value=np.array([(low + high) / 2]))

    @property
    def known(self) -> bool:
        """Whether it is one number, not a range."""
        return self.low == self.high

    def at(self, value: FloatArray) -> "Quantity":
        """The same range with other draws."""
        return replace(self, value=value)

    def __str__(self) -> str:
        return f"{self.low:g}" if self.known else f"{self.low:g}..{self.high:g}"

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(read)

    @classmethod
    def __get_pydantic_json_schema__(cls, _: CoreSchema, __: Any) -> dict[str, Any]:
        return {
            "anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^\S+\s*\.\.\s*\S+$"}],
        }


def read(value: object) -> Quantity:
    """A quantity from `12`, `1.5` or `40..80`; raises pydantic's error with a type of its own."""
    if isinstance(value, Quantity):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and np.isfinite(value):
        return Quantity.of(float(value))
    if isinstance(value, str) and (match := RANGE.fullmatch(value)):
        try:
            low, high = float(match[1]), float(match[2])
        except ValueError:
            low, high = np.nan, np.nan
        if np.isfinite(low) and np.isfinite(high):
            if low > high:
                raise PydanticCustomError("range_order", "must begin with the smaller number")
            return Quantity.of(low, high)
    raise PydanticCustomError("quantity", "must be a number, or a range such as 40..80")


def mean(draws: FloatArray) -> float:
    """Of draws."""
    return float(np.mean(draws))


def median(draws: FloatArray) -> float:
    """Of draws, of which some may be inf.

    `np.median` is the same, but imports numpy.ma for it, a thirtieth of an assessment's time.
    """
    half = draws.size // 2
    return float(np.mean(np.sort(draws, axis=None)[half - 1 + draws.size % 2 : half + 1]))
