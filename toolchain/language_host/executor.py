"""Runs one Pulumi program: reads its order (JSON) from standard input, exits with its verdict."""

# ruff: noqa: E402
import atexit
import gc
import os
import sys

# Looking for garbage in what is being imported finds none.
gc.disable()
verdict: int | None = None


@atexit.register
def _leave() -> None:
    """End at once: to take the interpreter apart costs a tenth of a second.

    First in, last out: by now every thread has ended, and what else was registered has run.
    """
    if verdict is not None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(verdict)


import asyncio
import json
import logging
import re
import runpy
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pulumi
import pulumi.runtime

from toolchain.language_host import SHOWN, shortcuts

# Objects that are made between two looks for garbage. A program's objects live until its end:
# the default of 700 doubles the time of one with 800 services, and finds 20 MiB.
GARBAGE = 1_000_000
# s; while the loop is busy, each answer of the engine waits for it as long as this.
SWITCH = 0.0005
# How the SDK tells that a plugin could not answer, around what the plugin says itself.
INVOKE_FAILED = re.compile(
    r"invoke of \S+ failed: (invocation of \S+ returned an error: )?(?P<reason>.+)", re.DOTALL
)


def main() -> int:
    """Wait for the order, run it, say how it ended."""
    order = sys.stdin.read()
    if not order:
        return 0  # the engine never asked
    sys.setswitchinterval(SWITCH)
    gc.freeze()
    gc.set_threshold(GARBAGE)
    gc.enable()
    return run(json.loads(order))


def run(order: dict[str, Any]) -> int:
    """Run the program of `order` (see `LanguageHost.Run`) against its engine."""
    pulumi.runtime.set_all_config(order["config"], order["secret_keys"])
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            monitor=order["monitor"],
            engine=order["engine"],
            project=order["project"],
            stack=order["stack"],
            parallel=order["parallel"],
            dry_run=order["dry_run"],
            organization=order["organization"],
            root_directory=order["root_directory"],
        )
    )
    shortcuts.install(debug=order["debug"])
    os.chdir(order["folder"])
    program = Path(order["program"]).resolve()
    sys.argv = [str(program), *order["args"]]

    # Outputs behind a failed one are never awaited; the failure itself is told below, once.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    workers = ThreadPoolExecutor(max_workers=max(order["parallel"], 1) * 4)
    loop.set_default_executor(workers)
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: _execute(program)))
    except pulumi.RunError as error:
        # Each line is a message of its own, for instance one wrong setting.
        pulumi.log.error(str(error))
        return SHOWN
    except Exception as error:
        said = _said_by_plugin(error)
        pulumi.log.error(
            said or f"Program failed with an unhandled exception:\n{_trace(error, program)}"
        )
        return SHOWN
    finally:
        workers.shutdown(wait=True)
        loop.close()
    return 0


def _execute(program: Path) -> None:
    runpy.run_path(str(program), run_name="__main__")


def _said_by_plugin(error: Exception) -> str | None:
    """What a plugin says of a question that it could not answer: it is told without a trace."""
    found = INVOKE_FAILED.fullmatch(str(error))
    return found["reason"] if found else None


def _trace(error: Exception, program: Path) -> str:
    """The traceback from the program's own first line on."""
    frames = traceback.extract_tb(error.__traceback__)
    folder = program if program.is_dir() else program.parent
    own = [index for index, frame in enumerate(frames) if Path(frame.filename).parent == folder]
    shown = frames[own[0] :] if own else frames
    return "".join([*traceback.format_list(shown), *traceback.format_exception_only(error)])


if __name__ == "__main__":
    verdict = main()
    sys.exit(verdict)
