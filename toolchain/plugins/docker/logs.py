"""Output of containers and tasks."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any

from ..common.errors import PluginError
from .connection import Engine


def frames(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Payload of the engine's stream of frames: 8 bytes head (stream, size), then the data."""
    buffer = b""
    for chunk in chunks:
        buffer += chunk
        while len(buffer) >= 8:
            (size,) = struct.unpack(">I", buffer[4:8])
            if len(buffer) < 8 + size:
                break
            yield buffer[8 : 8 + size]
            buffer = buffer[8 + size :]


def tail(engine: Engine, path: str, lines: int = 20) -> list[str]:
    """The last lines of a container (/containers/ID) or task (/tasks/ID); empty if unknown."""
    query = {"stdout": True, "stderr": True, "tail": lines}
    try:
        with engine.stream("GET", f"{path}/logs", params=query) as answer:
            raw = b"".join(answer.iter_content(None))
    except (PluginError, OSError):
        return []
    # A terminal's output comes as it is; in frames, the first byte names the stream.
    data = b"".join(frames([raw])) if raw[:1] in (b"\0", b"\1", b"\2") else raw
    return [line for line in data.decode(errors="replace").splitlines() if line.strip()][-lines:]


def last_health_output(container: dict[str, Any]) -> str:
    """What the last failed health check of an inspected container has written."""
    health = (container.get("State") or {}).get("Health") or {}
    failed = [one for one in health.get("Log") or () if one.get("ExitCode")]
    return str(failed[-1]["Output"]).strip() if failed else ""
