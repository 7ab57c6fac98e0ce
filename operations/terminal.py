"""Plain tables, colours on a terminal only, and the one question that is ever asked."""

import os
import sys
from collections.abc import Sequence
from typing import TextIO

from toolchain.failure import Failure

GREEN, YELLOW, RED, BOLD = "32", "33", "31", "1"


def colour(text: str, code: str, stream: TextIO | None = None) -> str:
    """`text` in a colour where `stream` (standard output) is a terminal that wants colours."""
    stream = stream or sys.stdout
    if not stream.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{code}m{text}\x1b[0m"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table whose columns are as wide as their longest cell."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def forced() -> bool:
    """Whether `FORCE=1` was given, which answers every question with yes."""
    return os.environ.get("FORCE", "") not in ("", "0")


def confirm(question: str, *, unattended: bool) -> None:
    """Ask on a terminal, and raise Failure on anything but yes; `unattended` decides without."""
    if forced():
        return
    if not sys.stdin.isatty():
        if unattended:
            return
        raise Failure("nothing was changed: without a terminal only FORCE=1 says yes")
    try:
        answer = input(f"{question} [yes/no] ")
    except (EOFError, KeyboardInterrupt):
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise Failure("nothing was changed")
