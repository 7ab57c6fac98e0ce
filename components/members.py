"""Members of a cluster that keeps data: one service each, on a node and a volume of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pulumi import Input

from components.node import Node
from components.workload import ConfigFile, Logging, Mount, Network, Resources, SecretFile


@dataclass(frozen=True, kw_only=True)
class MemberTimers:
    """How members watch each other, in s; the supervisor in the image takes the same numbers."""

    tick: float = 0.25  # between two looks at the database
    poll: float = 0.4  # between two questions to the other members
    grace: float = 5.0  # without any peer until a member says that it is healthy
    hang: float = 60.0  # without an answer of the database until it says that it is not
    join: float = 3600.0  # for a copy of all data; Swarm ends a member that takes longer

    full: ClassVar[float] = 1.0  # with a full disk until a member leaves; the image's own


@dataclass(frozen=True, kw_only=True)
class MembersArgs:
    """What all members have in common, and where they are."""

    count: int  # members, on the nodes in turn
    nodes: Sequence[Node]
    data: str  # absolute path in the container where the volume is mounted
    user: int  # uid of the database
    image: Input[str]  # passed through
    network: Network
    env: Mapping[str, Input[str]]
    secrets: Sequence[SecretFile]
    configs: Sequence[ConfigFile]
    mounts: Sequence[Mount]  # beside the volume
    timers: MemberTimers
    stop_grace_period: float  # s
    labels: Mapping[str, str]
    resources: Resources
    logging: Logging


def hosts(name: str, count: int) -> list[str]:
    """Names of the members' services, which are their host names too."""
    return [f"{name}-{number}" for number in range(1, count + 1)]
