"""Machines of a cluster, as components see them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pulumi import ProviderResource


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
