"""Errors that reach the user as one clear message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class PluginError(Exception):
    """An expected failure; its text is all that the user sees."""


class Cancelled(PluginError):
    """The operation was interrupted by the user."""


class Incomplete(PluginError):
    """The object exists, but is not what was asked for (yet): the next run goes on from here."""

    def __init__(self, message: str, *, id: str, outputs: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.id = id
        self.outputs = outputs
