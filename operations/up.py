"""`up`: from the settings to a running platform."""

import argparse
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPException

import toolchain.stack
from operations import cluster, heal, listening, preflight, pulumi, timing
from operations.terminal import BOLD, GREEN, colour, table
from toolchain.places import RESULTS

PATIENCE = 30.0  # s until a load balancer that is up must have found a replica
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
    url = pulumi.state(stack).outputs.get("url")
    if isinstance(url, str):
        began = time.monotonic()
        served = wait_for_page(url)
        stages["first page"] = time.monotonic() - began
    print("\n".join(summary(stack, url, stages)))
    if isinstance(url, str) and not served:
        print(f"{url} still answers that there is no replica.", file=sys.stderr)
        return 1
    return 0


def wait_for_page(url: str, patience: float = PATIENCE) -> bool:
    """Wait while the load balancer has found no replica; whether one answers within `patience` s.

    An address that can't be reached from here, such as a name that only others know, is not waited
    for.
    """
    # Whose certificate it is does not matter here; no proxy stands before a site's own address.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            opener.open(url, timeout=5).close()
        except urllib.error.HTTPError as error:
            if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
                return True
        except (OSError, HTTPException):
            return True
        else:
            return True
        time.sleep(0.2)
    return False


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
