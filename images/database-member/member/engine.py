"""What the supervisor asks of a database."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from member.report import Position, Report, State


@dataclass(frozen=True, kw_only=True)
class Held:
    """What a disk holds while its member takes part in no cluster."""

    state: State  # empty, broken, unreadable or waiting
    cluster: str = ""
    position: Position = 0
    safe: bool = False


@dataclass(frozen=True, kw_only=True)
class Status:
    """A member as its running database tells."""

    # joining, synced, donor or minority; waiting: it runs, but takes part in no cluster any more
    state: State
    cluster: str = ""
    position: Position = 0
    since: int = 0  # see Report
    view: tuple[int, ...] = ()


class Unanswered(Exception):
    """The database gave no answer, or a refusal."""


class Engine(Protocol):
    """A database that can be a member of a cluster. One object for the life of a container."""

    volume: Path
    """The member's own disk. The supervisor keeps `forks.json` there and looks for
    `force-bootstrap`; the data are in a folder of their own."""

    process: subprocess.Popen[bytes] | None
    """The daemon, once it runs. When it ends, the container ends with its exit code."""

    def prepare(self) -> Held:
        """Find out what the disk holds. It may start the daemon, outside of any cluster."""

    def start(self, *, bootstrap: bool, peers: Sequence[Report]) -> None:
        """Become a member: of a new cluster, or of the one that `peers` serve.

        Returns at once; `status` tells how it goes.
        """

    def status(self, peers: Mapping[int, Report | None]) -> Status:
        """How the running database is; Unanswered after at most 3 s.

        `peers`: what the others say, where the database can't be trusted alone.
        """

    def restore(self) -> None:
        """Let this running member, which lost the majority, be the cluster."""

    def writer(self, me: Report, peers: Mapping[int, Report | None]) -> bool:
        """Whether writes may go to this serving member."""

    def hand_over(self, peers: Mapping[int, Report | None]) -> None:
        """Let another member take the writes, where that doesn't follow from reports alone.

        Called once when the one that takes them is about to stop, some time before its daemon is.
        Returns at once.
        """

    def serve(self, me: Report) -> None:
        """Called every half second while the member serves: accounts, settings ..."""

    def covers(self, one: Position, other: Position) -> bool:
        """Whether position `one` has everything that `other` has."""
