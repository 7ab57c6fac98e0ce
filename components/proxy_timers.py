"""How soon the proxy finds out about the members behind it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ProxyTimers:
    """All in s but `fall`; the image takes the same numbers."""

    interval: float = 0.5  # between two checks of a member
    fast_interval: float = 0.25  # after a check that failed
    timeout: float = 1.0  # for one check
    connect: float = 2.0  # until an application gives up one attempt to connect
    fall: int = 2  # failed checks until a member is cut off

    @property
    def detection(self) -> float:
        """Seconds until a member that doesn't answer any more is cut off."""
        return self.interval + (self.fall - 1) * self.fast_interval + self.fall * self.timeout
