"""What every container of the platform is described with, on either orchestrator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pulumi import Input

RESTART_DELAY = 2.0  # s after a task has ended until the next one starts


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a container may use at most (limit) and is promised (reservation)."""

    cpu_limit: float  # cores
    memory_limit: int  # MiB
    cpu_reservation: float = 0.0  # cores
    memory_reservation: int = 0  # MiB


@dataclass(frozen=True, kw_only=True)
class SecretFile:
    """A file in /run/secrets that only the container's own user can read."""

    name: str  # file name, without folder
    content: Input[str]  # passed through, kept secret

    @property
    def path(self) -> str:
        """Where the container finds it."""
        return f"/run/secrets/{self.name}"


@dataclass(frozen=True, kw_only=True)
class ConfigFile:
    """A configuration file, readable by all in the container."""

    path: str  # absolute path in the container
    content: Input[str]  # passed through


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A volume, a tmpfs or a folder of the node, at `target` in the container."""

    target: str  # absolute path in the container
    kind: Literal["volume", "tmpfs", "bind"]
    source: Input[str] | None = None  # volume name or path on the node; none for tmpfs
    size: int | None = None  # MiB, tmpfs only
    mode: int | None = None  # permission bits, tmpfs only
    read_only: bool = False
    # Of the volume, for the one that Swarm makes by itself where a disk has been lost.
    labels: Mapping[str, str] = field(default_factory=dict)
    # Whether what is mounted below a bind later, on either side, shows on the other.
    propagation: Literal["rprivate", "rslave", "rshared"] | None = None


LOOKS = 12  # in one check of the engine's, while all is well
# Each check starts a process in the container, which costs the engine many times what the look
# itself does. So one check goes on looking; it ends with the first look that fails, and the check
# after that is one look again.
WATCH = (
    f"n=1; rm /dev/shm/well 2>/dev/null && n={LOOKS}; "
    'while [ $n -gt 0 ]; do timeout "$0" "$@" || exit 1; n=$((n - 1)); done; >/dev/shm/well'
)


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """A command that succeeds while the container is healthy.

    The interval counts for the first check too, so it is short: the command itself waits until the
    container is ready, and pauses for 5 s before each later look.
    """

    command: Sequence[str]
    interval: float = 0.25  # s from the start to the first check, and between two
    timeout: float = 12.0  # s for one look, its pause included
    retries: int = 3  # failures in a row until the container is unhealthy
    start_period: float = 60.0  # s in which failures do not count

    @property
    def test(self) -> list[str]:
        """What the engine runs in the container, in Docker's notation."""
        return ["CMD", "sh", "-c", WATCH, f"{self.timeout:g}", *self.command]

    @property
    def longest(self) -> float:
        """s after which the engine ends a check by itself."""
        return (LOOKS + 1) * self.timeout


@dataclass(frozen=True, kw_only=True)
class Update:
    """How a new version replaces the running one; a failed one is rolled back."""

    order: Literal["start-first", "stop-first"]
    parallelism: int = 1  # replicas at a time
    delay: float = 0.0  # s between two batches
    monitor: float = 5.0  # s a new replica is watched for failure
    timeout: float = 180.0  # s until the whole roll-out counts as failed


@dataclass(frozen=True, kw_only=True)
class Logging:
    """Rotation of a container's log on its node."""

    max_size: int = 10  # MiB per file
    max_files: int = 3


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port of the container that the node offers to the outside."""

    target: int  # port in the container
    published: int  # port on the node


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network that a container joins."""

    id: Input[str]  # passed through
    name: Input[str]  # passed through; DNS and one-shot containers go by it
    predefined: bool = False  # the engine's own (bridge, host, none)
    outside: bool = False  # gives addresses of the site's own network: no port is published


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One container's image and surroundings, the same for services and one-shot jobs."""

    image: Input[str]  # name@sha256:...
    labels: Mapping[str, str]
    networks: Sequence[Network]
    resources: Resources
    command: Sequence[str] = ()  # replaces the image's CMD, its ENTRYPOINT stays
    env: Mapping[str, Input[str]]  # never a secret
    secrets: Sequence[SecretFile] = ()
    configs: Sequence[ConfigFile] = ()
    mounts: Sequence[Mount] = ()
    user: int | None = None  # uid that may read the secrets; none: root
    capabilities: Sequence[str] = ()  # `CAP_...`, beside none at all; policy names who may
    logging: Logging = Logging()
