"""What differs between two sets of properties, and what a refresh makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .fields import Field, Fields, Kind, normal
from .values import UNKNOWN, has_unknown


class Change(Enum):
    """What happened to a property."""

    ADD = "ADD"
    DELETE = "DELETE"
    UPDATE = "UPDATE"


@dataclass(frozen=True, slots=True)
class Difference:
    """One property that changes."""

    path: str
    change: Change
    replace: bool
    input: bool = True  # false: no input differs, the object itself must change


def compare(
    fields: Fields, old: Mapping[str, Any], new: Mapping[str, Any], path: str = ""
) -> Iterator[Difference]:
    """Differences between plain inputs, as deep as they can be located."""
    for name, spec in fields.items():
        if not spec.output:
            where = f"{path}.{name}" if path else name
            yield from _compare_value(spec, old.get(name), new.get(name), where)


def complete(fields: Fields, inputs: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Any]:
    """Plain `inputs` with what was left to the system, as `state` has it."""
    completed = dict(inputs)
    for name, spec in fields.items():
        given, kept = inputs.get(name), state.get(name)
        if given is None and spec.computed and not spec.output and kept is not None:
            completed[name] = kept
        elif spec.kind is Kind.BLOCK and isinstance(given, Mapping) and isinstance(kept, Mapping):
            completed[name] = complete(spec.fields, given, kept)
    return completed


def _compare_value(spec: Field, old: Any, new: Any, path: str) -> Iterator[Difference]:
    if new is None and spec.computed:
        return
    if spec.kind is Kind.BLOCK and isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from compare(spec.fields, old, new, path)
        return
    if _located(spec, old, new):
        assert spec.item is not None
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _compare_value(spec.item, before, after, f"{path}[{index}]")
        return
    if not has_unknown(new) and normal(spec, old) == normal(spec, new):
        return
    change = Change.UPDATE
    if old is None:
        change = Change.ADD
    elif new is None:
        change = Change.DELETE
    yield Difference(path, change, replaces(spec))


def _located(spec: Field, old: Any, new: Any) -> bool:
    """True if two lists of objects can be compared one by one."""
    return (
        spec.kind is Kind.ITEMS
        and spec.item is not None
        and spec.item.kind is Kind.BLOCK
        and isinstance(old, list)
        and isinstance(new, list)
        and len(old) == len(new)
        and UNKNOWN not in new
    )


def replaces(spec: Field) -> bool:
    """True if a change of the whole value replaces the object.

    An element of a list comes and goes with its parts: one part that replaces is enough.
    """
    if spec.replace:
        return True
    if spec.item is not None:
        return replaces(spec.item) or any(replaces(part) for part in spec.item.fields.values())
    return False


def adopt(fields: Fields, inputs: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
    """`inputs` corrected by what was found: unchanged where it means the same.

    A property that `live` does not have cannot be read and stays; one that is None there is
    gone. Properties that the program left to the system stay out.
    """
    adopted = dict(inputs)
    for name, spec in fields.items():
        if spec.output or name not in live:
            continue
        value = _adopt_value(spec, inputs.get(name), live[name])
        adopted.pop(name, None)
        if value is not None:
            adopted[name] = value
    return adopted


def _adopt_value(spec: Field, given: Any, found: Any) -> Any:
    if given is None and spec.computed:
        return None
    if normal(spec, given) == normal(spec, found):
        return given
    if given is None or normal(spec, found) is None:
        return found or None
    if spec.kind is Kind.BLOCK:
        return adopt(spec.fields, given, found)
    if spec.kind in (Kind.ITEMS, Kind.BAG) and spec.item is not None:
        if spec.kind is Kind.ITEMS and len(given) == len(found):
            pairs = zip(given, found, strict=True)
            return [_adopt_value(spec.item, before, after) for before, after in pairs]
        if spec.kind is Kind.BAG:
            return _adopt_bag(spec.item, given, found)
    return found


def _adopt_bag(item: Field, given: list[Any], found: list[Any]) -> list[Any]:
    left = list(found)
    kept = []
    for element in given:
        same = next((one for one in left if normal(item, one) == normal(item, element)), None)
        if same is not None:
            left.remove(same)
            kept.append(element)
    return kept + left
