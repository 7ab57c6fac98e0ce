"""The declarative table of a resource's properties, and what can be derived from it offline."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from .rules import Rule
from .values import UNKNOWN, Secret

DEFAULTS: Final = "__defaults"
"""Key under which checked inputs list the properties that the program did not give itself."""


class Kind(Enum):
    """The shape of a property; the value is how an error message calls it."""

    STRING = "a string"
    INTEGER = "a whole number"
    BOOLEAN = "true or false"
    MAPPING = "an object of strings"
    ITEMS = "a list"
    BAG = "a list (in any order)"
    BLOCK = "an object"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One property."""

    kind: Kind
    item: Field | None = None
    fields: Mapping[str, Field] = field(default_factory=dict)
    required: bool = False
    default: Any = None  # what an absent value means, filled into the inputs
    computed: bool = False  # the system decides when absent: then nothing is compared
    output: bool = False  # set by the system only
    derived: bool = False  # an input that the plugin itself works out
    volatile: bool = False  # an output that an update may change
    replace: bool = False  # a change replaces the object
    secret: bool = False
    autoname: bool = False  # absent: resource name, a dash and 7 hexadecimal digits
    rule: Rule | None = None


Fields = Mapping[str, Field]


def string(**options: Any) -> Field:
    """Text."""
    return Field(kind=Kind.STRING, **options)


def integer(**options: Any) -> Field:
    """A whole number."""
    return Field(kind=Kind.INTEGER, **options)


def boolean(**options: Any) -> Field:
    """True or false."""
    return Field(kind=Kind.BOOLEAN, **options)


def mapping(**options: Any) -> Field:
    """Names to strings."""
    return Field(kind=Kind.MAPPING, **options)


def items(item: Field, **options: Any) -> Field:
    """A list whose order counts."""
    return Field(kind=Kind.ITEMS, item=item, **options)


def bag(item: Field, **options: Any) -> Field:
    """A list whose order does not count."""
    return Field(kind=Kind.BAG, item=item, **options)


def block(fields: Fields, **options: Any) -> Field:
    """A nested object."""
    return Field(kind=Kind.BLOCK, fields=fields, **options)


@dataclass(frozen=True, slots=True)
class Failure:
    """A property that is not as it must be."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Naming:
    """How to name an object that the program did not name."""

    name: str  # of the resource in the program
    seed: bytes = b""
    proposed: str = ""  # the engine's own proposal (pulumi:autonaming)
    disabled: bool = False

    def propose(self) -> str:
        """A name that is the same again for the same seed."""
        if self.proposed:
            return self.proposed
        digits = hashlib.sha256(self.seed).hexdigest() if self.seed else secrets.token_hex(4)
        return f"{self.name}-{digits[:7]}"


def check(
    fields: Fields, news: Mapping[str, Any], olds: Mapping[str, Any], naming: Naming
) -> tuple[dict[str, Any], list[Failure]]:
    """The inputs with defaults and names filled in, and everything that is wrong with them."""
    failures: list[Failure] = []
    inputs, defaulted = _check_block(fields, news, "", failures)
    for name, spec in fields.items():
        if spec.autoname and name not in inputs:
            if name in olds.get(DEFAULTS, ()) and name in olds:
                inputs[name] = olds[name]
            elif naming.disabled:
                failures.append(Failure(name, "must be given: automatic naming is disabled"))
            else:
                inputs[name] = naming.propose()
            defaulted.append(name)
    return {**inputs, DEFAULTS: sorted(defaulted)}, failures


def _check_block(
    fields: Fields, values: Mapping[str, Any], path: str, failures: list[Failure]
) -> tuple[dict[str, Any], list[str]]:
    inputs: dict[str, Any] = {}
    defaulted: list[str] = []
    settable = {n: spec for n, spec in fields.items() if not spec.output and not spec.derived}
    for name in values:
        if name not in settable and not name.startswith("__"):
            reason = f"is not supported here; supported: {', '.join(sorted(settable))}"
            failures.append(Failure(_join(path, name), reason))
    for name, spec in settable.items():
        value = values.get(name)
        if value is not None:
            inputs[name] = _check_value(spec, value, _join(path, name), failures)
        elif spec.required:
            failures.append(Failure(_join(path, name), "is required"))
        elif spec.default is not None:
            inputs[name] = spec.default
            defaulted.append(name)
    return inputs, defaulted


def _check_value(spec: Field, value: Any, path: str, failures: list[Failure]) -> Any:
    if value is UNKNOWN:
        return value
    if isinstance(value, Secret):
        inner: list[Failure] = []
        checked = Secret(_check_value(spec, value.value, path, inner))
        # The reason may quote the value: name the property only.
        failures += [
            Failure(failure.path, "is not valid (the value is secret)") for failure in inner
        ]
        return checked
    if spec.kind is Kind.MAPPING and isinstance(value, Mapping):
        return {key: _check_text(item, _join(path, key), failures) for key, item in value.items()}
    if spec.kind is Kind.BLOCK and isinstance(value, Mapping):
        return _check_block(spec.fields, value, path, failures)[0]
    if spec.kind in (Kind.ITEMS, Kind.BAG) and isinstance(value, list):
        assert spec.item is not None
        return [
            _check_value(spec.item, item, f"{path}[{index}]", failures)
            for index, item in enumerate(value)
        ]
    if not _fits(spec.kind, value):
        got = "a secret" if spec.secret else repr(value)
        failures.append(Failure(path, f"must be {spec.kind.value}, got {got}"))
    elif spec.rule is not None and (problem := spec.rule.problem(value)):
        failures.append(Failure(path, problem))
    return value


def _check_text(value: Any, path: str, failures: list[Failure]) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, dict | list) or value is None:
        failures.append(Failure(path, "must be a string"))
    return value


def _fits(kind: Kind, value: Any) -> bool:
    if kind is Kind.STRING:
        return isinstance(value, str)
    if kind is Kind.INTEGER:
        return isinstance(value, int) and not isinstance(value, bool)
    return kind is Kind.BOOLEAN and isinstance(value, bool)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def normal(spec: Field, value: Any) -> Any:
    """The form in which two plain values of a property compare; None is absent.

    Empty and zero are absent too, as they are to the system behind, and an absent value with a
    default is that default.
    """
    if value is UNKNOWN:
        return value
    if spec.kind is Kind.BLOCK:
        return None if value is None else normal_block(spec.fields, value) or None
    if spec.kind in (Kind.ITEMS, Kind.BAG):
        assert spec.item is not None
        each = [normal(spec.item, item) for item in value or ()]
        return (sorted(each, key=_sort_key) if spec.kind is Kind.BAG else each) or None
    if spec.kind is Kind.MAPPING:
        return dict(value) if value else None
    if value is None or value == "":
        value = spec.default
    if value is None:
        return None
    if spec.rule is not None and spec.rule.problem(value) is None:
        value = spec.rule.canonical(value)
    return None if not value and spec.default is None else value


def normal_block(fields: Fields, values: Mapping[str, Any]) -> dict[str, Any]:
    """`normal` of every settable property that is not absent."""
    found = {
        name: normal(spec, values.get(name)) for name, spec in fields.items() if not spec.output
    }
    return {name: value for name, value in found.items() if value is not None}


def _sort_key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
