"""Versions of SDK packages without a grammar.

Each generated package reads its own version through `parver`, which compiles a grammar for 40 ms
first. A plain release such as 7.0.1 needs none.
"""

import importlib
import re
import sys
from types import ModuleType
from typing import Any

NAME = "parver"
RELEASE = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))*")


class Version:
    """What the packages ask a release for; `parse` returns parver's own where it is none."""

    pre_tag = pre = dev = local = None

    def __init__(self, release: tuple[int, ...]) -> None:
        self.release = release

    @classmethod
    def parse(cls, text: str) -> Any:
        """The version that `text` stands for."""
        if RELEASE.fullmatch(text):
            return cls(tuple(int(number) for number in text.split(".")))
        return _real().Version.parse(text)


class _Quick(ModuleType):
    Version = Version

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked by the import system
            raise AttributeError(name)
        return getattr(_real(), name)


def install() -> None:
    """Let `from parver import Version` mean ours, unless parver is loaded already."""
    sys.modules.setdefault(NAME, _Quick(NAME))


def _real() -> ModuleType:
    if isinstance(sys.modules.get(NAME), _Quick):
        del sys.modules[NAME]
    return importlib.import_module(NAME)
