"""How to get from today's machine to a candidate: steps, durations, time without service, way back.

Hours and days are ranges, as arrays of two: least and most.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from evaluation.candidates import missing, not_deployed
from evaluation.cost import migration_days
from evaluation.draws import one_at_a_time
from evaluation.formulas import formula
from evaluation.inventory.models import Inventory
from evaluation.quantity import FloatArray, Quantity
from evaluation.results import Candidate, Message
from evaluation.texts import number, render, text

HOUR = 3600.0  # s
MIB = 1024.0  # of a GiB
DAY = 24.0  # h
# Least and most. Where no source stands beside them, they are judgements.
MIB_OF_FILE = np.array([1.0, 4.0])  # mean of slides, papers and pictures
FILES_WRITTEN = {"glusterfs": np.array([30.0, 200.0]), "cephfs": np.array([50.0, 400.0])}  # 1/s
FILES_WRITTEN_PLAINLY = np.array([200.0, 2000.0])
FILES_LOOKED_AT = np.array([1000.0, 10_000.0])  # 1/s
BUSY_DAY = np.array([1.0, 5.0])  # growth of the day before the cut-over, over the mean day's
LINK_SHARE = 0.7  # of the network's rate that one copy reaches
FREEZE = np.array([0.1, 0.25])  # h: page of maintenance, cron worker stopped, last requests
CATCH_UP = np.array([0.05, 0.2])  # h: the replica is asked for its position, and let go
START = np.array([0.15, 0.5])  # h: install and migrate, web replicas, cron worker
CHECKS = np.array([0.5, 1.0])  # h: by people, with a list
TTL = 300.0  # s, set the day before
ADDRESS_MOVES = np.array([0.005, 0.1])  # h: neighbours learn the address' new home
WAITING = {"machines": np.array([5.0, 40.0]), "offers": np.array([5.0, 30.0])}  # working days
PILOT = np.array([10.0, 20.0])  # working days
WATCH = np.array([10.0, 20.0])  # working days
WAY_BACK = np.array([2.0, 12.0])  # h after the cut-over in which it is decided
OF_IMAGE = {"stock": 1 / 3, "image": 2 / 3}  # shares of steps of `migration_days`
OF_CUT_OVER = {"first_copy": 0.25, "cut_over": 0.5, "decommission": 0.25}

WORKING_WEEK = 5.0  # days
COLUMNS = ("step", "who", "work", "takes")

NOTHING = np.zeros(2)


class NothingToMigrateError(Exception):
    """The candidate is what there is."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step; its texts are `plan.step.<key>.title`, `.do` and `.gate`."""

    key: str
    role: str  # who does it: plan.role.<role>
    work: FloatArray  # person days
    takes: FloatArray  # h of the clock for `hours`, else working days
    hours: bool = False
    values: Mapping[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The way to a candidate."""

    site: str
    candidate: Candidate
    notes: tuple[Message, ...]
    steps: tuple[Step, ...]
    evening: tuple[Step, ...]  # what happens while nobody can work
    downtime: FloatArray  # h, by the way that is taken for the database
    replicates: bool  # that way: replication; False: dump and load
    dump_downtime: FloatArray  # h, if the database was dumped


def ends(quantity: Quantity) -> FloatArray:
    """Least and most."""
    return np.array([quantity.low, quantity.high])


@formula("plan.dump")
def dump_hours(database_gib: FloatArray) -> FloatArray:
    """Hours to dump a database and to load it elsewhere: GiB / (8 to 40 GiB/h).

    Source: How to Restore MySQL Logical Backup at Maximum Speed, Percona blog, 22 February 2018
        (16 GB in a little more than two hours with default settings: 8 GB/h); MySQL Shell Dump &
        Load part 2: Benchmarks, MySQL blog, 2020 (parallel tools are several times faster; 40 GiB/h
        is our judgement for a usual machine).
    Limits: linear in the size; one big table loads no faster in parallel. Time it in the rehearsal.
    """
    hours: FloatArray = database_gib / np.array([40.0, 8.0])
    return hours


@formula("plan.first_copy")
def first_copy_hours(
    files_gib: FloatArray, gbit: FloatArray, throughput_mib: float, storage: str
) -> FloatArray:
    """Hours of the first copy of all files, while users work: the slower of two.

    Bytes: GiB / least of 70 % of the network and of the storage. Files: GiB / 1 to 4 MiB a file /
    files a second (200 to 2,000 to a plain file system; as each new file asks all members, 30 to
    200 to GlusterFS and 50 to 400 to CephFS).

    Source: A. Tridgell, P. Mackerras, The rsync algorithm, TR-CS-96-05 (1996), for what is sent;
        rates and size of a file are judgements. GlusterFS: this project's own finding that small
        files are 10 to 30 times slower there.
    Limits: one rsync; several side by side are faster. Time it in the rehearsal.
    """
    link = np.minimum(gbit * 1e9 / 8 / 2**20 * LINK_SHARE, throughput_mib)
    by_bytes = files_gib * MIB / link[::-1] / HOUR
    rate = FILES_WRITTEN.get(storage, FILES_WRITTEN_PLAINLY)
    by_files = files_gib * MIB / MIB_OF_FILE[::-1] / rate[::-1] / HOUR
    slower: FloatArray = np.maximum(by_bytes, by_files)
    return slower


@formula("plan.last_copy")
def last_copy_hours(
    files_gib: FloatArray, growth_gib: FloatArray, gbit: FloatArray, storage: str
) -> FloatArray:
    """Hours of the last copy of what changed since the night before, while nobody works.

    Each file is looked at (1,000 to 10,000 a second), and what one to five mean days bring is sent.

    Source: rsync(1), quick check by size and time; rates are judgements.
    Limits: nothing big was moved or renamed on the last day: rsync would send it anew.
    """
    look: FloatArray = files_gib * MIB / MIB_OF_FILE[::-1] / FILES_LOOKED_AT[::-1] / HOUR
    changed = growth_gib / 365 * BUSY_DAY
    hours: FloatArray = look + first_copy_hours(changed, gbit, np.inf, storage)
    return hours


@formula("plan.address")
def address_hours(candidate: Candidate) -> FloatArray:
    """Hours until users come to the new address.

    A moving address (VRRP) is that of the old machine: seconds, up to some minutes for neighbours
    that keep its old home. Else the name is changed: none to one TTL of 300 s.

    Source: RFC 9568 (VRRP), section 6.4 (gratuitous ARP); RFC 1035, section 3.2.1 (TTL);
        G. C. M. Moura et al., Cache Me If You Can: Effects of DNS Time-to-Live, IMC 2019.
    Limits: a few resolvers keep an answer for longer than they may: the old machine passes on to
        the new address what still comes, so that nobody works on old data.
    """
    return ADDRESS_MOVES if candidate.balancer == "vrrp" else np.array([0.0, TTL / HOUR])


def plan(inventory: Inventory, candidate: Candidate) -> Plan:
    """The steps to a candidate.

    Raises `NothingToMigrateError` for staying.
    """
    if candidate.orchestrator == "none":
        raise NothingToMigrateError(
            f"{candidate.name}: nothing is migrated; name another candidate"
        )
    data, offers = inventory.data, inventory.offers
    database, files, gbit = ends(data.database_gib), ends(data.files_gib), ends(offers.network.gbit)
    throughput = np.inf
    if candidate.storage == "offered" and offers.storage is not None:
        throughput = offers.storage.throughput_mib.low
    first = first_copy_hours(files, gbit, throughput, candidate.storage)
    last = last_copy_hours(files, ends(data.files_growth_gib), gbit, candidate.storage)
    dump = dump_hours(database)

    def away(database_hours: FloatArray) -> FloatArray:
        together = np.maximum(last, database_hours)  # both at once
        hours: FloatArray = FREEZE + together + START + CHECKS + address_hours(candidate)
        return hours

    window = inventory.wanted.maintenance_hours_per_month.low
    replicates = bool(away(dump)[1] > window) and _can_replicate(inventory, candidate)
    chosen = CATCH_UP if replicates else dump
    values: dict[str, str | float] = {
        "name": candidate.name,
        "database": data.database_gib.high,
        "files": data.files_gib.high,
        "window": window,
        "most": float(away(chosen)[1]),
    }
    evening = (
        _evening("freeze", FREEZE),
        _evening("last_copy", last),
        _evening("catch_up" if replicates else "dump", chosen),
        _evening("start", START),
        _evening("checks", CHECKS),
        _evening("address" if candidate.balancer == "vrrp" else "name", address_hours(candidate)),
    )
    return Plan(
        site=inventory.name,
        candidate=candidate,
        notes=tuple(_notes(inventory, candidate, float(away(chosen)[1]), window)),
        steps=tuple(_steps(inventory, candidate, first, away(chosen), values)),
        evening=evening,
        downtime=away(chosen),
        replicates=replicates,
        dump_downtime=away(dump),
    )


def _can_replicate(inventory: Inventory, candidate: Candidate) -> bool:
    """MySQL does not follow a MariaDB, and nobody knows what another engine does."""
    offered = inventory.offers.database
    return candidate.database != "offered" or (offered is not None and offered.engine == "mariadb")


def _evening(key: str, takes: FloatArray) -> Step:
    return Step(key=key, role="operator", work=NOTHING, takes=takes, hours=True)


def _notes(
    inventory: Inventory, candidate: Candidate, most: float, window: float
) -> Iterator[Message]:
    note = not_deployed(candidate)
    if note is not None:
        yield note
    yield from missing(inventory, candidate)
    if most > window:
        yield Message(key="plan.note.window", values={"most": most, "window": window})


def _steps(
    inventory: Inventory,
    candidate: Candidate,
    first: FloatArray,
    away: FloatArray,
    values: Mapping[str, str | float],
) -> Iterator[Step]:
    ranges, _ = one_at_a_time(inventory)
    days = {
        name: np.array([float(np.min(value)), float(np.max(value))])
        for name, value in migration_days(ranges, candidate).items()
    }
    own = not candidate.managed
    offered = "offered" in (candidate.database, candidate.storage, candidate.balancer)
    waiting = np.maximum(
        WAITING["machines"] if own else NOTHING, WAITING["offers"] if offered else NOTHING
    )
    platform = sum((days[part] for part in PLATFORM), NOTHING)

    def step(
        key: str, role: str, work: FloatArray, takes: FloatArray, *, hours: bool = False
    ) -> Step:
        return Step(key=key, role=role, work=work, takes=takes, hours=hours, values=values)

    def alone(work: FloatArray) -> FloatArray:
        """Working days of somebody who has half a day for it."""
        return 2 * work

    stock, image = (share * days["image"] for share in OF_IMAGE.values())
    copy, cut_over, leave = (share * days["cut_over"] for share in OF_CUT_OVER.values())
    yield step("stock", "elearning", stock, alone(stock))
    yield step("order", "centre", days["offers"], np.maximum(waiting, alone(days["offers"])))
    yield step("image", "elearning", image, alone(image))
    yield step("platform", "operator", platform, alone(platform))
    yield step("backup", "operator", days["monitoring"], alone(days["monitoring"]))
    yield step("rehearsal", "operator", days["rehearsal"], PILOT)
    yield step("runbooks", "operator", days["runbooks"], alone(days["runbooks"]))
    yield step("first_copy", "operator", copy, first, hours=True)
    moving = candidate.balancer == "vrrp"
    yield step("ttl_moving" if moving else "ttl", "network", NOTHING, np.array([1.0, 2.0]))
    yield step("cut_over", "operator", cut_over, away, hours=True)
    yield step("way_back", "operator", NOTHING, WAY_BACK, hours=True)
    yield step("watch", "operator", NOTHING, WATCH)
    yield step("decommission", "operator", leave, alone(leave))


PLATFORM = ("settings", "orchestrator", "database", "storage", "balancer")


def show(made: Plan, language: str) -> None:
    """The plan in a terminal."""
    from rich.console import Console
    from rich.markup import escape
    from rich.padding import Padding
    from rich.table import Table

    console = Console(highlight=False)
    console.print(f"[bold]{escape(_title(made, language))}[/bold]")
    for line in _preface(made, language):
        console.print(escape(line))
    overview, evening = Table(), Table()
    for heading in COLUMNS:
        overview.add_column(text(f"plan.column.{heading}", language))
    for cells in _overview(made, language):
        overview.add_row(*(escape(cell) for cell in cells))
    console.print(overview)
    for index, step in enumerate(made.steps, 1):
        title, do, gate = (escape(part) for part in _texts(step, language))
        console.print(f"\n[bold]{index}. {title}[/bold]")
        console.print(Padding(do, (0, 0, 0, 3)))
        before = text("plan.before", language)
        console.print(Padding(f"[bold]{before}:[/bold] {gate}", (0, 0, 0, 3)))
        if step.key == "cut_over":
            for heading in ("step", "takes"):
                evening.add_column(text(f"plan.column.{heading}", language))
            for cells in _evening_rows(made, language):
                evening.add_row(*cells)
            console.print(Padding(evening, (0, 0, 0, 3)))
            console.print(Padding(escape(_downtime(made, language)), (0, 0, 0, 3)))


def as_markdown(made: Plan, language: str) -> str:
    """The plan as a document."""

    def table(headings: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> list[str]:
        names = tuple(text(f"plan.column.{heading}", language) for heading in headings)
        cells = [names, ("---",) * len(headings), *rows]
        return [f"| {' | '.join(row)} |" for row in cells]

    lines = [f"# {_title(made, language)}", "", *_preface(made, language), ""]
    lines += table(COLUMNS, _overview(made, language))
    for index, step in enumerate(made.steps, 1):
        title, do, gate = _texts(step, language)
        before = text("plan.before", language)
        lines += ["", f"## {index}. {title}", do, "", f"**{before}:** {gate}"]
        if step.key == "cut_over":
            lines += ["", *table(("step", "takes"), _evening_rows(made, language))]
            lines += ["", _downtime(made, language)]
    return "\n".join(lines)


def _overview(made: Plan, language: str) -> Iterator[tuple[str, ...]]:
    for index, step in enumerate(made.steps, 1):
        title = _texts(step, language)[0]
        role = text(f"plan.role.{step.role}", language)
        work = _span(_halves(step.work), language) if step.work[1] > 0 else "-"
        yield f"{index}. {title}", role, work, _takes(step, language)


def _evening_rows(made: Plan, language: str) -> Iterator[tuple[str, ...]]:
    for step in made.evening:
        yield text(f"plan.evening.{step.key}", language), _takes(step, language)


def _title(made: Plan, language: str) -> str:
    return text("plan.title", language, site=made.site, candidate=made.candidate.name)


def _preface(made: Plan, language: str) -> list[str]:
    work = sum((step.work for step in made.steps), NOTHING)
    keys = [step.key for step in made.steps]
    before = made.steps[: keys.index("cut_over")]
    days = sum((step.takes / (DAY if step.hours else 1.0) for step in before), NOTHING)
    said = text(
        "plan.total",
        language,
        work=_span(np.round(work), language),
        weeks=_span(np.ceil(days / WORKING_WEEK), language),
        downtime=_duration(made.downtime, language),
    )
    return [said, *(f"! {render(note, language)}" for note in made.notes)]


def _downtime(made: Plan, language: str) -> str:
    return text(
        f"plan.downtime.{'replication' if made.replicates else 'dump'}",
        language,
        downtime=_duration(made.downtime, language),
        dump=_duration(made.dump_downtime, language),
    )


def _texts(step: Step, language: str) -> tuple[str, str, str]:
    title, do, gate = (
        text(f"plan.step.{step.key}.{part}", language, **step.values)
        for part in ("title", "do", "gate")
    )
    return title, do, gate


def _takes(step: Step, language: str) -> str:
    if step.hours:
        return _duration(step.takes, language)
    return f"{_span(_halves(step.takes), language)} {text('plan.unit.days', language)}"


def _duration(hours: FloatArray, language: str) -> str:
    """Hours, or minutes where there are but few of them."""
    if hours[1] < 1:
        return f"{_span(np.ceil(60 * hours), language)} min"
    return f"{_span(_tenths(hours), language)} h"


def _halves(days: FloatArray) -> FloatArray:
    """Days as people plan them."""
    return np.maximum(0.5, np.round(2 * days) / 2)


def _tenths(hours: FloatArray) -> FloatArray:
    """Hours as people read them: 1.5, but 15."""
    return np.where(hours < 10, np.round(hours, 1), np.round(hours))


def _span(span: FloatArray, language: str) -> str:
    """`1 to 3`; one number where both are the same."""
    least, most = (number(float(value), language) for value in span)
    return least if least == most else f"{least} {text('plan.to', language)} {most}"
