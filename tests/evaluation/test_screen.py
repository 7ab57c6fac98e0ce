"""The verdict fits one screen, in both languages."""

import io
from functools import cache
from pathlib import Path

import pytest
from rich.console import Console

from evaluation.assess import assess
from evaluation.inventory.file import load
from evaluation.results import Assessment
from evaluation.screen import CHANGES, REASONS, show
from evaluation.texts import LANGUAGES, render, text

GOLDEN = Path(__file__).parent / "golden"
SITES = {
    "worth-it": "large-managed-kubernetes",
    "not-worth-it": "village-college",
    "not-yet": "third-machine-missing",
}


@cache
def assessed(site: str) -> Assessment:
    """A site, assessed once."""
    return assess(load(GOLDEN / f"{site}.yaml"), draws=50)


def screen(site: str, language: str, *, width: int = 80, height: int = 24) -> str:
    """What is printed."""
    written = io.StringIO()
    console = Console(file=written, width=width, height=height, highlight=False)
    inventory = load(GOLDEN / f"{site}.yaml")
    show(assessed(site), inventory, language, file="my-site.yaml", console=console)
    return written.getvalue()


def flat(printed: str) -> str:
    """Without the line breaks that the width asked for."""
    return " ".join(printed.replace("│", " ").split())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("verdict", "site"), SITES.items())
def test_the_screen_fits_a_terminal_of_24_lines_and_80_columns(
    verdict: str, site: str, language: str
) -> None:
    lines = screen(site, language).splitlines()
    assert len(lines) <= 24
    commands = [line for line in lines if line.startswith(" python -m evaluation")]
    assert all(len(line) <= 80 for line in lines if line not in commands)
    assert assessed(site).verdict == verdict


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("verdict", "site"), SITES.items())
def test_it_names_verdict_confidence_reasons_and_changes(
    verdict: str, site: str, language: str
) -> None:
    printed = flat(screen(site, language))
    assessment = assessed(site)
    assert text(f"verdict.{verdict}", language) in printed
    assert f"{100 * assessment.confidence:.0f} %" in printed
    for reason in assessment.reasons[:REASONS]:
        assert flat(render(reason, language)) in printed
    for change in assessment.changes[:CHANGES]:
        assert flat(render(change, language)) in printed


def test_it_says_what_to_type_next() -> None:
    chosen = "my-site.yaml --candidate managed-kubernetes-offered"
    printed = screen(SITES["worth-it"], "en")
    assert f" python -m evaluation settings {chosen}\n" in printed
    assert f" python -m evaluation plan {chosen}\n" in printed
    assert " python -m evaluation assess my-site.yaml --report out/\n" in printed


def test_nobody_who_stays_is_sent_to_a_plan() -> None:
    assert "evaluation plan" not in screen(SITES["not-worth-it"], "en")


def test_kubernetes_is_said_not_to_be_deployed_yet() -> None:
    note = flat(text("candidates.not_deployed", "de"))
    assert note in flat(screen(SITES["worth-it"], "de"))


@pytest.mark.parametrize("height", [24, 60])
def test_a_higher_screen_shows_more_candidates_and_staying_always(height: int) -> None:
    printed = screen(SITES["not-yet"], "en", height=height)
    names = [result.candidate.name for result in assessed(SITES["not-yet"]).results]
    shown = [name for name in names if f" {name} " in printed]
    assert "stay" in shown
    assert (len(shown) == len(names)) == (height == 60)


def test_what_lacks_something_is_marked() -> None:
    lines = screen(SITES["not-yet"], "en", height=60).splitlines()
    assert any(line.startswith(">x swarm ") for line in lines)
    assert any(line.startswith("   docker-host ") for line in lines)


def test_german_numbers_have_a_comma() -> None:
    assert "99." in screen(SITES["not-worth-it"], "en")
    assert "99," in screen(SITES["not-worth-it"], "de")
