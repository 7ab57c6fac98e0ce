"""BuildKit's progress reports, which the engine passes on as protocol buffers."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

# Field numbers of moby.buildkit.v1.StatusResponse and its parts.
_VERTEX, _LOG = 1, 3
_VERTEX_DIGEST, _VERTEX_NAME, _VERTEX_CACHED, _VERTEX_STARTED = 1, 3, 4, 5
_VERTEX_COMPLETED, _VERTEX_ERROR = 6, 7
_LOG_VERTEX, _LOG_TEXT = 1, 4

_KEPT_LINES: Final = 20
_LONGEST_LINE: Final = 300  # characters of a line of output that are kept


@dataclass
class Step:
    """One step of a build."""

    name: str = ""
    announced: bool = False
    error: str = ""
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT_LINES))
    rest: bytes = b""


class Progress:
    """Puts the reports of one build together."""

    def __init__(self) -> None:
        self._steps: dict[str, Step] = {}

    def feed(self, aux: str) -> Iterator[str]:
        """Take one report in; what is worth showing comes out."""
        for number, value in _fields(base64.b64decode(aux)):
            if not isinstance(value, bytes):
                continue
            if number == _VERTEX:
                yield from self._vertex(value)
            elif number == _LOG:
                yield from self._log(value)

    def failure(self) -> Step | None:
        """The step that failed, if one did."""
        return next((step for step in self._steps.values() if step.error), None)

    def _vertex(self, data: bytes) -> Iterator[str]:
        values = dict(_fields(data))
        step = self._steps.setdefault(_string(values.get(_VERTEX_DIGEST)), Step())
        step.name = _string(values.get(_VERTEX_NAME)) or step.name
        # Steps that only fail because another one did are reported as cancelled.
        error = _string(values.get(_VERTEX_ERROR))
        if error and "context canceled" not in error:
            step.error = error
        if _VERTEX_STARTED in values and not step.announced:
            step.announced = True
            if not step.name.startswith("[internal]"):
                yield f"CACHED {step.name}" if values.get(_VERTEX_CACHED) else step.name

    def _log(self, data: bytes) -> Iterator[str]:
        values = dict(_fields(data))
        step = self._steps.setdefault(_string(values.get(_LOG_VERTEX)), Step())
        text = values.get(_LOG_TEXT)
        if not isinstance(text, bytes):
            return
        *lines, step.rest = (step.rest + text).split(b"\n")
        for raw in lines:
            line = raw.decode(errors="replace").rsplit("\r", 1)[-1].rstrip()[:_LONGEST_LINE]
            if line:
                step.lines.append(line)
                yield f"{step.name}: {line}" if step.name else line


def _string(value: int | bytes | None) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else ""


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field of an encoded message."""
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        wire = key & 7
        if wire == 0:
            value, position = _varint(data, position)
            yield key >> 3, value
        elif wire == 2:
            size, position = _varint(data, position)
            yield key >> 3, data[position : position + size]
            position += size
        elif wire in (1, 5):
            position += 8 if wire == 1 else 4
        else:
            return  # a group: nothing that BuildKit sends


def _varint(data: bytes, position: int) -> tuple[int, int]:
    result = shift = 0
    while position < len(data):
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if not byte & 0x80:
            break
        shift += 7
    return result, position
