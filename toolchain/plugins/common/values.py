"""Pulumi's property values as plain Python, with secrets and unknowns kept apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import struct_pb2

# Signatures of Pulumi's wire format (sdk/go/common/resource/properties.go).
_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"
_OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_UNKNOWNS: Final = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # string, and what we send
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)
_UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

Plain = dict[str, Any]
"""Property name -> value, without `Secret` and `UNKNOWN`."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is encrypted in the state and masked on the screen."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(...)"


class Unknown:
    """The type of `UNKNOWN`: a value that is computed later (previews only)."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


def from_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Property name -> Python value; properties that are null are left out."""
    found = ((key, _from_value(value)) for key, value in struct.fields.items())
    return {key: value for key, value in found if value is not None}


def _from_value(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value in _UNKNOWNS else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_from_value(item) for item in value.list_value.values]
    if kind == "struct_value":
        fields = value.struct_value.fields
        signature = fields[_SIGNATURE].string_value if _SIGNATURE in fields else ""
        if signature == _SECRET:
            return Secret(_from_value(fields["value"]))
        if signature == _OUTPUT:
            inner = _from_value(fields["value"]) if "value" in fields else UNKNOWN
            return Secret(inner) if "secret" in fields and fields["secret"].bool_value else inner
        return from_struct(value.struct_value)
    return None


def to_struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """The inverse of `from_struct`."""
    struct = struct_pb2.Struct()
    for key, value in values.items():
        if value is not None:
            _set_value(struct.fields[key], value)
    return struct


def _set_value(target: struct_pb2.Value, value: Any) -> None:
    if value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif value is UNKNOWN:
        target.string_value = _UNKNOWN_TEXT
    elif isinstance(value, Secret):
        target.struct_value.fields[_SIGNATURE].string_value = _SECRET
        _set_value(target.struct_value.fields["value"], value.value)
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, Mapping):
        target.struct_value.SetInParent()
        for key, item in value.items():
            if item is not None:
                _set_value(target.struct_value.fields[key], item)
    else:
        target.list_value.SetInParent()
        for item in value:
            _set_value(target.list_value.values.add(), item)


def reveal(value: Any) -> Any:
    """The value without its `Secret` wrappers, at any depth."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, Mapping):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [reveal(item) for item in value]
    return value


def has_secret(value: Any) -> bool:
    """True if a `Secret` hides anywhere in the value."""
    if isinstance(value, Mapping):
        return any(has_secret(item) for item in value.values())
    if isinstance(value, list):
        return any(has_secret(item) for item in value)
    return isinstance(value, Secret)


def has_unknown(value: Any) -> bool:
    """True if any part of the value is computed later."""
    if isinstance(value, Secret):
        return has_unknown(value.value)
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return value is UNKNOWN


def seal(plain: Any, pattern: Any) -> Any:
    """`plain` with secrets wherever `pattern`, a value of the same shape, has them.

    A list that changed as a whole and had a secret in it becomes secret as a whole: rather
    hide too much than guess which element it was.
    """
    if plain is None or isinstance(plain, Secret):
        return plain
    if isinstance(pattern, Secret):
        return Secret(reveal(plain))
    if isinstance(plain, Mapping) and isinstance(pattern, Mapping):
        return {key: seal(item, pattern.get(key)) for key, item in plain.items()}
    if isinstance(plain, list) and isinstance(pattern, list) and has_secret(pattern):
        if len(plain) != len(pattern):
            return Secret(reveal(plain))
        return [seal(item, match) for item, match in zip(plain, pattern, strict=True)]
    return plain


def secret_texts(value: Any, *, hidden: bool = False) -> Iterator[str]:
    """Every string that is part of a secret, to strike it out of messages."""
    if isinstance(value, Secret):
        yield from secret_texts(value.value, hidden=True)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secret_texts(item, hidden=hidden)
    elif isinstance(value, list):
        for item in value:
            yield from secret_texts(item, hidden=hidden)
    elif hidden and isinstance(value, str):
        yield value
