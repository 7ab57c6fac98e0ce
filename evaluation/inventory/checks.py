"""What one number of an inventory demands of another: combinations that can't be, explained."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from evaluation.inventory.models import Inventory
from evaluation.quantity import Quantity
from evaluation.results import Message
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
    message: Message


Rule = Callable[[Inventory], Iterator[Finding]]


def check(inventory: Inventory, document: Any) -> Iterator[Finding]:
    """All that is wrong between numbers, and with offers of which nothing is said."""
    for rule in RULES:
        yield from rule(inventory)
    offers = document.get("offers")
    if isinstance(offers, dict):
        for name, value in offers.items():
            if value is None and name in type(inventory.offers).model_fields:
                yield finding(f"offers.{name}", says="empty_offer")


def location(key: str) -> Location:
    """`machines[1].name` as the keys and indices that lead there."""
    return tuple(int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", key))


def finding(*keys: str, says: str, got: object = None, **values: str | float) -> Finding:
    """What is wrong at the first key, in the words of `inventory.wrong.<says>`."""
    shown_value = {} if got is None else {"got": got if isinstance(got, str) else str(got)}
    return Finding(
        keys=keys, message=Message(key=f"inventory.wrong.{says}", values=values | shown_value)
    )


def _name(inventory: Inventory) -> Iterator[Finding]:
    name = inventory.name
    if not name.strip() or len(name) > LONGEST_NAME:
        yield finding("name", says="length", most=LONGEST_NAME, got=shown(name))


def _machines(inventory: Inventory) -> Iterator[Finding]:
    machines = inventory.machines
    if not machines:
        yield finding("machines", says="no_machine")
        return
    seen: set[str] = set()
    for index, machine in enumerate(machines):
        if machine.name in seen:
            yield finding(f"machines[{index}].name", says="twice", got=shown(machine.name))
        seen.add(machine.name)
    roles = list(dict.fromkeys(machine.role for machine in machines))
    if "all" not in roles and not {"web", "database"} <= set(roles):
        yield finding("machines", says="roles", got=", ".join(roles))


def _hours(inventory: Inventory) -> Iterator[Finding]:
    load = inventory.load
    if load.hours is None:
        return
    for index, hour in enumerate(load.hours):
        if hour.low < 0:
            yield finding(f"load.hours[{index}]", says="negative", got=hour)
            return
    if len(load.hours) != 24:
        yield finding("load.hours", says="hours", got=len(load.hours))
        return
    if sum(hour.low for hour in load.hours) == 0:
        yield finding("load.hours", says="nobody_came")
        return
    middles = [float(hour.value[0]) for hour in load.hours]
    busiest = max(middles) / sum(middles)
    share = load.peak_hour_share
    if "peak_hour_share" in load.model_fields_set and not share.low <= busiest <= share.high:
        yield finding(
            "load.peak_hour_share", "load.hours", says="busiest", share=busiest, got=share
        )


def _load(inventory: Inventory) -> Iterator[Finding]:
    load = inventory.load
    peak, accesses = load.peak_requests_per_second, load.daily_accesses
    if accesses.low <= 0 and peak is None:
        yield finding(
            "load.daily_accesses", "load.peak_requests_per_second", says="no_load", got=accesses
        )
    if peak is not None and peak.low <= 0:
        yield finding("load.peak_requests_per_second", says="nothing", got=peak)
    elif peak is not None:
        mean = accesses.low * load.requests_per_access.low / DAY
        if peak.high < mean:
            yield finding(
                "load.peak_requests_per_second",
                "load.daily_accesses",
                "load.requests_per_access",
                says="below_mean",
                mean=mean,
                got=peak,
            )
    if load.peak_hour_share.low < 1 / 24:
        yield finding("load.peak_hour_share", says="flat", got=load.peak_hour_share)
    if accesses.low > VISITS * load.students.high:
        yield finding(
            "load.daily_accesses",
            "load.students",
            says="visits",
            most=VISITS,
            students=str(load.students),
            got=accesses,
        )
    share = load.database_share
    if share.low <= 0 or share.high >= 1:
        yield finding("load.database_share", says="share", got=share)


def _more_than_nothing(inventory: Inventory) -> Iterator[Finding]:
    offers = inventory.offers
    numbers: list[tuple[str, Quantity, str]] = [
        ("data.database_gib", inventory.data.database_gib, "no_database"),
        ("wanted.rto_hours", inventory.wanted.rto_hours, "no_time"),
        ("staff.people", inventory.staff.people, "no_people"),
    ]
    if offers.machines is not None:
        numbers.append(("offers.machines.count", offers.machines.count, "no_offer"))
    if offers.database is not None:
        numbers.append(("offers.database.size_gib", offers.database.size_gib, "no_offer"))
    if offers.storage is not None:
        numbers.append(("offers.storage.size_gib", offers.storage.size_gib, "no_offer"))
        numbers.append(("offers.storage.throughput_mib", offers.storage.throughput_mib, "no_offer"))
    for key, quantity, says in numbers:
        if quantity.low <= 0:
            named = {"offer": key.rpartition(".")[0]} if says == "no_offer" else {}
            yield finding(key, says=says, got=quantity, **named)


def _staff(inventory: Inventory) -> Iterator[Finding]:
    staff = inventory.staff
    most = WEEK * staff.people.high
    if 0 < most < staff.hours_per_week.low:
        yield finding(
            "staff.hours_per_week",
            "staff.people",
            says="week",
            most=most,
            each=WEEK,
            people=str(staff.people),
            got=staff.hours_per_week,
        )
    if staff.reaction_hours_off_time.high < staff.reaction_hours.low:
        yield finding(
            "staff.reaction_hours_off_time",
            "staff.reaction_hours",
            says="faster_at_night",
            day=str(staff.reaction_hours),
            got=staff.reaction_hours_off_time,
        )


def _zones(inventory: Inventory) -> Iterator[Finding]:
    offers = inventory.offers
    spread: list[tuple[str, str, Quantity, Quantity]] = []
    for name, cluster in (("swarm", offers.swarm), ("kubernetes", offers.kubernetes)):
        if cluster is not None:
            spread.append((name, "nodes", cluster.zones, cluster.nodes))
    if offers.machines is not None:
        spread.append(("machines", "count", offers.machines.zones, offers.machines.count))
    for offer, counted, zones, machines in spread:
        if 0 < machines.high < zones.low:
            there = f"offers.{offer}.{counted}"
            yield finding(
                f"offers.{offer}.zones",
                there,
                says="zones",
                key=there,
                there=str(machines),
                got=zones,
            )


def _addresses(inventory: Inventory) -> Iterator[Finding]:
    offers = inventory.offers
    database, storage, registry = offers.database, offers.storage, offers.registry
    addresses: list[tuple[str, str | None, str, str]] = []
    if database is not None:
        addresses.append(("database", database.address, HOST + PORT, "db.example.org:3306"))
    if storage is not None:
        addresses.append(("storage", storage.address, HOST, "files.example.org"))
    if registry is not None:
        pattern = f"{HOST}({PORT})?"
        addresses.append(("registry", registry.address, pattern, "registry.example.org:5000"))
    for offer, address, pattern, example in addresses:
        if address is not None and not re.fullmatch(pattern, address):
            yield finding(
                f"offers.{offer}.address", says="address", example=example, got=shown(address)
            )
    if storage is not None and storage.path is not None:
        if not re.fullmatch(r"(/[\w.@+-]+)+", storage.path):
            yield finding("offers.storage.path", says="path", got=shown(storage.path))
        elif storage.address is None:
            yield finding("offers.storage.path", "offers.storage.address", says="no_server")


def _currency(inventory: Inventory) -> Iterator[Finding]:
    currency = inventory.costs.currency
    if not re.fullmatch("[A-Z]{3}", currency):
        yield finding("costs.currency", says="currency", got=shown(currency))


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
                says="year",
                away=away,
                key=f"assumptions.{often}",
                count=str(count),
                year=YEAR,
                got=hours,
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
