"""What one number of an inventory demands of another: combinations that can't be, explained."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from evaluation.inventory.models import Inventory
from evaluation.quantity import Quantity
from stacks.settings.base import Location
from stacks.settings.errors import shown

DAY = 86400  # s
YEAR = 8766  # h
WEEK = 60  # h that somebody may work
VISITS = 100  # of one student on one day, beyond which requests were counted
LONGEST_NAME = 100  # characters
HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?"
PORT = r":[0-9]{1,5}"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What is wrong at the first of `keys`; the others were asked too."""

    keys: tuple[str, ...]
    what: str


Rule = Callable[[Inventory], Iterator[Finding]]


def check(inventory: Inventory, document: Any) -> Iterator[Finding]:
    """All that is wrong between numbers, and with offers of which nothing is said."""
    for rule in RULES:
        yield from rule(inventory)
    offers = document.get("offers")
    if isinstance(offers, dict):
        for name, value in offers.items():
            if value is None and name in type(inventory.offers).model_fields:
                yield finding(
                    f"offers.{name}",
                    what="must not be empty: write {} for an offer with all defaults, or leave "
                    "the key out where it is not offered",
                )


def location(key: str) -> Location:
    """`machines[1].name` as the keys and indices that lead there."""
    return tuple(int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", key))


def finding(*keys: str, what: str) -> Finding:
    """What is wrong at the first key."""
    return Finding(keys=keys, what=what)


def _name(inventory: Inventory) -> Iterator[Finding]:
    name = inventory.name
    if not name.strip() or len(name) > LONGEST_NAME:
        what = f"must have 1 to {LONGEST_NAME} characters, got {shown(name)}"
        yield finding("name", what=what)


def _machines(inventory: Inventory) -> Iterator[Finding]:
    machines = inventory.machines
    if not machines:
        yield finding("machines", what="must name at least one machine, got none")
        return
    seen: set[str] = set()
    for index, machine in enumerate(machines):
        if machine.name in seen:
            what = f"must be given once, got {shown(machine.name)}"
            yield finding(f"machines[{index}].name", what=what)
        seen.add(machine.name)
    roles = list(dict.fromkeys(machine.role for machine in machines))
    if "all" not in roles and not {"web", "database"} <= set(roles):
        yield finding(
            "machines",
            what=f"must have the role all, or both web and database, got {', '.join(roles)}",
        )


def _hours(inventory: Inventory) -> Iterator[Finding]:
    load = inventory.load
    if load.hours is None:
        return
    for index, hour in enumerate(load.hours):
        if hour.low < 0:
            yield finding(f"load.hours[{index}]", what=f"must be at least 0, got {hour}")
            return
    if len(load.hours) != 24:
        what = f"must have 24 entries, the first one from midnight to one, got {len(load.hours)}"
        yield finding("load.hours", what=what)
        return
    total = sum(hour.low for hour in load.hours)
    if total == 0:
        yield finding("load.hours", what="must have accesses in one hour at least, got 0 in all")
        return
    busiest = max(hour.value[0] for hour in load.hours) / sum(hour.value[0] for hour in load.hours)
    share = load.peak_hour_share
    if "peak_hour_share" in load.model_fields_set and not share.low <= busiest <= share.high:
        yield finding(
            "load.peak_hour_share",
            "load.hours",
            what=f"contradicts load.hours, whose busiest hour has {busiest:.3g} of the day: "
            f"leave it out, got {share}",
        )


def _load(inventory: Inventory) -> Iterator[Finding]:
    load = inventory.load
    peak, accesses = load.peak_requests_per_second, load.daily_accesses
    if accesses.low <= 0 and peak is None:
        yield finding(
            "load.daily_accesses",
            "load.peak_requests_per_second",
            what="must be more than 0 where load.peak_requests_per_second is not given, "
            f"got {accesses}",
        )
    if peak is not None and peak.low <= 0:
        yield finding("load.peak_requests_per_second", what=f"must be more than 0, got {peak}")
    elif peak is not None:
        mean = accesses.low * load.requests_per_access.low / DAY
        if peak.high < mean:
            yield finding(
                "load.peak_requests_per_second",
                "load.daily_accesses",
                "load.requests_per_access",
                what=f"is less than the mean of a day, {mean:.3g} requests/s by daily_accesses "
                f"and requests_per_access, got {peak}",
            )
    if load.peak_hour_share.low < 1 / 24:
        yield finding(
            "load.peak_hour_share",
            what="must be at least 0.0417, as the busiest of 24 hours has no less than the mean "
            f"one, got {load.peak_hour_share}",
        )
    if accesses.low > VISITS * load.students.high:
        yield finding(
            "load.daily_accesses",
            "load.students",
            what=f"is more than {VISITS} a day for each of {load.students} students: an access "
            f"is a visit, not a request, got {accesses}",
        )
    share = load.database_share
    if share.low <= 0 or share.high >= 1:
        what = f"must be more than 0 and less than 1, got {share}"
        yield finding("load.database_share", what=what)


def _more_than_nothing(inventory: Inventory) -> Iterator[Finding]:
    offers = inventory.offers
    numbers: list[tuple[str, Quantity, str]] = [
        ("data.database_gib", inventory.data.database_gib, "no database is empty"),
        ("wanted.rto_hours", inventory.wanted.rto_hours, "no repair takes no time"),
        ("staff.people", inventory.staff.people, "somebody runs the platform"),
    ]
    if offers.machines is not None:
        numbers.append(("offers.machines.count", offers.machines.count, ""))
    if offers.database is not None:
        numbers.append(("offers.database.size_gib", offers.database.size_gib, ""))
    if offers.storage is not None:
        numbers.append(("offers.storage.size_gib", offers.storage.size_gib, ""))
        numbers.append(("offers.storage.throughput_mib", offers.storage.throughput_mib, ""))
    for key, quantity, why in numbers:
        if quantity.low <= 0:
            reason = why or f"leave {key.rpartition('.')[0]} out where it is not offered"
            yield finding(key, what=f"must be more than 0 ({reason}), got {quantity}")


def _staff(inventory: Inventory) -> Iterator[Finding]:
    staff = inventory.staff
    most = WEEK * staff.people.high
    if 0 < most < staff.hours_per_week.low:
        yield finding(
            "staff.hours_per_week",
            "staff.people",
            what=f"must be at most {most:g}, {WEEK} h for each of {staff.people} persons, "
            f"got {staff.hours_per_week}",
        )
    if staff.reaction_hours_off_time.high < staff.reaction_hours.low:
        yield finding(
            "staff.reaction_hours_off_time",
            "staff.reaction_hours",
            what=f"must not be shorter than staff.reaction_hours ({staff.reaction_hours}), "
            f"got {staff.reaction_hours_off_time}",
        )


def _zones(inventory: Inventory) -> Iterator[Finding]:
    offers = inventory.offers
    spread = [
        ("swarm", "nodes", offers.swarm and (offers.swarm.zones, offers.swarm.nodes)),
        (
            "kubernetes",
            "nodes",
            offers.kubernetes and (offers.kubernetes.zones, offers.kubernetes.nodes),
        ),
        ("machines", "count", offers.machines and (offers.machines.zones, offers.machines.count)),
    ]
    for offer, counted, numbers in spread:
        if numbers and 0 < numbers[1].high < numbers[0].low:
            yield finding(
                f"offers.{offer}.zones",
                f"offers.{offer}.{counted}",
                what=f"must be at most offers.{offer}.{counted} ({numbers[1]}), as a zone without "
                f"any is none, got {numbers[0]}",
            )


def _addresses(inventory: Inventory) -> Iterator[Finding]:
    offers = inventory.offers
    database, storage = offers.database, offers.storage
    addresses = [
        ("database", database and database.address, HOST + PORT, "db.example.org:3306"),
        ("storage", storage and storage.address, HOST, "files.example.org"),
        (
            "registry",
            offers.registry and offers.registry.address,
            f"{HOST}({PORT})?",
            "registry.example.org:5000",
        ),
    ]
    for offer, address, pattern, example in addresses:
        if address is not None and not re.fullmatch(pattern, address):
            what = f"must be an address such as {example}, got {shown(address)}"
            yield finding(f"offers.{offer}.address", what=what)
    if storage is not None and storage.path is not None:
        if not re.fullmatch(r"(/[\w.@+-]+)+", storage.path):
            yield finding(
                "offers.storage.path",
                what="must be an absolute path of letters, digits and . _ @ + -, "
                f"got {shown(storage.path)}",
            )
        elif storage.address is None:
            what = "needs offers.storage.address, the server that exports it"
            yield finding("offers.storage.path", "offers.storage.address", what=what)


def _currency(inventory: Inventory) -> Iterator[Finding]:
    currency = inventory.costs.currency
    if not re.fullmatch("[A-Z]{3}", currency):
        what = f"must be three capital letters such as EUR or CHF, got {shown(currency)}"
        yield finding("costs.currency", what=what)


def _years(inventory: Inventory) -> Iterator[Finding]:
    """What is away for all of the year can't be asked how often."""
    for often, long in (
        ("machine_failures", "machine_repair_hours"),
        ("machine_failures", "virtual_restart_hours"),
        ("process_failures", "process_restart_hours"),
        ("site_failures", "site_repair_hours"),
        ("network_failures", "network_repair_hours"),
        ("operator_errors", "operator_error_hours"),
        ("releases", "release_hours"),
        ("reboots", "reboot_hours"),
    ):
        count: Quantity = getattr(inventory.assumptions, often)
        hours: Quantity = getattr(inventory.assumptions, long)
        away = count.high * hours.high
        if away >= YEAR:
            yield finding(
                f"assumptions.{long}",
                f"assumptions.{often}",
                what=f"comes to {away:g} h a year with assumptions.{often} ({count}), and a year "
                f"has {YEAR}, got {hours}",
            )


RULES: tuple[Rule, ...] = (
    _name,
    _machines,
    _hours,
    _load,
    _more_than_nothing,
    _staff,
    _zones,
    _addresses,
    _currency,
    _years,
)
