"""From an inventory's file to `Inventory`."""

from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from evaluation.inventory.checks import check, location
from evaluation.inventory.errors import InventoryError
from evaluation.inventory.models import Inventory
from evaluation.texts import render
from stacks.settings.base import Location, without
from stacks.settings.errors import SettingsError, complaint, escaped, written
from stacks.settings.file import read_with_lines


def load(path: Path) -> Inventory:
    """The inventory in the file `path`; what it does not name has its default.

    Raises `InventoryError` with everything that is wrong; a file that is no YAML says only that.
    """
    try:
        document, lines = read_with_lines(path)
    except SettingsError as error:
        raise InventoryError(error.messages) from None
    if not isinstance(document, dict):
        raise InventoryError([f"{path.name}: must have keys such as load and offers"])
    inventory, errors = _validated(document)
    found = [(item["loc"], complaint("", item, Inventory)) for item in errors]
    wrong = {at for at, _ in found}
    for finding in check(inventory, document):
        keys = [location(key) for key in finding.keys]
        if not any(_overlap(key, at) for key in keys for at in wrong):
            found.append((keys[0], render(finding.message, "en")))
    if found:
        found.sort(key=lambda item: _line(item[0], lines))
        raise InventoryError(
            [
                f"{path.name}:{_line(at, lines)}: {escaped(written(at))}: {what}"
                for at, what in found
            ]
        )
    return inventory


def _validated(document: Any) -> tuple[Inventory, list[ErrorDetails]]:
    """The inventory with defaults in the place of what is wrong, and what is."""
    try:
        return Inventory.model_validate(document), []
    except ValidationError as error:
        errors = error.errors(include_url=False)
    # A list with a wrong entry is wrong as a whole: its other entries keep their indices.
    wrong = {tuple(takewhile(lambda part: isinstance(part, str), item["loc"])) for item in errors}
    return Inventory.model_validate(without(document, wrong)), errors


def _overlap(one: Location, other: Location) -> bool:
    """Whether one location is, or lies in, the other."""
    return all(a == b for a, b in zip(one, other, strict=False))


def _line(at: Location, lines: Mapping[Location, int]) -> int:
    """The line of a key, or of the nearest one around it that the file names."""
    while at and at not in lines:
        at = at[:-1]
    return lines.get(at, 1)
