"""Wrong inventories and exactly what is said about them; what right ones become; the schema."""

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import jsonschema
import pytest
import yaml

from evaluation.inventory.errors import InventoryError
from evaluation.inventory.fields import keys, meaning, unit
from evaluation.inventory.file import load
from evaluation.inventory.models import Inventory
from evaluation.inventory.schema import SCHEMA, schema
from evaluation.quantity import Quantity
from evaluation.texts import LANGUAGES

SAMPLES = sorted((Path(__file__).parents[2] / "evaluation" / "samples").glob("*.yaml"))
TWENTY_THREE = ", ".join(["1"] * 23)
HOURS = f"hours: [{', '.join(['10'] * 23)}, 20]"  # 250 in all, 0.08 of them in the last hour

# The text of a file, and all that is said about it, without the file's name.
WRONG: dict[str, tuple[str, list[str]]] = {
    "a list": ("- load", ["must have keys such as load and offers"]),
    "a text": ("nothing", ["must have keys such as load and offers"]),
    "no YAML": (
        "load: {students: 5\n",
        ["2: expected ',' or '}', but got '<stream end>'"],
    ),
    "a tabulator": (
        "load:\n\tstudents: 5",
        ["2: found character '\\t' that cannot start any token"],
    ),
    "a key given twice": (
        "load:\n  students: 5\n  students: 6",
        ["3: the key students is given twice"],
    ),
    "an unknown section": ("lod: {}", ['1: lod: unknown key, did you mean "load"?']),
    "an unknown key": (
        "load:\n  peak_faktor: 4",
        ['2: load.peak_faktor: unknown key, did you mean "peak_factor"?'],
    ),
    "an unknown key like no other": (
        "offers:\n  network: {xyz: 1}",
        ["2: offers.network.xyz: unknown key; known: gbit, shared_layer_2"],
    ),
    "an unknown key in a list": (
        "machines:\n  - name: a\n    core: 4",
        ['3: machines[0].core: unknown key, did you mean "cores"?'],
    ),
    "a number for a section": ("load: 5", ["1: load: must be an object, got 5"]),
    "a section without keys": ("load:", ["1: load: must be an object, got nothing"]),
    "a section for a number": (
        "load:\n  students: {low: 1}",
        [
            "2: load.students: must be a number, or a range such as 40..80, got an object",
        ],
    ),
    "a text for a number": (
        "load:\n  students: many",
        ["2: load.students: must be a number, or a range such as 40..80, got many"],
    ),
    "a truth for a number": (
        "load:\n  students: true",
        ["2: load.students: must be a number, or a range such as 40..80, got true"],
    ),
    "nothing for a number": (
        "load:\n  students:",
        ["2: load.students: must be a number, or a range such as 40..80, got nothing"],
    ),
    "no number": (
        "load: {growth: .nan}",
        ["1: load.growth: must be a number, or a range such as 40..80, got nan"],
    ),
    "an endless number": (
        "load: {growth: .inf}",
        ["1: load.growth: must be a number, or a range such as 40..80, got inf"],
    ),
    "an endless range": (
        "load: {growth: 0..inf}",
        ["1: load.growth: must be a number, or a range such as 40..80, got 0..inf"],
    ),
    "a range of words": (
        "load: {students: few..many}",
        ["1: load.students: must be a number, or a range such as 40..80, got few..many"],
    ),
    "a range with a dash": (
        "load: {students: 40-80}",
        ["1: load.students: must be a number, or a range such as 40..80, got 40-80"],
    ),
    "a range the wrong way round": (
        "load: {peak_factor: 3..2}",
        ["1: load.peak_factor: must begin with the smaller number, got 3..2"],
    ),
    "a number beyond its bounds": (
        "load:\n  peak_factor: 0.5",
        ["2: load.peak_factor: must be from 1 to 50, got 0.5"],
    ),
    "a range across a bound": (
        "wanted: {availability_percent: 99..100}",
        ["1: wanted.availability_percent: must be from 50 to 99.9999, got 99..100"],
    ),
    "half a machine": (
        "offers: {machines: {count: 2.5}}",
        [
            "1: offers.machines.count: must be a whole number, or a range of such, got 2.5",
        ],
    ),
    "an unknown choice": (
        "staff: {skills: {docker: good}}",
        ["1: staff.skills.docker: must be one of none, basic, solid, got good"],
    ),
    "neither yes nor no": (
        "staff: {on_call: sometimes}",
        ["1: staff.on_call: must be true or false, got sometimes"],
    ),
    "a number for a text": ("name: 5", ["1: name: must be a text, got 5"]),
    "no name": ("name: ''", ["1: name: must have 1 to 100 characters, got ''"]),
    "a machine without a name": (
        "machines:\n  - cores: 4",
        ["2: machines[0].name: is missing"],
    ),
    "no machine": (
        "machines: []",
        ["1: machines: must name at least one machine, got none"],
    ),
    "one machine twice": (
        "machines: [{name: a}, {name: a}]",
        ["1: machines[1].name: must be given once, got a"],
    ),
    "machines without a database": (
        "machines: [{name: a, role: web}, {name: b, role: files}]",
        ["1: machines: must have the role all, or both web and database, got web, files"],
    ),
    "a day of 23 hours": (
        f"load: {{hours: [{TWENTY_THREE}]}}",
        [
            "1: load.hours: must have 24 entries, the first one from midnight to one, got 23",
        ],
    ),
    "a day on which nobody came": (
        f"load: {{hours: [{', '.join(['0'] * 24)}]}}",
        ["1: load.hours: must have accesses in one hour at least, got 0 in all"],
    ),
    "an hour with less than nobody": (
        "load:\n  hours:\n    - 5\n    - -1",
        ["4: load.hours[1]: must be at least 0, got -1"],
    ),
    "a busiest hour that the measured day does not have": (
        f"load:\n  {HOURS}\n  peak_hour_share: 0.2",
        [
            "3: load.peak_hour_share: contradicts load.hours, whose busiest hour has 0.08 "
            "of the day: leave it out, got 0.2",
        ],
    ),
    "a busiest hour below the mean": (
        "load: {peak_hour_share: 0.01..0.1}",
        [
            "1: load.peak_hour_share: must be at least 0.0417, as the busiest of 24 hours "
            "has no less than the mean one, got 0.01..0.1",
        ],
    ),
    "no load": (
        "load: {daily_accesses: 0}",
        [
            "1: load.daily_accesses: must be more than 0 where "
            "load.peak_requests_per_second is not given, got 0",
        ],
    ),
    "a peak of nothing": (
        "load: {peak_requests_per_second: 0}",
        ["1: load.peak_requests_per_second: must be more than 0, got 0"],
    ),
    "a peak below the mean": (
        "load: {daily_accesses: 86400, requests_per_access: 10, peak_requests_per_second: 5}",
        [
            "1: load.peak_requests_per_second: is less than the mean of a day, "
            "10 requests/s by daily_accesses and requests_per_access, got 5",
        ],
    ),
    "requests taken for visits": (
        "load:\n  students: 1000\n  daily_accesses: 200000",
        [
            "3: load.daily_accesses: is more than 100 a day for each of 1000 students: an "
            "access is a visit, not a request, got 200000",
        ],
    ),
    "a database that does everything": (
        "load: {database_share: 1}",
        ["1: load.database_share: must be more than 0 and less than 1, got 1"],
    ),
    "an empty database": (
        "data: {database_gib: 0}",
        ["1: data.database_gib: must be more than 0 (no database is empty), got 0"],
    ),
    "a repair that takes no time": (
        "wanted: {rto_hours: 0}",
        ["1: wanted.rto_hours: must be more than 0 (no repair takes no time), got 0"],
    ),
    "nobody who runs it": (
        "staff: {people: 0, hours_per_week: 0}",
        ["1: staff.people: must be more than 0 (somebody runs the platform), got 0"],
    ),
    "a week of 200 hours": (
        "staff:\n  people: 2\n  hours_per_week: 400",
        [
            "3: staff.hours_per_week: must be at most 120, 60 h for each of 2 persons, got 400",
        ],
    ),
    "nights in which one is faster than by day": (
        "staff: {reaction_hours: 2, reaction_hours_off_time: 0.5..1}",
        [
            "1: staff.reaction_hours_off_time: must not be shorter than "
            "staff.reaction_hours (2), got 0.5..1",
        ],
    ),
    "an offer of which nothing is said": (
        "offers:\n  database:\n",
        [
            "2: offers.database: must not be empty: write {} for an offer with all "
            "defaults, or leave the key out where it is not offered",
        ],
    ),
    "an offer of no machine": (
        "offers: {machines: {count: 0}}",
        [
            "1: offers.machines.count: must be more than 0 (leave offers.machines out "
            "where it is not offered), got 0",
        ],
    ),
    "shared storage without room": (
        "offers: {storage: {kind: nfs, shared: true, size_gib: 0}}",
        [
            "1: offers.storage.size_gib: must be more than 0 (leave offers.storage out "
            "where it is not offered), got 0",
        ],
    ),
    "more zones than machines": (
        "offers: {machines: {count: 3, zones: 5}}",
        [
            "1: offers.machines.zones: must be at most offers.machines.count (3), as a "
            "zone without any is none, got 5",
        ],
    ),
    "more zones than nodes": (
        "offers: {kubernetes: {nodes: 2..3, zones: 4}}",
        [
            "1: offers.kubernetes.zones: must be at most offers.kubernetes.nodes (2..3), "
            "as a zone without any is none, got 4",
        ],
    ),
    "a database without a port": (
        "offers: {database: {address: db.example.org}}",
        [
            "1: offers.database.address: must be an address such as db.example.org:3306, "
            "got db.example.org",
        ],
    ),
    "an address of the web": (
        "offers: {registry: {address: 'https://registry.example.org'}}",
        [
            "1: offers.registry.address: must be an address such as "
            "registry.example.org:5000, got https://registry.example.org",
        ],
    ),
    "a path that is none": (
        "offers: {storage: {address: files.example.org, path: export}}",
        [
            "1: offers.storage.path: must be an absolute path of letters, digits and "
            ". _ @ + -, got export",
        ],
    ),
    "a path without a server": (
        "offers: {storage: {path: /export}}",
        [
            "1: offers.storage.path: needs offers.storage.address, the server that exports it",
        ],
    ),
    "a currency by its name": (
        "costs: {currency: Euro}",
        [
            "1: costs.currency: must be three capital letters such as EUR or CHF, got Euro",
        ],
    ),
    "outages that are longer than the year": (
        "assumptions:\n  site_failures: 50\n  site_repair_hours: 200",
        [
            "3: assumptions.site_repair_hours: comes to 10000 h a year with "
            "assumptions.site_failures (50), and a year has 8766, got 200",
        ],
    ),
    "a login in an address": (
        "offers: {registry: {address: 'http://me:secret@registry.example.org'}}",
        [
            "1: offers.registry.address: must be an address such as "
            "registry.example.org:5000, got http://***@registry.example.org",
        ],
    ),
}


def written(folder: Path, text: str) -> Path:
    """An inventory with this text."""
    path = folder / "site.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def messages(path: Path) -> list[str]:
    """What is said about a wrong inventory."""
    with pytest.raises(InventoryError) as error:
        load(path)
    return error.value.messages


@pytest.mark.parametrize("what", WRONG)
def test_what_is_said_about(what: str, tmp_path: Path) -> None:
    text, said = WRONG[what]
    found = messages(written(tmp_path, text))
    assert [message.removeprefix("site.yaml:").lstrip() for message in found] == said
    assert all(message.startswith("site.yaml:") for message in found)


def test_all_that_is_wrong_is_said_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    text = """\
        lod: {}
        staff:
          reaction_hours: 5
          reaction_hours_off_time: 1
        load:
          students: many
          peak_factor: 0.5
          database_share: 0
        machines:
          - {name: a, role: web}
        offers:
          storage:
          machines: {count: 0}
    """
    assert messages(written(tmp_path, dedent(text))) == [
        'site.yaml:1: lod: unknown key, did you mean "load"?',
        "site.yaml:4: staff.reaction_hours_off_time: must not be shorter than staff.reaction_hours "
        "(5), got 1",
        "site.yaml:6: load.students: must be a number, or a range such as 40..80, got many",
        "site.yaml:7: load.peak_factor: must be from 1 to 50, got 0.5",
        "site.yaml:8: load.database_share: must be more than 0 and less than 1, got 0",
        "site.yaml:9: machines: must have the role all, or both web and database, got web",
        "site.yaml:12: offers.storage: must not be empty: write {} for an offer with all defaults, "
        "or leave the key out where it is not offered",
        "site.yaml:13: offers.machines.count: must be more than 0 (leave offers.machines out where "
        "it is not offered), got 0",
    ]


def test_nothing_follows_from_a_value_that_is_wrong_in_itself(tmp_path: Path) -> None:
    text = "load:\n  students: few\n  daily_accesses: 5000000\n"
    assert messages(written(tmp_path, text)) == [
        "site.yaml:2: load.students: must be a number, or a range such as 40..80, got few"
    ]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert messages(tmp_path / "none.yaml") == ["none.yaml: No such file or directory"]


def test_what_a_file_does_not_name_has_its_default(tmp_path: Path) -> None:
    assert load(written(tmp_path, "")) == Inventory()
    assert load(written(tmp_path, "name: x")).model_dump(exclude={"name"}) == (
        Inventory().model_dump(exclude={"name"})
    )


def test_numbers_and_ranges_are_read(tmp_path: Path) -> None:
    text = "load: {students: 1e4, growth: -0.1 .. 0.2, peak_factor: 2.5..2.5}"
    read = load(written(tmp_path, text)).load
    assert (read.students.low, read.students.high, read.students.known) == (10_000, 10_000, True)
    assert (read.growth.low, read.growth.high, read.growth.known) == (-0.1, 0.2, False)
    assert read.peak_factor.known
    assert [float(v) for v in read.growth.value] == pytest.approx([0.05])


def test_an_offer_with_all_defaults_is_one(tmp_path: Path) -> None:
    offers = load(written(tmp_path, "offers: {database: {}}")).offers
    assert offers.database is not None
    assert offers.storage is None


def test_every_default_is_within_its_bounds() -> None:
    wrong = [
        key.name
        for key in keys()
        if key.about is not None
        and isinstance(key.default, Quantity)
        and not key.about.at_least <= key.default.low <= key.default.high <= key.about.at_most
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_has_a_meaning(language: str) -> None:
    for key in keys():
        assert meaning(key.name, language)
        if key.about is not None:
            assert "{" not in unit(key.about, language, "CHF")


def test_the_schema_is_as_committed() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema(), "run `make schema`"


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_the_schema_takes_the_samples(sample: Path) -> None:
    jsonschema.validate(yaml.safe_load(sample.read_text(encoding="utf-8")), json.loads(schema()))


@pytest.mark.parametrize(
    "document",
    [
        {"lod": {}},
        {"load": {"students": "many"}},
        {"load": {"peak_factor": 0.5}},
        {"load": {"hours": [1] * 23}},
        {"offers": {"database": {"engine": "postgres"}}},
        {"staff": {"on_call": "sometimes"}},
    ],
)
def test_the_schema_refuses(document: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, json.loads(schema()))
