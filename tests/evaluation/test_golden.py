"""Sites whose verdict was argued in words before any model was asked."""

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from evaluation.assess import assess
from evaluation.inventory.file import load

SITES = sorted((Path(__file__).parent / "golden").glob("*.yaml"))
EXPECTED = re.compile(r"# expect: (worth-it|not-worth-it|not-yet) (\S+)")
DRAWS = 100  # enough for a verdict that is no near thing


@pytest.mark.parametrize("path", SITES, ids=lambda path: path.stem)
def test_a_site_gets_the_verdict_that_its_comment_argues(path: Path) -> None:
    expected = EXPECTED.match(path.read_text(encoding="utf-8"))
    assert expected
    assessment = assess(load(path), draws=DRAWS)
    assert assessment.verdict == expected[1]
    assert fnmatch(assessment.recommended, expected[2])


def test_there_are_at_least_sixty_sites_of_all_three_verdicts() -> None:
    firsts = [path.read_text(encoding="utf-8").splitlines()[0] for path in SITES]
    assert len(SITES) >= 60
    for verdict in ("worth-it", "not-worth-it", "not-yet"):
        assert sum(line.startswith(f"# expect: {verdict} ") for line in firsts) >= 10


@pytest.mark.parametrize("path", SITES, ids=lambda path: path.stem)
def test_a_site_argues_its_verdict_before_its_numbers(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    argument = [line for line in lines[1 : lines.index("---")] if line.startswith("# ")]
    assert len(" ".join(argument)) > 60
