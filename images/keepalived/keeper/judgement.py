"""When a node must do without the address: pure, told only what was answered and when."""

from collections.abc import Iterable
from enum import IntEnum


class Answer(IntEnum):
    """What a load balancer says of itself; more is better."""

    SILENT = 0  # nothing in time
    REFUSED = 1  # nobody there, or stopping
    EMPTY = 2  # serves, but has no replica to forward to
    READY = 3


class Judgement:
    """Whether this node may have the address, from one check to the next.

    A load balancer that is gone may not. One that has no replica may, as long as no other node is
    better off: when all replicas are down, on all nodes, the address stays where it is, and users
    see its page instead of nothing.
    """

    def __init__(self, fall: int, hold: float) -> None:
        self._fall = fall
        self._hold = hold
        self._refusals = fall  # nothing is known yet
        self._worse_since: float | None = None

    def fault(self, own: Answer, others: Iterable[Answer], now: float) -> bool:
        """Judge once more; `now` in s of any clock that only goes forward."""
        if own is Answer.SILENT:
            self._refusals = self._fall
        elif own is Answer.REFUSED:
            self._refusals += 1
        else:
            self._refusals = 0
        worse = own is Answer.EMPTY and Answer.READY in others
        if not worse:
            self._worse_since = None
        elif self._worse_since is None:
            self._worse_since = now
        down = self._refusals >= self._fall
        return down or (self._worse_since is not None and now - self._worse_since >= self._hold)
