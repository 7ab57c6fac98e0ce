"""Makes Pulumi's SDK quicker without changing what it does; each saving is in docs/performance.md.

The names replaced here are the SDK's own: tests/toolchain/test_language_host.py finds out when
they move.
"""

import asyncio
import sys
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import pulumi
from pulumi.runtime import resource, stack
from pulumi.runtime.proto import source_pb2
from pulumi.runtime.settings import SETTINGS

from toolchain.language_host import quick_version

_wait_for_rpcs = stack.wait_for_rpcs


def install(*, debug: bool) -> None:
    """Take all of them; `debug` says whether somebody wants to see debug messages."""
    quick_version.install()
    stack.wait_for_rpcs = wait_for_rpcs
    # Each resource is registered with its stack: per frame an object for the source line, which is
    # not sent, and one for the path.
    resource._get_stack_trace = stack_trace
    if not debug:
        # Some messages a resource, each a call of the engine that everything else waits for.
        pulumi.log.debug = _nothing


async def wait_for_rpcs(await_all_outstanding_tasks: bool = True) -> None:
    """Wait until every output is there or one has failed, then let the SDK see to the rest.

    Its own loop looks at all that are pending whenever one is done: quadratic in their number.
    """
    while await_all_outstanding_tasks:
        with SETTINGS.lock:
            pending = [output for output in SETTINGS.outputs if not output.done()]
        if not pending:
            break
        done, _ = await asyncio.wait(pending, return_when=asyncio.FIRST_EXCEPTION)
        if any(output.cancelled() or output.exception() for output in done):
            break
    await _wait_for_rpcs(await_all_outstanding_tasks)


def stack_trace() -> Any:
    """Where the resource that is being registered comes from, the innermost frame first.

    As the SDK's own, it leaves out what the SDK and the resource's class do: all up to the third
    `__init__`. Where there is none, it is empty.
    """
    frame: FrameType | None = sys._getframe(1)
    constructors = 0
    while frame and constructors < 3:
        constructors += frame.f_code.co_name == "__init__"
        if constructors < 3:
            frame = frame.f_back
    frame = frame.f_back if frame else None
    frames = []
    while frame:
        frames.append(_frame(frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return source_pb2.StackTrace(frames=frames)


@cache
def _frame(file: str, line: int) -> Any:
    path = Path(file)
    known = source_pb2.SourcePosition(uri=path.as_uri(), line=line) if path.is_absolute() else None
    return source_pb2.StackFrame(pc=known)


def _nothing(*_: Any, **__: Any) -> None:
    """Does nothing."""
