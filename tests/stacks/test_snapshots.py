"""Each environment builds offline, and what it builds stands in the repository as plain text."""

import pytest

from tests.snapshot import ENVIRONMENTS, FOLDER, built, lines


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_an_environment_builds_is_its_snapshot(environment: str) -> None:
    stored = (FOLDER / f"{environment}.txt").read_text().splitlines()
    assert lines(built(environment)) == stored, "if the change is meant: make snapshot"
