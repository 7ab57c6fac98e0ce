"""Numbers as people of a language write them, rounded to what a model can know."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evaluation.quantity import FloatArray
from evaluation.texts import number, text

SPACE = "\N{NO-BREAK SPACE}"
DASH = "\N{EN DASH}"
LOW, HIGH = 0.05, 0.95  # quantiles of the draws that a band shows


def band(draws: FloatArray) -> tuple[float, float]:
    """Between which numbers nine of ten draws lie."""
    low, high = np.quantile(draws, [LOW, HIGH], method="nearest")
    return float(low), float(high)


@dataclass(frozen=True)
class Numbers:
    """Writes numbers in one language."""

    language: str

    def fixed(self, value: float, decimals: int) -> str:
        """1,234.5 in English, 1.234,5 in German."""
        if not np.isfinite(value):
            return text("report.beyond", self.language)
        written = number(round(value, decimals) + 0.0, self.language, f",.{decimals}f")
        return written.replace("-", "\N{MINUS SIGN}")

    def rounded(self, value: float, digits: int = 3) -> str:
        """With so many digits that count: 1,230, 12.3, 0.0123."""
        if not np.isfinite(value) or value == 0:
            return self.fixed(value, 0)
        power = int(np.floor(np.log10(abs(float(f"{value:.{digits}g}")))))
        decimals = digits - 1 - power
        plain = self.fixed(round(value, decimals), max(0, decimals))
        return self._without_zeros(plain) if decimals > 0 else plain

    def plain(self, value: float) -> str:
        """As it was given, up to six digits."""
        return self.rounded(value, 6)

    def _without_zeros(self, written: str) -> str:
        return written.rstrip("0").rstrip(".,")

    def unit(self, value: float, unit: str) -> str:
        """Three digits and a unit."""
        return f"{self.rounded(value)}{SPACE}{unit}" if np.isfinite(value) else self.rounded(value)

    def percent(self, share: float) -> str:
        """A share of what happens, in whole percent."""
        return f"{self.fixed(100 * share, 0)}{SPACE}%"

    def availability(self, share: float) -> str:
        """A share of time to three decimals, more where only these say what is missing."""
        missing = 100 * (1 - share)
        decimals = 3 if missing <= 0 else max(3, 1 - int(np.floor(np.log10(missing))))
        return f"{self.fixed(100 * share, min(decimals, 6))}{SPACE}%"

    def up(self, share: float) -> str:
        """A round share of time: 99.9 %."""
        return f"{self.plain(100 * share)}{SPACE}%"

    def hours(self, hours: float) -> str:
        """A duration: 12 s, 36 min, 4.2 h."""
        if hours and hours < 1 / 60:
            return f"{self.rounded(3600 * hours, 2)}{SPACE}s"
        if hours and hours < 1:
            return f"{self.rounded(60 * hours, 2)}{SPACE}min"
        return f"{self.rounded(hours, 2 if hours < 100 else 3)}{SPACE}h"

    def milliseconds(self, value: float) -> str:
        """A response time: 230 ms, 1.2 s."""
        if value < 1_000 or not np.isfinite(value):
            return self.unit(value, "ms")
        return f"{self.rounded(value / 1_000, 2)}{SPACE}s"

    def money(self, value: float, currency: str) -> str:
        """An amount with three digits that count."""
        return f"{self.rounded(value)}{SPACE}{currency}"

    def between(self, draws: FloatArray, write: Callable[[float], str]) -> str:
        """The band of the draws; empty where it is no wider than its writing."""
        low, high = map(write, band(draws))
        if low == high:
            return ""
        number, _, unit = low.rpartition(SPACE)
        if unit and high.endswith(SPACE + unit):  # which is then written once
            low = number
        return f"{low} {DASH} {high}"
