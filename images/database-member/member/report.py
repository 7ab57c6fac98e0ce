"""What a member says of itself, at `GET /position`."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

State = Literal[
    "empty",  # nothing on its disk
    "broken",  # data without a known history, as after an interrupted copy: worth nothing
    "unreadable",  # data whose history could not be found out: it may be the newest
    "waiting",  # data on its disk, the database doesn't take part in any cluster
    "joining",  # the database starts or joins, with or without others
    "synced",  # serves
    "donor",  # serves, and copies its data to another member
    "minority",  # runs, but lost sight of the majority
    "stopping",  # ends in order
]
SERVING: frozenset[State] = frozenset({"synced", "donor"})
STOPPED: frozenset[State] = frozenset({"empty", "broken", "unreadable", "waiting"})

# How far a history goes: a number of transactions, or a set of them, as the engine has it.
Position = int | str
# `covers(a, b)`: whether position `a` has everything that `b` has.
Covers = Callable[[Position, Position], bool]


@dataclass(frozen=True, kw_only=True)
class Fork:
    """An operator's order to go on although a newer position may exist somewhere.

    Whoever went further than `position` without knowing of it has another history.
    """

    id: str  # random
    position: Position


@dataclass(frozen=True, kw_only=True)
class Report:
    """One member: its state and how far its history goes."""

    member: int  # 1 ..
    state: State
    cluster: str = ""  # UUID of its history; empty where there is none
    position: Position = 0
    safe: bool = False  # it was the last to leave its cluster in order
    forks: frozenset[Fork] = frozenset()
    # When it became part of the cluster, or the view that it is in, as the cluster counts.
    since: int = 0
    view: tuple[int, ...] = ()  # members that it knows beside it, to be shown only
    full: bool = False  # its disk has no room
    writer: bool = False

    @property
    def serves(self) -> bool:
        """Whether it is part of a cluster with a majority."""
        return self.state in SERVING

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), default=lambda forks: [vars(fork) for fork in forks])


KNOWN = {field.name for field in fields(Report)}


def from_json(text: str) -> Report:
    """What a peer sent; a ValueError where it is no report. A newer one may say more."""
    try:
        said: Any = json.loads(text)
        values = {name: value for name, value in said.items() if name in KNOWN}
        report = Report(
            **values
            | {
                "forks": frozenset(Fork(**fork) for fork in values.get("forks", ())),
                "view": tuple(values.get("view", ())),
            }
        )
    except (TypeError, AttributeError) as error:
        raise ValueError(f"no report: {error}") from None
    if report.state not in get_args(State) or not isinstance(report.member, int):
        raise ValueError(f"no report: {text[:100]}")
    return report
