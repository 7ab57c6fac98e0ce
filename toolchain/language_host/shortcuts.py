"""Makes Pulumi's SDK quicker without changing what it does; each saving is in docs/performance.md.

The names replaced here are the SDK's own: tests/toolchain/test_language_host.py finds out when
they move.
"""

import asyncio
import linecache
from typing import Any

import pulumi
from pulumi.runtime import stack
from pulumi.runtime.settings import SETTINGS

from toolchain.language_host import quick_version

_wait_for_rpcs = stack.wait_for_rpcs


def install(*, debug: bool) -> None:
    """Take all of them; `debug` says whether somebody wants to see debug messages."""
    quick_version.install()
    stack.wait_for_rpcs = wait_for_rpcs
    # Each resource is registered with the source lines of its stack, and for each of its frames
    # the file was looked at again. No program changes while it runs.
    linecache.checkcache = _nothing
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


def _nothing(*_: Any, **__: Any) -> None:
    """Does nothing."""
