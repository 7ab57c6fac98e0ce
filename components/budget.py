"""Failure budgets: how long an outage a fault may cause, told by the timers that a part sets."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Budget:
    """One fault of one part, and the longest outage that its timers allow."""

    part: str  # load balancer, database, storage ...
    fault: str  # as the fault tests name it
    outage: float  # s without service, at most
    formula: str  # how the timers add up, e.g. `3 x advert + skew`
