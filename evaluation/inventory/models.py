"""What a data centre tells of its Stud.IP today, of what it wants, and of what it can offer.

Each number has a unit, a default and the source of that default here; what it means stands in
`evaluation/texts/inventory.yaml`, in both languages, under its key.
"""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from evaluation.quantity import Quantity

OWN = "own figure; no default can know it"


@dataclass(frozen=True, kw_only=True)
class About:
    """What a number is measured in, what it may be, and where its default comes from."""

    unit: str  # as printed: h/year, requests/s, GiB; "" for a plain count or share
    at_least: float
    at_most: float
    source: str  # of the default: a publication, a measurement of this project, or a judgement


def number(
    low: float,
    high: float | None = None,
    *,
    unit: str,
    at_least: float = 0.0,
    at_most: float = 1e9,
    source: str,
) -> Any:
    """A field with a quantity; `low` and `high`: its default."""
    about = About(unit=unit, at_least=at_least, at_most=at_most, source=source)
    return Field(default=Quantity.of(low, high), json_schema_extra={"about": vars(about)})


def optional(*, unit: str, at_least: float = 0.0, at_most: float = 1e9, source: str) -> Any:
    """A field with a quantity that is derived from others, as `source` says, unless it is given."""
    about = About(unit=unit, at_least=at_least, at_most=at_most, source=source)
    return Field(default=None, json_schema_extra={"about": vars(about)})


WHOLE = ("machines", "nodes", "zones", "members")  # units of what there is no half of


class Model(BaseModel):
    """An inventory does not change once it is read; what nobody reads is an error.

    Defaults are constructed: a check of each would make a validator for each, which takes longer
    than reading a file does.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, defer_build=True
    )

    @classmethod
    def about(cls, name: str) -> About | None:
        """What is known of the number `name`; None where the field is none."""
        extra = cls.model_fields[name].json_schema_extra
        return About(**extra["about"]) if isinstance(extra, dict) else None  # type: ignore[arg-type]

    @field_validator("*")
    @classmethod
    def _within_bounds(cls, value: Any, info: ValidationInfo) -> Any:
        about = cls.about(str(info.field_name))
        if about is None or not isinstance(value, Quantity):
            return value
        if value.low < about.at_least or value.high > about.at_most:
            raise PydanticCustomError(
                "bounds",
                "must be from {at_least} to {at_most}",
                {"at_least": f"{about.at_least:.10g}", "at_most": f"{about.at_most:.10g}"},
            )
        if about.unit in WHOLE and not (value.low.is_integer() and value.high.is_integer()):
            raise PydanticCustomError("whole", "must be a whole number, or a range of such")
        return value


class Machine(Model):
    """One machine that the platform runs on today."""

    name: str
    role: Literal["all", "web", "database", "files", "balancer"] = "all"
    virtual: bool = True  # a hypervisor starts it elsewhere when its host dies
    cores: Quantity = number(4, unit="cores", at_least=1, at_most=512, source=OWN)
    memory_gib: Quantity = number(16, unit="GiB", at_least=1, at_most=8192, source=OWN)


class Load(Model):
    """Who uses the platform, and how hard."""

    students: Quantity = number(10_000, unit="persons", at_least=1, at_most=1e6, source=OWN)
    daily_accesses: Quantity = number(8_000, unit="accesses/day", at_most=1e8, source=OWN)
    requests_per_access: Quantity = number(
        20, 60, unit="requests", at_least=1, at_most=10_000, source="judgement"
    )
    peak_hour_share: Quantity = number(0.09, 0.14, unit="", at_most=1, source="judgement")
    peak_factor: Quantity = number(1.5, 2.5, unit="", at_least=1, at_most=50, source="judgement")
    semester_start_factor: Quantity = number(
        1.5, 2.5, unit="", at_least=1, at_most=50, source="judgement"
    )
    growth: Quantity = number(
        0.0, 0.05, unit="1/year", at_least=-0.5, at_most=2, source="judgement"
    )
    peak_requests_per_second: Quantity | None = optional(
        unit="requests/s", at_most=1e6, source="accesses, requests, share and factor of the peak"
    )
    service_time_ms: Quantity = number(
        60, 200, unit="ms", at_least=0.1, at_most=60_000, source="judgement; better: measure"
    )
    service_time_cv: Quantity = number(
        0.8, 1.6, unit="", at_most=20, source="judgement; better: measure"
    )
    database_share: Quantity = number(0.2, 0.5, unit="", at_most=1, source="judgement")
    cpu_share: Quantity = number(
        0.7,
        0.95,
        unit="",
        at_least=0.02,
        at_most=1,
        source="judgement: web server and database of dynamic sites are bound by their CPU (Amza "
        "et al., Specification and implementation of dynamic web site benchmarks, 2002); the rest "
        "waits for disks, locks and the network",
    )
    workers_per_core: Quantity = number(
        4,
        unit="",
        at_least=0.02,
        at_most=64,
        source="judgement: this project's images start 16 PHP processes, which suit 4 cores",
    )
    sessions: Quantity | None = optional(
        unit="sessions", at_most=1e7, source="accesses of the peak hour"
    )
    hours: tuple[Quantity, ...] | None = None  # accesses of 24 hours of a day, measured


class Data(Model):
    """What is kept, and how it grows."""

    database_gib: Quantity = number(10, unit="GiB", at_most=1e5, source=OWN)
    database_growth_gib: Quantity = number(1, 3, unit="GiB/year", at_most=1e5, source="judgement")
    files_gib: Quantity = number(500, unit="GiB", at_most=1e6, source=OWN)
    files_growth_gib: Quantity = number(50, 150, unit="GiB/year", at_most=1e6, source="judgement")


class Wanted(Model):
    """What the platform must keep."""

    availability_percent: Quantity = number(
        99.5, unit="%", at_least=50, at_most=99.9999, source="judgement"
    )
    rpo_minutes: Quantity = number(60, unit="min", at_most=1e6, source="judgement")
    rto_hours: Quantity = number(8, unit="h", at_most=1e4, source="judgement")
    p95_ms: Quantity = number(1_000, unit="ms", at_least=1, at_most=1e6, source="judgement")
    maintenance_hours_per_month: Quantity = number(
        4, unit="h/month", at_most=720, source="judgement"
    )
    worth_per_student: Quantity = number(
        0.5,
        2,
        unit="EUR/year",
        at_most=1e5,
        source="judgement: about a tenth of what a platform costs",
    )


Level = Literal["none", "basic", "solid"]


class Skills(Model):
    """What somebody who works for the platform can already do."""

    linux: Level = "solid"
    docker: Level = "basic"
    kubernetes: Level = "none"
    database_cluster: Level = "none"
    distributed_storage: Level = "none"
    pulumi: Level = "none"


class Staff(Model):
    """Who runs the platform."""

    people: Quantity = number(2, unit="persons", at_most=1_000, source=OWN)
    hours_per_week: Quantity = number(8, unit="h/week", at_most=10_000, source=OWN)
    on_call: bool = False
    reaction_hours: Quantity = number(
        0.5,
        2,
        unit="h",
        at_most=200,
        source="judgement: monitoring or a user calls, and somebody has the time",
    )
    reaction_hours_off_time: Quantity = number(
        8,
        20,
        unit="h",
        at_most=400,
        source="arithmetic: who first looks on the next working day comes after 20 h in the "
        "mean; somebody often notices earlier",
    )
    skills: Skills = Skills.model_construct()


class Costs(Model):
    """What things cost; in one currency, taxes included."""

    currency: str = "EUR"
    staff_per_hour: Quantity = number(
        54,
        86,
        unit="EUR/h",
        at_most=1e4,
        source="Allgemeine Gebührenverordnung (AGebV), annex 1, part A: from 53.60 (gehobener "
        "Dienst without overhead) to 86.01 (höherer Dienst with it)",
    )
    core_per_year: Quantity = number(
        20,
        60,
        unit="EUR/year",
        at_most=1e5,
        source="University of Vienna, costs for virtual server housing: 20 EUR; University of "
        "Münster, IVV Naturwissenschaften, server hosting (2021): 42 EUR; the upper end "
        "is judgement",
    )
    memory_gib_per_year: Quantity = number(
        20,
        50,
        unit="EUR/year",
        at_most=1e4,
        source="price lists of the universities of Vienna (20 EUR) and Münster (50 EUR), as for "
        "cores",
    )
    storage_gib_per_year: Quantity = number(
        0.15,
        0.83,
        unit="EUR/year",
        at_most=1e3,
        source="price lists of the universities of Vienna (0.15 EUR for data, 0.50 for systems) "
        "and Münster (0.83 EUR), as for cores",
    )
    outage_per_hour: Quantity | None = optional(
        unit="EUR/h", at_most=1e7, source="students who would have used that hour, and their time"
    )
    training_per_skill: Quantity = number(
        1_500,
        4_000,
        unit="EUR",
        at_most=1e6,
        source="judgement: a course of three to five days, with travel",
    )


class Machines(Model):
    """Machines that the data centre would give us."""

    count: Quantity = number(3, unit="machines", at_most=10_000, source=OWN)
    cores: Quantity = number(8, unit="cores", at_least=1, at_most=512, source=OWN)
    memory_gib: Quantity = number(32, unit="GiB", at_least=1, at_most=8192, source=OWN)
    zones: Quantity = number(1, unit="zones", at_least=1, at_most=100, source=OWN)
    virtual: bool = True  # a hypervisor starts them elsewhere when their host dies


class Cluster(Model):
    """A Swarm or a Kubernetes that others run for us."""

    nodes: Quantity = number(3, unit="nodes", at_least=1, at_most=10_000, source=OWN)
    zones: Quantity = number(1, unit="zones", at_least=1, at_most=100, source=OWN)
    cores: Quantity = number(16, unit="cores", at_least=0.1, at_most=1e5, source=OWN)
    memory_gib: Quantity = number(64, unit="GiB", at_least=0.1, at_most=1e6, source=OWN)
    availability_percent: Quantity = number(
        99.9, unit="%", at_least=50, at_most=99.9999, source="judgement"
    )
    price_per_year: Quantity = number(0, unit="EUR/year", at_most=1e8, source=OWN)


class LoadBalancer(Model):
    """An address with a load balancer behind it that others run for us."""

    tls: bool = True
    availability_percent: Quantity = number(
        99.95, unit="%", at_least=50, at_most=99.9999, source="judgement"
    )
    price_per_year: Quantity = number(0, unit="EUR/year", at_most=1e8, source=OWN)


class Database(Model):
    """A database that others run for us."""

    engine: Literal["mariadb", "mysql", "other"] = "mariadb"
    members: Quantity = number(1, unit="members", at_least=1, at_most=99, source=OWN)
    cores: Quantity = number(
        4,
        8,
        unit="cores",
        at_least=0.1,
        at_most=512,
        source="judgement: offers seldom name them; ask",
    )
    size_gib: Quantity = number(100, unit="GiB", at_most=1e6, source=OWN)
    availability_percent: Quantity = number(
        99.9, unit="%", at_least=50, at_most=99.9999, source="judgement"
    )
    rpo_minutes: Quantity = number(5, unit="min", at_most=1e6, source="judgement")
    price_per_year: Quantity = number(0, unit="EUR/year", at_most=1e8, source=OWN)
    address: str | None = None  # host:port, where it is known already


class Storage(Model):
    """A file system that others run for us."""

    kind: Literal["nfs", "cephfs", "glusterfs", "other"] = "nfs"
    shared: bool = True  # several nodes may write (RWX)
    size_gib: Quantity = number(2_000, unit="GiB", at_most=1e7, source=OWN)
    throughput_mib: Quantity = number(100, unit="MiB/s", at_most=1e6, source="judgement")
    availability_percent: Quantity = number(
        99.9, unit="%", at_least=50, at_most=99.9999, source="judgement"
    )
    price_gib_per_year: Quantity = number(0, unit="EUR/year", at_most=1e3, source=OWN)
    address: str | None = None  # server, where it is known already
    path: str | None = None  # its export


class Service(Model):
    """A registry, or a GitLab with runners, that others run for us."""

    availability_percent: Quantity = number(
        99.5, unit="%", at_least=50, at_most=99.9999, source="judgement"
    )
    price_per_year: Quantity = number(0, unit="EUR/year", at_most=1e8, source=OWN)
    address: str | None = None


class Backup(Model):
    """Copies that others keep for us."""

    interval_hours: Quantity = number(24, unit="h", at_least=0.01, at_most=8760, source="judgement")
    restore_gib_per_hour: Quantity = number(
        50, 200, unit="GiB/h", at_least=0.1, at_most=1e6, source="judgement"
    )
    price_per_year: Quantity = number(0, unit="EUR/year", at_most=1e8, source=OWN)


class Network(Model):
    """What lies between the machines."""

    shared_layer_2: bool = True  # a moving address (VRRP) needs it
    gbit: Quantity = number(1, 10, unit="Gbit/s", at_least=0.01, at_most=1000, source="judgement")


class Offers(Model):
    """What the data centre has on offer; what is not named is not offered."""

    machines: Machines | None = None
    swarm: Cluster | None = None
    kubernetes: Cluster | None = None
    load_balancer: LoadBalancer | None = None
    database: Database | None = None
    storage: Storage | None = None
    registry: Service | None = None
    backup: Backup | None = None
    gitlab: Service | None = None
    network: Network = Network.model_construct()


class Assumptions(Model):
    """How often things fail and how long they stay so; the same for all candidates."""

    machine_failures: Quantity = number(
        0.3,
        1.0,
        unit="1/year",
        at_most=1e3,
        source="Dean, Designs, Lessons and Advice from Building Large Distributed Systems (LADIS "
        "2009): some 1,000 failures a year of 1,800 machines; half and twice of that",
    )
    machine_repair_hours: Quantity = number(
        4,
        24,
        unit="h",
        at_most=1e4,
        source="Schroeder & Gibson, A large-scale study of failures in high-performance "
        "computing systems (DSN 2006): means from an hour to a day; a vendor's part comes "
        "on the next working day",
    )
    virtual_restart_hours: Quantity = number(
        0.1,
        0.5,
        unit="h",
        at_most=1e3,
        source="judgement: two minutes until the loss of a host is noticed (Proxmox VE "
        "Administration Guide, High Availability), then the start of system and database",
    )
    process_failures: Quantity = number(
        2,
        12,
        unit="1/year",
        at_most=1e4,
        source="judgement: a service of a busy PHP site dies every one to six months, mostly for "
        "want of memory",
    )
    process_restart_hours: Quantity = number(
        0.01,
        0.05,
        unit="h",
        at_most=1e3,
        source="judgement: half a minute to three, with the recovery of a database; members of "
        "this project's database are back after 6 s",
    )
    hang_share: Quantity = number(
        0.02,
        0.1,
        unit="",
        at_most=1,
        source="judgement: most services die when they fail, and are restarted; few go on "
        "without answering",
    )
    hangs_noticed: Quantity = number(
        0.6,
        0.95,
        unit="",
        at_most=1,
        source="judgement: a health check that asks the database sees most of what users see, but "
        "neither slow answers nor one broken page",
    )
    common_cause_share: Quantity = number(
        0.02,
        0.1,
        unit="",
        at_most=1,
        source="beta factor: IEC 61508-6:2010, annex D, has 0.5 to 10 %; what shares hypervisor, "
        "storage and updates belongs into the upper part",
    )
    site_failures: Quantity = number(
        0.1,
        0.5,
        unit="1/year",
        at_most=1e3,
        source="Uptime Institute, Annual outage analysis 2025: 53 % of operators (2024) to 78 % "
        "(2020) had an outage in three years, that is 0.25 to 0.5 a year; about half of the "
        "grave ones were power",
    )
    site_repair_hours: Quantity = number(
        1,
        6,
        unit="h",
        at_most=1e4,
        source="Dean (LADIS 2009): 6 h until all is back after a power distribution failed; the "
        "lower end is judgement",
    )
    network_failures: Quantity = number(
        0.5,
        2.0,
        unit="1/year",
        at_most=1e3,
        source="judgement: one of some ten maintenances and router failures a year (Dean, LADIS "
        "2009) takes a site away",
    )
    network_repair_hours: Quantity = number(
        0.3,
        2,
        unit="h",
        at_most=1e4,
        source="Dean (LADIS 2009): half an hour to an hour an event; the upper end is judgement",
    )
    operator_errors: Quantity = number(
        0.5,
        2.0,
        unit="1/year",
        at_most=1e3,
        source="judgement for the rate; that operators cause more outages than machines: "
        "Oppenheimer, Ganapathi & Patterson, Why do Internet services fail? (USITS 2003)",
    )
    operator_error_hours: Quantity = number(
        0.5,
        3,
        unit="h",
        at_most=1e4,
        source="judgement: somebody is there when it happens, and has to find it and take it back",
    )
    cluster_error_factor: Quantity = number(
        1.0,
        2.0,
        unit="",
        at_least=0.1,
        at_most=50,
        source="judgement: no study gives it for small teams; the tornado shows what hangs on it",
    )
    releases: Quantity = number(
        4,
        12,
        unit="1/year",
        at_most=1e4,
        source="judgement: two versions a year, each with some corrections",
    )
    release_hours: Quantity = number(
        0.25,
        1.5,
        unit="h",
        at_most=1e3,
        source="judgement: copy, exchange of the code, migration of the database, a look at it",
    )
    release_failure_share: Quantity = number(
        0.05,
        0.2,
        unit="",
        at_most=1,
        source="DORA, Accelerate State of DevOps Report 2024: 5 % of changes fail in the best "
        "group, 10 and 20 % in the next ones",
    )
    reboots: Quantity = number(
        6,
        12,
        unit="1/year",
        at_most=1e4,
        source="judgement: security updates of the kernel come nearly every month (Debian "
        "Security Advisories), and some are put together",
    )
    reboot_hours: Quantity = number(
        0.1,
        0.4,
        unit="h",
        at_most=1e3,
        source="judgement: shutdown, start of system and database, a look at it",
    )
    data_losses: Quantity = number(
        0.01,
        0.05,
        unit="1/year",
        at_most=1e3,
        source="judgement: once in 20 to 100 years beyond what RAID repairs; 2 to 4 % of disks "
        "are replaced a year (Schroeder & Gibson, Disk failures in the real world, FAST "
        "2007)",
    )
    promise_used: Quantity = number(
        0.1,
        0.5,
        unit="",
        at_most=1,
        source="judgement for the size; that who promises keeps a margin: Beyer et al., Site "
        "Reliability Engineering (2016), chapter 4",
    )
    offered_outage_hours: Quantity = number(
        0.5,
        4,
        unit="h",
        at_least=0.001,
        at_most=1e4,
        source="judgement; public services stay away for hours too (Gunawi et al., Why does the "
        "cloud stop computing?, SoCC 2016)",
    )
    effort_factor: Quantity = number(
        0.67,
        1.5,
        unit="",
        at_least=0.01,
        at_most=100,
        source="McConnell, Software Estimation (2006), chapter 4: the cone of uncertainty once "
        "the requirements are known",
    )


class Inventory(Model):
    """A site, as its data centre describes it."""

    name: str = "my site"
    machines: tuple[Machine, ...] = (Machine.model_construct(name="studip"),)
    load: Load = Load.model_construct()
    data: Data = Data.model_construct()
    wanted: Wanted = Wanted.model_construct()
    staff: Staff = Staff.model_construct()
    costs: Costs = Costs.model_construct()
    offers: Offers = Offers.model_construct()
    assumptions: Assumptions = Assumptions.model_construct()
