"""The report says what was found, in both languages, and each number leads to where it is from."""

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from evaluation.assess import assess
from evaluation.formulas import FORMULAS
from evaluation.inventory.fields import keys
from evaluation.inventory.file import load
from evaluation.inventory.models import Inventory
from evaluation.report import put, tables
from evaluation.report.drawings.cost import break_even
from evaluation.report.evidence import gather
from evaluation.report.figures import FIGURES
from evaluation.report.given import sections
from evaluation.report.numbers import Numbers
from evaluation.report.page import html, sentence
from evaluation.report.sections import Report
from evaluation.report.view import View
from evaluation.results import Assessment
from evaluation.texts import LANGUAGES, has
from tests.evaluation.example import ASSESSMENT, INVENTORY

ROOT = Path(__file__).resolve().parent.parent.parent
SAMPLES = ROOT / "evaluation" / "samples"


def view(language: str = "en", assessment: Assessment = ASSESSMENT) -> View:
    """The example, read in a language."""
    return View(assessment=assessment, inventory=INVENTORY, language=language)


class Links(HTMLParser):
    """Anchors of a page, and where its links lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.levels: list[int] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "a":
            self.targets.append(str(found.get("href")))
        if re.fullmatch(r"h\d", tag):
            self.levels.append(int(tag[1]))


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    """A site whose data centre lacks something."""
    return load(SAMPLES / "large.yaml")


@pytest.fixture(scope="module")
def report(inventory: Inventory) -> Report:
    """The report on it."""
    found = View(assessment=assess(inventory, draws=50), inventory=inventory, language="de")
    return Report.of(found, gather(found))


@pytest.mark.parametrize(
    ("language", "value", "expected"),
    [
        ("en", 1234.5, "1,230"),
        ("de", 1234.5, "1.230"),
        ("en", 0.012345, "0.0123"),
        ("de", 12.345, "12,3"),
        ("en", 9.999, "10"),
        ("en", -0.0001, "\N{MINUS SIGN}0.0001"),
        ("en", 0.0, "0"),
        ("en", 100.0, "100"),
        ("en", float("inf"), "overloaded"),
        ("de", float("inf"), "überlastet"),
    ],
)
def test_numbers_have_three_digits_as_the_language_writes_them(
    language: str, value: float, expected: str
) -> None:
    assert Numbers(language).rounded(value) == expected


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.995, "99.500 %"), (0.99953, "99.953 %"), (0.999951, "99.9951 %"), (1.0, "100.000 %")],
)
def test_an_availability_shows_at_least_two_digits_of_what_is_missing(
    share: float, expected: str
) -> None:
    assert Numbers("en").availability(share).replace("\N{NO-BREAK SPACE}", " ") == expected


@pytest.mark.parametrize(
    ("hours", "expected"), [(0.01, "36 s"), (0.6, "36 min"), (4.26, "4.3 h"), (438.3, "438 h")]
)
def test_durations_have_the_unit_that_people_would_take(hours: float, expected: str) -> None:
    assert Numbers("en").hours(hours).replace("\N{NO-BREAK SPACE}", " ") == expected


def test_a_range_holds_nine_of_ten_draws_and_names_its_unit_once() -> None:
    numbers = Numbers("en")
    draws = np.arange(1.0, 101.0)
    found = numbers.between(draws, numbers.hours).replace("\N{NO-BREAK SPACE}", " ")
    assert found == "6 \N{EN DASH} 95 h"
    assert numbers.between(np.full(10, 3.0), numbers.hours) == ""


def test_sentences_begin_with_a_capital_and_end_with_a_stop() -> None:
    assert sentence("costs more") == "Costs more."
    assert sentence("Really?") == "Really?"


def test_the_comparison_says_what_is_met_and_what_is_missed() -> None:
    rows = {row.head.words: row.cells for row in tables.comparison(view()).rows}
    states = {words: (cells[0].state, cells[1].state) for words, cells in rows.items()}
    # Staying: 63 of 8766 h away, 24 h of work lost, no answer at semester start (example.py).
    assert states["Availability"] == ("missed", "met")
    assert states["p95 at semester start"] == ("missed", "met")
    assert states["Work lost at most by a fault"] == ("missed", "missed")
    assert states["Cost a year"] == ("", "")
    assert rows["p95 at semester start"][0].words == "overloaded"
    assert (
        rows["Cost a year"][1].words == "22,000\N{NO-BREAK SPACE}EUR"
    )  # 18,000 and a fifth of 20,000


def test_candidates_are_told_apart_where_something_is_missing() -> None:
    marks = {row.head.link: row.mark for row in tables.candidates(view()).rows}
    assert marks == {
        "candidate-swarm": "target",
        "candidate-stay": "today",
        "candidate-managed-kubernetes": "infeasible",
    }


def test_moving_pays_where_it_saves_more_than_it_costs() -> None:
    # 20,000 once and 8,000 a year more never pay; with 18,000 a year saved: 20 / (18 - 8) = 2.
    assert break_even(view()) == float("inf")
    assert break_even(view(), saved=18_000.0) == pytest.approx(2.0, rel=0.02)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_names_a_formula_that_there_is(name: str) -> None:
    assert FIGURES[name].formula in FORMULAS


@pytest.mark.parametrize("key", [key.name for key in keys() if not key.section])
def test_a_field_of_the_inventory_has_a_short_name(key: str) -> None:
    assert has(f"report.field.{key}")


def test_the_inventory_says_what_was_given_and_where_the_rest_is_from() -> None:
    entries = {entry.key: entry for section in sections(view()) for entry in section.entries}
    assert entries["load.students"].origin == "given"
    assert entries["load.students"].words == "26,000\N{NO-BREAK SPACE}persons"
    assert entries["load.peak_factor"].words == "2 to 4"
    assert entries["load.growth"].origin == "default"
    assert entries["load.growth"].source
    assert entries["load.sessions"].origin == "derived"
    assert entries["load.sessions"].link == "formula-load.sessions"


def test_every_link_leads_somewhere_and_no_anchor_is_there_twice(report: Report) -> None:
    links = Links(html(report))
    assert {target[1:] for target in links.targets} <= set(links.ids)
    assert len(links.ids) == len(set(links.ids))
    assert len(links.targets) > 300
    assert all(deeper - level <= 1 for level, deeper in pairwise(links.levels))


def test_every_number_of_a_candidate_leads_to_its_formula(report: Report) -> None:
    cells = [cell for row in tables.candidates(report.view).rows for cell in row.cells[1:]]
    for result in report.view.results:
        for table in tables.all_tables_of(report.view, result):
            cells += [cell for row in table.rows for cell in row.cells]
    assert [cell for cell in cells if not cell.link] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("verdict", ["worth-it", "not-worth-it", "not-yet"])
def test_each_verdict_has_its_words(verdict: str, language: str, report: Report) -> None:
    moving = "stay" if verdict == "not-worth-it" else report.view.target.candidate.name
    told = replace(report.view.assessment, verdict=verdict, recommended=moving)  # type: ignore[arg-type]
    changed = replace(
        report, view=View(assessment=told, inventory=report.view.inventory, language=language)
    )
    text = html(changed)
    assert changed.view.verdict in text
    assert ("evaluation settings" in text) == (verdict != "not-worth-it")


def test_markdown_names_drawings_that_are_written_and_well_formed(
    report: Report, tmp_path: Path
) -> None:
    put(report, tmp_path / "new" / "folder")
    text = (tmp_path / "new" / "folder" / "report.md").read_text()
    named = re.findall(r"!\[.+?\]\((figures/.+?\.svg)\)", text)
    assert len(named) == len(report.drawings)
    for name in named:
        ElementTree.parse(tmp_path / "new" / "folder" / name)
    assert set(re.findall(r"\]\(#(.+?)\)", text)) <= set(re.findall(r'<a id="(.+?)">', text))


def test_what_others_wrote_into_an_inventory_is_shown_as_text(report: Report) -> None:
    found = report.view.inventory.model_copy(update={"name": "<script>alert(1)</script>"})
    shown = View(assessment=report.view.assessment, inventory=found, language="en")
    text = html(replace(report, view=shown))
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_a_folder_that_is_a_file_is_named_in_one_message(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    command = [sys.executable, "-m", "evaluation", "assess", str(SAMPLES / "small.yaml")]
    done = subprocess.run(
        [*command, "--report", str(tmp_path / "out")], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "out" in done.stderr
    assert len(done.stderr.splitlines()) == 1
