"""Pieces that several resources share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ..common.changes import adopt, compare
from ..common.errors import PluginError
from ..common.fields import Field, bag, block, string
from ..common.resource import Call, Resource
from ..common.values import Plain
from .connection import Engine, EngineError, cut

CONFLICT: Final = 409  # HTTP status: the name is taken
_POLL: Final = 0.5  # seconds between two looks


def labels(*, replace: bool) -> Field:
    """Labels as the official plugin writes them: a list of pairs."""
    pair = {
        "label": string(required=True, replace=replace),
        "value": string(required=True, replace=replace),
    }
    return bag(block(pair), replace=replace)


def to_labels(pairs: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """As the engine takes them."""
    return {pair["label"]: pair["value"] for pair in pairs or ()}


def from_labels(found: Mapping[str, str] | None) -> list[dict[str, str]]:
    """As the program writes them."""
    return [{"label": key, "value": value} for key, value in sorted((found or {}).items())]


def without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    """Only what is set: the engine treats an absent key and a null alike, but not everywhere."""
    return {key: value for key, value in values.items() if value not in (None, "", [], {})}


def taken(
    resource: Resource, inputs: Plain, live: Mapping[str, Any] | None, error: EngineError
) -> None:
    """After a name conflict: go on if the object is what an interrupted run made of `inputs`.

    That is so if nothing differs, labels included, of which there must be some. PluginError
    otherwise: a stranger's object is never taken over silently.
    """
    if live is not None and inputs.get("labels"):
        found = adopt(resource.fields, inputs, live)
        if not list(compare(resource.fields, found, inputs)):
            return
    kind = resource.token.rsplit(":", 1)[-1]
    raise PluginError(
        f"there is a {kind} named {inputs['name']} already, and it is not what this run would "
        f"make ({error}): remove it, or take it over with "
        f"`pulumi import {resource.token} NAME {inputs['name']}`"
    ) from error


def follow(
    call: Call,
    engine: Engine,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    **params: Any,
) -> Iterator[dict[str, Any]]:
    """The JSON messages of a POST that reports progress; ends when the user interrupts."""
    with (
        engine.stream("POST", path, headers=headers, params=params) as response,
        call.interruptible(lambda: cut(response)),
    ):
        yield from engine.messages(response)


def remove_when_free(
    call: Call, remove: Any, what: str, *, busy: Iterable[str], limit: float
) -> None:
    """Call `remove` until it works; while it says one of `busy`, at most `limit` seconds."""
    words = tuple(busy)
    while True:
        try:
            remove()
        except EngineError as error:
            message = str(error).lower()
            if not any(word in message for word in words):
                raise
            if call.limit(limit) <= 0:
                raise PluginError(f"{what} can't be removed: {error}") from error
            call.status(f"waiting until {what} is not used any more")
            call.sleep(_POLL)
        else:
            return
