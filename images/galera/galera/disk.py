"""What a data directory says about its history, read while no server runs on it."""

import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from member.engine import Held

NOBODY = "00000000-0000-0000-0000-000000000000"
UNKNOWN = -1  # the position of a server that was not stopped in order
RECOVERED = re.compile(r"WSREP: Recovered position: ([0-9a-f-]{36}):(-?\d+)")


@dataclass(frozen=True, kw_only=True)
class Saved:
    """Galera's own file `grastate.dat`."""

    cluster: str
    position: int
    safe: bool


@dataclass(frozen=True)
class History:
    """A cluster's UUID and how far its history goes on this disk."""

    cluster: str
    position: int


def held(data: Path, recover: Callable[[], History | None]) -> Held:
    """What the data directory holds. `recover` asks the storage engine, which takes a while."""
    if not data.is_dir() or not any(data.iterdir()):
        return Held(state="empty")
    complete = (data / "mysql").is_dir() and (data / "ibdata1").is_file()
    if not complete or (data / "sst_in_progress").exists():
        return Held(state="broken")  # a copy from another member that did not end
    saved = read(data / "grastate.dat")
    if saved and saved.cluster != NOBODY and saved.position != UNKNOWN:
        return Held(
            state="waiting", cluster=saved.cluster, position=saved.position, safe=saved.safe
        )
    found = recover()
    if found is None:
        return Held(state="unreadable")
    if found.cluster == NOBODY:
        # Never part of a cluster: of a server without others, or killed in its first start.
        return Held(state="waiting" if not saved or saved.cluster == NOBODY else "broken")
    if saved and saved.cluster != found.cluster:
        return Held(state="broken")  # it left as inconsistent: Galera took its history away
    return Held(state="waiting", cluster=found.cluster, position=found.position)


def read(path: Path) -> Saved | None:
    """`grastate.dat`; None where it is missing or no such file."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    fields = dict(re.findall(r"(?m)^(\w+):\s*(\S+)$", text))
    try:
        return Saved(
            cluster=fields["uuid"],
            position=int(fields["seqno"]),
            safe=fields.get("safe_to_bootstrap") == "1",
        )
    except (KeyError, ValueError):
        return None


def recovered(command: Sequence[str]) -> History | None:
    """Where the storage engine stopped, after its own recovery; None if that fails."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    found = RECOVERED.findall(done.stdout)
    if done.returncode != 0 or not found:
        print(done.stdout, flush=True)
        return None
    return History(found[-1][0], int(found[-1][1]))


def allow_bootstrap(data: Path) -> None:
    """Take away the mark by which Galera refuses to start a cluster from this disk."""
    path = data / "grastate.dat"
    if path.exists():
        text = path.read_text()
        path.write_text(re.sub(r"(?m)^safe_to_bootstrap:.*$", "safe_to_bootstrap: 1", text))
