"""What an installed SDK says about its resources, to be compared with our tables."""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pulumi import _types

from toolchain.plugins.common.fields import Field, Fields, Kind


def kind_of(hint: Any) -> tuple[set[Kind], Any]:
    """The kinds in our tables that fit a type of the SDK, and the type of its elements."""
    origin = typing.get_origin(hint)
    if inspect.isclass(origin) and issubclass(origin, Mapping):
        return {Kind.MAPPING}, None
    if inspect.isclass(origin) and issubclass(origin, Sequence):
        (item,) = typing.get_args(hint)
        inner = [one for one in typing.get_args(item) if inspect.isclass(one)]
        return {Kind.ITEMS, Kind.BAG}, inner[0] if inner else item
    if origin is typing.Union:
        return kind_of(next(one for one in typing.get_args(hint) if one is str))
    if inspect.isclass(hint) and issubclass(hint, str):  # an enumeration
        return {Kind.STRING}, None
    plain = {str: Kind.STRING, int: Kind.INTEGER, bool: Kind.BOOLEAN}
    return {plain.get(hint, Kind.BLOCK)}, hint


def required(arguments: type) -> set[str]:
    """Properties that the SDK's constructor demands."""
    names = _types.input_type_py_to_pulumi_names(arguments)
    parameters = inspect.signature(arguments.__init__).parameters  # type: ignore[misc]
    return {
        names[key] for key, one in parameters.items() if key in names and one.default is one.empty
    }


def compared(fields: Fields, arguments: type, path: str) -> Iterator[tuple[str, Field, Any]]:
    """Each settable property of a table beside its type in the SDK, at any depth."""
    known = _types.input_type_types(arguments)
    for name, spec in fields.items():
        if spec.output or spec.derived:
            continue
        where = f"{path}.{name}"
        yield where, spec, known.get(name)
        if name in known:
            _, inner = kind_of(known[name])
            nested = spec if spec.kind is Kind.BLOCK else spec.item
            if nested is not None and nested.kind is Kind.BLOCK:
                yield from compared(nested.fields, inner, where)


def blocks(fields: Fields, arguments: type, path: str) -> Iterator[tuple[str, Fields, type]]:
    """The table itself and each nested object, with the SDK's class."""
    yield path, fields, arguments
    known = _types.input_type_types(arguments)
    for name, spec in fields.items():
        nested = spec if spec.kind is Kind.BLOCK else spec.item
        if nested is not None and nested.kind is Kind.BLOCK and not spec.output:
            yield from blocks(nested.fields, kind_of(known[name])[1], f"{path}.{name}")


def unlike_outputs(fields: Fields, resource: type) -> list[str]:
    """Outputs of a table that the SDK's class does not have, or has in another shape."""
    module = sys.modules[resource.__module__]
    outputs = {
        getattr(one.fget, "_pulumi_name", key): key
        for key, one in inspect.getmembers(resource)
        if isinstance(one, property)
    }
    found = []
    for key, spec in fields.items():
        if not spec.output:
            continue
        if key not in outputs:
            found.append(key)
            continue
        hint = typing.get_type_hints(getattr(resource, outputs[key]).fget, vars(module))
        (inner,) = typing.get_args(hint["return"])
        plain = [one for one in typing.get_args(inner) if one is not type(None)]
        is_list = inspect.isclass(typing.get_origin(inner)) and issubclass(
            typing.get_origin(inner), Sequence
        )
        if spec.kind not in kind_of(inner if is_list or not plain else plain[0])[0]:
            found.append(key)
    return found
