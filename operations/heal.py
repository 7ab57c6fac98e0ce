"""What an interrupted run left behind, put right before the next one begins."""

import json
import os
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from components.labels import PART
from operations import engine, pulumi
from operations.engine import Engines, Thing
from toolchain.failure import Failure

PROC = Path("/proc")
ZOMBIE = "Z"  # ended, but nobody asked for its exit code yet
SCHEME = "file://"


@dataclass(frozen=True)
class Lock:
    """Pulumi's mark that a process works on a stack."""

    pid: int
    host: str
    user: str
    since: str


def heal(engines: Engines, stack: str) -> None:
    """Free the stack from a dead process's lock, and finish or undo what was half done."""
    release(stack)
    state = pulumi.state(stack)
    if not state.pending:
        return
    print(f"An earlier run was interrupted in the middle of {len(state.pending)} operations:")
    for operation in state.pending:
        print(f"  {operation.kind} {operation.resource.name}")
    for thing in half_made(engine.things(engines, stack), state):
        print(f"  removing the half-made {thing}")
        engine.remove(engines, thing)
    print("Reading how things are now ...", flush=True)
    end = pulumi.run(
        "refresh", "--stack", stack, "--yes", "--skip-preview", "--clear-pending-creates"
    )
    if end.code != 0 or end.interrupted:
        raise Failure(f"how things are in {stack} could not be read; nothing else was changed")


def half_made(things: Iterable[Thing], state: pulumi.State) -> list[Thing]:
    """What an interrupted creation left on the engine and would stand in the way of the next.

    A volume stays: it may hold data, and creating one that exists takes it as it is.
    """
    creating = [op.resource for op in state.pending if op.kind == "creating"]
    names = {resource.name for resource in creating}
    # The engine names one-shot containers: their part tells them.
    jobs = {r.label(PART) for r in creating if r.type == pulumi.CONTAINER}
    return [
        thing
        for thing in things
        if thing.id not in state.ids
        and thing.kind != "volume"
        and (thing.part in jobs if thing.kind == "container" else thing.name in names)
    ]


def release(stack: str) -> None:
    """Remove the stack's lock if the process that held it is gone; raises Failure if it lives."""
    locks = [read(path) for path in lock_files(stack)]
    for lock in locks:
        if lock.host != socket.gethostname():
            raise Failure(
                f"{lock.user} on {lock.host} works on {stack} since {lock.since}; wait for the "
                f"end, or, if that machine is gone, run `pulumi cancel --stack {stack}`"
            )
        if alive(lock.pid):
            raise Failure(
                f"process {lock.pid} ({lock.user}) works on {stack} since {lock.since}; "
                "wait for its end, or interrupt it"
            )
    if locks:
        print(f"Process {locks[0].pid} ended without giving {stack} free: releasing its lock.")
        pulumi.capture("cancel", "--stack", stack, "--yes")


def lock_files(stack: str) -> list[Path]:
    """Lock files of a stack; none where the state is not in a folder of this machine."""
    address = os.environ.get("PULUMI_BACKEND_URL", "")
    if not address.startswith(SCHEME):
        return []
    folder = Path(address.removeprefix(SCHEME)).expanduser() / ".pulumi" / "locks"
    return sorted(folder.glob(f"organization/*/{stack}/*.json"))


def read(path: Path) -> Lock:
    """A lock file's content."""
    try:
        raw = json.loads(path.read_text())
        return Lock(raw["pid"], raw["hostname"], raw["username"], raw["timestamp"])
    except (OSError, ValueError, KeyError) as error:
        raise Failure(f"{path}: not a lock file of Pulumi ({error}); remove it") from None


def alive(pid: int) -> bool:
    """Whether a Pulumi with this process identifier runs; another program may have it by now."""
    try:
        name, state = re.findall(r"\((.*)\) (\S)", (PROC / str(pid) / "stat").read_text())[0]
    except OSError:
        return False
    return bool(name.startswith("pulumi") and state != ZOMBIE)
