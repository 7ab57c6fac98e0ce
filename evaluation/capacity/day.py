"""How load is spread over a day and over a year."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.formulas import formula
from evaluation.inventory.models import Inventory
from evaluation.load import busiest_hour, peak_requests_per_second
from evaluation.quantity import FloatArray

# Accesses of each hour of a day from 0 to 1 o'clock on, of those in the busiest hour.
HOURS = (
    *(0.14, 0.08, 0.05, 0.03, 0.03, 0.05, 0.15, 0.40, 0.75, 0.90, 1.00, 0.98),
    *(0.90, 0.92, 0.90, 0.82, 0.72, 0.62, 0.55, 0.52, 0.50, 0.45, 0.35, 0.24),
)
# Load of the days of a week, Monday first, of that of an ordinary one.
WEEKDAYS = (1.0, 1.0, 1.0, 1.0, 0.8, 0.35, 0.45)

Kind = Literal["start", "lectures", "exams", "break"]
# The weeks of a calendar year; `start`: two weeks each, in April and in October.
WEEKS: tuple[Kind, ...] = (
    *("break",),
    *("lectures",) * 5,
    *("exams",) * 2,
    *("break",) * 7,
    *("start",) * 2,
    *("lectures",) * 11,
    *("exams",) * 2,
    *("break",) * 10,
    *("start",) * 2,
    *("lectures",) * 9,
    *("break",),
)
# Load of an ordinary day in each kind of week, of that in lecture time.
KINDS = {"lectures": 1.0, "exams": 0.8, "break": 0.35}
START_DAYS = 14  # until the load of semester start has come down to that of lecture time
_POWERS = np.linspace(0.0, 12.0, 241)


@dataclass(frozen=True, kw_only=True)
class LoadProfile:
    """Load over the day and over the year, requests/s."""

    day: FloatArray  # shape (24, draws): mean of each hour of an ordinary day in lecture time
    start_day: FloatArray  # shape (24, draws): the same of the first day of a semester
    weeks: FloatArray  # shape (52, draws): in the busiest minutes of each week of a calendar year
    kinds: tuple[Kind, ...]  # of the weeks
    peak_factor: FloatArray  # shape (draws,): the busiest minutes of an hour, of its mean


@formula("capacity.day_shape")
def day_shape(inventory: Inventory) -> FloatArray:
    """Load of each hour of a day, of that of the busiest hour; shape (24, draws).

    Measured as `load.hours`, else a curve with its peak from 10 to 12 and a lower hill in the
    evening, raised to the power with which its busiest hour has the share that
    `load.peak_hour_share` says.

    Source: curve: judgement, drawn after D. Jones, Moodle Book usage by time of day (djon.es, 2015:
    least at 5, most from 11 to 12, growing again from 20 o'clock on) and Universität Münster 2020
    (Münstersche Zeitung: servers at their limits from 10 to 14 o'clock).
    Limits: one shape for all days; a lecture hall that logs in at once is in the peak factor.
    """
    hours = inventory.load.hours
    share = busiest_hour(inventory)
    if hours is not None:
        measured = np.array([np.broadcast_to(hour.value, share.shape) for hour in hours])
        shape: FloatArray = measured / np.max(measured, axis=0)
        return shape
    curve = np.array(HOURS)[:, None]
    sums = np.sum(curve**_POWERS, axis=0)  # falls from 24 to 1
    power = np.interp(1 / share, sums[::-1], _POWERS[::-1])
    return curve**power


@formula("capacity.year_shape")
def day_factors(inventory: Inventory) -> list[tuple[FloatArray, int]]:
    """Kinds of days: the load of each, of that of an ordinary day, and how many a year has.

    Two semesters with 29 weeks of lectures, the first two of each semester start, whose load falls
    evenly from the semester start factor to 1; 4 weeks of exams at 0.8; 19 weeks of break at 0.35.
    Friday 0.8, Saturday 0.35, Sunday 0.45 of other days.

    Source: weekdays: RWTH Aachen, Nutzungsstatistiken zu L2P, part 2 (2016: Monday to Thursday
    alike, Saturday least); break: TH Georg Agricola, Statistiken zum Semesterstart (2020: 5,000
    actions a day before and 15,000 in lecture time). Numbers: judgement.
    Limits: the weeks of German universities; holidays are ordinary days.
    """
    factor = start_factor(inventory)
    one = np.ones_like(factor)
    found: list[tuple[FloatArray, int]] = []
    for kind, level in KINDS.items():
        weeks = WEEKS.count(kind)
        for weekday in sorted(set(WEEKDAYS)):
            found.append((one * level * weekday, weeks * WEEKDAYS.count(weekday)))
    starts = WEEKS.count("start") * 7 // START_DAYS
    for day in range(START_DAYS):
        falling = 1 + (factor - 1) * (1 - day / START_DAYS)
        found.append((falling * WEEKDAYS[day % 7], starts))
    return found


def start_factor(inventory: Inventory) -> FloatArray:
    """Load of the first day of a semester, of that of an ordinary day; shape (draws,)."""
    peak = peak_requests_per_second(inventory)
    return np.broadcast_to(inventory.load.semester_start_factor.value, peak.shape)


def load_profile(inventory: Inventory) -> LoadProfile:
    """What the load is over the day and over the year."""
    peak = peak_requests_per_second(inventory)
    factor = np.broadcast_to(inventory.load.peak_factor.value, peak.shape)
    day = day_shape(inventory) * peak / factor
    start = start_factor(inventory)
    weeks = []
    for number, kind in enumerate(WEEKS):
        if kind == "start":
            gone = 7 if WEEKS[number - 1] == "start" else 0
            weeks.append(peak * (1 + (start - 1) * (1 - gone / START_DAYS)))
        else:
            weeks.append(peak * KINDS[kind])
    return LoadProfile(
        day=day, start_day=day * start, weeks=np.array(weeks), kinds=WEEKS, peak_factor=factor
    )


@formula("capacity.overload_hours")
def overload_hours(inventory: Inventory, carried: FloatArray) -> FloatArray:
    """Hours a year in which the load is beyond `carried` (requests/s).

    Summed over all hours of all days of a year. Within an hour of mean load m the load is
    f m v^(f - 1) for v from 0 to 1 in some order: m on the mean, f m in its busiest minutes, f
    being the peak factor; it is beyond r in the share 1 - (r / (f m))^(1 / (f - 1)) of the hour.

    Source: days as in `capacity.year_shape`, hours as in `capacity.day_shape`; within the hour:
    judgement, the simplest form with that mean and that peak.
    Limits: what is not answered in time does not come again and again, which would be more.
    """
    peak = peak_requests_per_second(inventory)
    carried = np.broadcast_to(carried, peak.shape)
    days = day_factors(inventory)
    some = np.flatnonzero(carried < peak * np.max([factor for factor, _ in days], axis=0))
    total = np.zeros_like(peak)
    if not some.size:
        return total
    factors = np.broadcast_to(inventory.load.peak_factor.value, peak.shape)
    bend = 1 / np.maximum(factors[some] - 1, 1e-3)
    with np.errstate(divide="ignore"):
        room = np.log(np.maximum(carried[some], 1e-12) / peak[some])
        hours = np.log(day_shape(inventory)[:, some])
    for factor, number in days:
        left = room - np.log(factor[some])
        if np.any(left < 0):
            below = np.exp(np.minimum(left - hours, 0.0) * bend)
            total[some] += number * np.sum(1 - below, axis=0)
    return total
