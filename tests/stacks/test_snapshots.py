"""What settings build offline stands in the repository as plain text."""

import json

import jsonschema
import pytest
import yaml

from stacks.settings.schema import schema
from tests.recording import Recording
from tests.snapshot import (
    ENVIRONMENTS,
    FOLDER,
    VARIANTS,
    built,
    changes,
    environment,
    lines,
    variant,
    variants,
    varied,
)

MEANT = "if the change is meant: make snapshot"


@pytest.fixture(scope="module")
def environments() -> dict[str, Recording]:
    return {name: built(environment(name)) for name in ENVIRONMENTS}


@pytest.fixture
def dev(environments: dict[str, Recording]) -> Recording:
    return environments["dev"]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_what_an_environment_builds_is_its_snapshot(
    name: str, environments: dict[str, Recording]
) -> None:
    stored = (FOLDER / f"{name}.txt").read_text().splitlines()
    assert lines(environments[name]) == stored, MEANT


@pytest.mark.parametrize("name", variants())
def test_what_a_variant_changes_is_its_snapshot(
    name: str, environments: dict[str, Recording]
) -> None:
    stored = (VARIANTS / f"{name}.txt").read_text().splitlines()
    assert stored, "it changes nothing"
    assert changes(built(variant(name)), environments[varied(name)]) == stored, MEANT


@pytest.mark.parametrize("name", variants())
def test_a_variant_keeps_the_schema(name: str) -> None:
    document = yaml.safe_load((VARIANTS / f"{name}.yaml").read_text())
    jsonschema.validate(document, json.loads(schema()))


def test_every_snapshot_has_its_settings() -> None:
    assert sorted(path.stem for path in VARIANTS.glob("*.txt")) == variants()
    assert sorted(path.stem for path in FOLDER.glob("*.txt")) == sorted(ENVIRONMENTS)


def test_changes_are_told_by_resource_and_property(dev: Recording) -> None:
    assert changes(dev, dev) == []
    told = changes(dev, Recording())
    assert [line[:2] for line in told] == ["+ "] * len(dev.resources)
    assert changes(Recording(), dev) == [
        f"- {resource.type} {resource.name}"
        for resource in sorted(dev.resources, key=lambda one: (one.type, one.name))
    ]
