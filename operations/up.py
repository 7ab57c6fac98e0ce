"""`up`: from the settings to a running platform."""

import argparse
import os
import sys
import time
from collections.abc import Mapping

import toolchain.stack
from operations import cluster, heal, listening, preflight, pulumi, timing
from operations.terminal import BOLD, GREEN, colour, table
from toolchain.places import RESULTS

INTERRUPTED = 130  # what shells use for an end by Ctrl-C


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments beside `--stack`."""


def run(arguments: argparse.Namespace) -> int:
    """Check, heal, roll out, and say what to do next; the exit code is Pulumi's."""
    stack = arguments.stack
    started = time.monotonic()
    settings = listening.settings(stack)
    engines = cluster.of(settings)
    preflight.check_ports(engines, stack, listening.listeners(settings))
    toolchain.stack.ensure(stack)
    for login in listening.logins(settings):
        preflight.check_login(engines, login)
    heal.heal(engines, stack)
    first = not pulumi.state(stack).resources
    preflight.check_room(preflight.folders(engines, first))
    stages = timing.bootstrap(RESULTS / "bootstrap.json")
    stages["checks"] = time.monotonic() - started

    events = RESULTS / "up-events.json"
    RESULTS.mkdir(exist_ok=True)
    events.unlink(missing_ok=True)
    # The event log is one of Pulumi's options for debugging.
    os.environ["PULUMI_DEBUG_COMMANDS"] = "true"
    end = pulumi.run("up", "--stack", stack, "--yes", "--event-log", str(events))
    spans = timing.spans(timing.read_events(events))
    events.unlink(missing_ok=True)
    if end.interrupted:
        print(f"\nInterrupted; what was done is recorded. {again(stack)} goes on from here.")
        return INTERRUPTED
    if end.code != 0:
        print(f"\nThe roll-out failed; what ran before goes on. {look(stack)}", file=sys.stderr)
        return end.code
    stages |= spans
    stages["pulumi up, in all"] = end.seconds
    print("\n".join(summary(stack, pulumi.state(stack).outputs.get("url"), stages)))
    return 0


def summary(stack: str, url: object, stages: Mapping[str, float]) -> list[str]:
    """The last lines of a successful run."""
    rows = [(name, f"{seconds:.1f} s") for name, seconds in stages.items()]
    return [
        "",
        *(f"  {line}" for line in table(("STAGE", "TIME"), rows)),
        "",
        colour(f"Stud.IP ({stack}) runs" + (f": {url}" if url else ""), f"{BOLD};{GREEN}"),
        look(stack),
    ]


def again(stack: str) -> str:
    """What to type to roll out once more."""
    return f"`make up{argument(stack)}`"


def look(stack: str) -> str:
    """What to type to see more."""
    suffix = argument(stack)
    return f"Next: make status{suffix} | make logs PART=web{suffix} | make down{suffix}"


def argument(stack: str) -> str:
    """What names the environment to make: nothing for the usual one."""
    return "" if stack == "dev" else f" STACK={stack}"
