"""The plugin's provider: which token is which class."""

from __future__ import annotations

from ..common import sdk
from ..common.provider import Provider
from .password import RandomPassword


def provider() -> Provider:
    """The plugin's provider."""
    return Provider("random", sdk.version("random"), {RandomPassword.token: RandomPassword})
