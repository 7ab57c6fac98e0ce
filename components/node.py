"""Machines of a cluster, as components see them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pulumi import ProviderResource

from components.budget import Budget

# Swarm's own (dispatcher of swarmkit): a node is down after so many heartbeats that are missing.
HEARTBEAT, MISSED = 5.0, 3  # s
TASK_START = 10.0  # s until a task on another node is healthy, its image there


@dataclass(frozen=True, kw_only=True)
class Node:
    """One machine: what must be on it goes through its own engine, or by its name to Swarm."""

    name: str  # host name, as the orchestrator knows it
    address: str  # IP address that the other nodes use
    provider: ProviderResource | None = None  # its engine; none: the default one
    labels: Mapping[str, str] = field(default_factory=dict)  # such as zone

    @property
    def constraint(self) -> str:
        """Swarm's placement constraint for what must run on this node."""
        return f"node.hostname == {self.name}"


def apart_from(nodes: Iterable[Node]) -> list[str]:
    """Swarm's placement constraints for what may run anywhere but on these nodes."""
    return [f"node.hostname != {node.name}" for node in nodes]


def budgets() -> list[Budget]:
    """How long what runs once may be away with its node; what runs several times goes on."""
    return [
        Budget(
            part="swarm",
            fault="node lost",
            outage=HEARTBEAT * MISSED + TASK_START,
            formula=f"{MISSED} x heartbeat + task start",
        )
    ]
