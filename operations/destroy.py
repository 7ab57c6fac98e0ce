"""`destroy`: everything goes, data included."""

import argparse

from operations import cluster, engine, heal, pulumi, up
from operations.engine import Thing
from operations.terminal import confirm


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments beside `--stack`."""


def run(arguments: argparse.Namespace) -> int:
    """Say what will be lost, ask on a terminal, destroy; the exit code is Pulumi's."""
    stack = arguments.stack
    engines = cluster.engines(stack)
    heal.release(stack)
    print("\n".join(announcement(stack, engine.things(engines, stack))), flush=True)
    confirm(f"Destroy {stack}?", unattended=True)
    heal.heal(engines, stack)
    end = pulumi.run("destroy", "--stack", stack, "--yes", "--skip-preview")
    if end.interrupted:
        print("\nInterrupted; what was done is recorded. `make destroy` goes on from here.")
        return up.INTERRUPTED
    if end.code == 0:
        print(f"\n{stack} is gone, with its data. Next: {up.again(stack)} makes a new, empty one")
    return end.code


def announcement(stack: str, things: list[Thing]) -> list[str]:
    """What `destroy` is about to take away, the data first."""
    volumes = sorted(thing.name for thing in things if thing.kind == "volume")
    others = sorted(str(thing) for thing in things if thing.kind != "volume")
    return [
        f"This destroys {stack}. THE DATA IN ITS VOLUMES WILL BE GONE:",
        *(f"  volume {name}" for name in volumes or ["(none)"]),
        "and with it:",
        *(f"  {other}" for other in others or ["(nothing runs)"]),
    ]
