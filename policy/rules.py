"""What deployed services and one-shot containers must keep, as pure functions over properties.

Properties are plain values under the names of the resource plugin (`taskSpec`, `containerSpec`);
what only an update will tell is `UNKNOWN`. Each rule yields one sentence for each violation; where
they come from is said in DESIGN's table "What Stud.IP needs from a cluster" and its style rules.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

from components.labels import PART
from components.storage import NODES, STATE

BY_DIGEST = re.compile(r"(^|@)sha256:[0-9a-f]{64}$")
SECRET_NAME = re.compile(r"(PASSWORD|PASSWD|SECRET|TOKEN|PRIVATE_KEY)(?!.*_FILE$)")

# What a part needs beside what every container has, which is nothing.
CAPABILITIES: Mapping[str, Sequence[str]] = {
    "address": ("CAP_NET_ADMIN", "CAP_NET_RAW"),  # addresses of the node, and VRRP
    "storage": (  # owners of files, mounts, and the attributes by which copies keep count
        "CAP_CHOWN",
        "CAP_DAC_OVERRIDE",
        "CAP_DAC_READ_SEARCH",
        "CAP_FOWNER",
        "CAP_FSETID",
        "CAP_MKNOD",
        "CAP_SETGID",
        "CAP_SETUID",
        "CAP_SYS_ADMIN",
    ),
}

UNKNOWN: Final = object()  # a value that a preview can't tell


class NotKnown(Exception):
    """A rule asks for an unknown value; the update asks again, and gets it."""


def known(value: Any) -> Any:
    """The value; raises NotKnown where a preview can't tell it."""
    if value is UNKNOWN:
        raise NotKnown
    return value


class Container(Protocol):
    """What a service's tasks and a one-shot container have in common."""

    @property
    def image(self) -> str:
        """Reference of its image."""

    @property
    def env(self) -> Mapping[str, Any]:
        """Its environment; values may be `UNKNOWN`."""

    @property
    def memory_limit(self) -> object:
        """Its memory limit, in the plugin's unit; empty where it has none."""

    @property
    def log_options(self) -> Mapping[str, str]:
        """Options of its log driver."""

    @property
    def capabilities(self) -> Sequence[str]:
        """What it may do beside what everybody may."""

    @property
    def part(self) -> str:
        """The part it belongs to, from its label; empty where it has none."""


@dataclass(frozen=True)
class ContainerView:
    """A one-shot container's properties."""

    properties: Mapping[str, Any]

    @property
    def image(self) -> str:
        return str(known(self.properties.get("image", "")))

    @property
    def env(self) -> Mapping[str, Any]:
        pairs = [item for item in self.properties.get("envs") or () if item is not UNKNOWN]
        return dict(str(pair).split("=", 1) for pair in pairs)

    @property
    def memory_limit(self) -> object:
        return self.properties.get("memory")

    @property
    def log_options(self) -> Mapping[str, str]:
        return self.properties.get("logOpts") or {}

    @property
    def capabilities(self) -> Sequence[str]:
        return (self.properties.get("capabilities") or {}).get("adds") or ()

    @property
    def part(self) -> str:
        return _part(self.properties)


@dataclass(frozen=True)
class ServiceView:
    """A Swarm service's properties, with the parts that rules ask for."""

    properties: Mapping[str, Any]

    @property
    def part(self) -> str:
        return _part(self.properties)

    @property
    def capabilities(self) -> Sequence[str]:
        return self.container.get("capAdds") or ()

    @property
    def task(self) -> Mapping[str, Any]:
        """Specification of its tasks."""
        return self.properties.get("taskSpec") or {}

    @property
    def container(self) -> Mapping[str, Any]:
        """Specification of the container in each task."""
        return self.task.get("containerSpec") or {}

    @property
    def image(self) -> str:
        return str(known(self.container.get("image", "")))

    @property
    def env(self) -> Mapping[str, Any]:
        return self.container.get("env") or {}

    @property
    def memory_limit(self) -> object:
        return ((self.task.get("resources") or {}).get("limits") or {}).get("memoryBytes")

    @property
    def log_options(self) -> Mapping[str, str]:
        return (self.task.get("logDriver") or {}).get("options") or {}

    @property
    def replicas(self) -> int:
        """How many tasks there are to be."""
        replicated = (self.properties.get("mode") or {}).get("replicated") or {}
        return int(replicated.get("replicas", 1))

    @property
    def is_application(self) -> bool:
        """Whether it runs the platform's application."""
        return self.part in ("web", "cron")


def _part(properties: Mapping[str, Any]) -> str:
    labels = {item["label"]: item["value"] for item in properties.get("labels") or ()}
    return str(labels.get(PART, ""))


ContainerRule = Callable[[Container], Iterator[str]]
ServiceRule = Callable[[ServiceView], Iterator[str]]


def image_by_digest(container: Container) -> Iterator[str]:
    """A tag can move under a running service."""
    if not BY_DIGEST.search(container.image):
        yield f"image must be referenced as name@sha256:..., got {container.image}"


def no_secret_in_environment(container: Container) -> Iterator[str]:
    """Everybody who may inspect a container reads its environment."""
    for name in sorted(container.env):
        if SECRET_NAME.search(name):
            yield f"environment variable {name} would carry a secret; give a file ({name}_FILE)"


def converges(service: ServiceView) -> Iterator[str]:
    """Without it a roll-out that fails counts as done."""
    if not service.properties.get("convergeConfig"):
        yield "convergeConfig must be set, so that a failed roll-out fails the update"


def is_limited(container: Container) -> Iterator[str]:
    """One container must not take its node's memory or disk from the others."""
    if not container.memory_limit:
        yield "a memory limit must be set"
    if "max-size" not in container.log_options:
        yield "log rotation (max-size) must be set"


def is_hardened(service: ServiceView) -> Iterator[str]:
    """Containers write to their mounts only."""
    if not service.container.get("readOnly"):
        yield "the root file system must be read-only"


def has_no_more_rights_than_its_part(container: Container) -> Iterator[str]:
    """Capabilities open the node; each has a part that can't do without."""
    allowed = CAPABILITIES.get(container.part, ())
    if wrong := [name for name in container.capabilities if name not in allowed]:
        yield f"capabilities must not be added, got {', '.join(wrong)}"


def only_load_balancer_is_published(service: ServiceView) -> Iterator[str]:
    """All other parts are reached through the cluster's own networks.

    Web replicas may be, on their nodes, for an external one: they know whose headers to believe.
    """
    ports = (service.properties.get("endpointSpec") or {}).get("ports") or ()
    if service.part == "web" and "TRUSTED_PROXIES" in service.env:
        ports = [port for port in ports if port.get("publishMode") != "host"]
    if ports and service.part != "load-balancer":
        published = ", ".join(str(port.get("publishedPort")) for port in ports)
        yield f"only the load balancer may publish ports, got {published}"


def migrations_have_a_lock(service: ServiceView) -> Iterator[str]:
    """`cli/studip migrate` has none: replicas that start together would run it together."""
    if service.is_application and known(service.env.get("AUTO_MIGRATE", "0")) != "0":
        yield "AUTO_MIGRATE must be 0 on replicas; the migrate job does it once, under a lock"


def one_cron_worker(service: ServiceView) -> Iterator[str]:
    """Its own lock is a file on local disk, which a second worker does not see."""
    if service.part != "cron":
        return
    if service.replicas != 1:
        yield f"there must be exactly one cron worker, got {service.replicas}"
    if (service.properties.get("updateConfig") or {}).get("order") != "stop-first":
        yield "the cron worker must be replaced stop-first, else two run at once"


def replicas_share_a_cache(service: ServiceView) -> Iterator[str]:
    """The file cache below /tmp is each replica's own."""
    if service.part == "web" and service.replicas > 1 and "CACHE_KIND" not in service.env:
        yield f"{service.replicas} replicas need a shared cache (redis); each would keep its own"


def forwarded_host_is_not_trusted(service: ServiceView) -> Iterator[str]:
    """AUTO_PROXY believes X-Forwarded-Host, which a client can send."""
    if not service.is_application:
        return
    if known(service.env.get("AUTO_PROXY", "0")) not in ("", "0"):
        yield "AUTO_PROXY must be off; it trusts X-Forwarded-Host"
    if not service.env.get("PROXY_URL"):
        yield "PROXY_URL must name the address that users type"


def state_is_shared(service: ServiceView) -> Iterator[str]:
    """What one replica writes, the others must read; what can be rebuilt must not be shared."""
    if not service.is_application:
        return
    kinds = {mount["target"]: mount["type"] for mount in service.container.get("mounts") or ()}
    for state in STATE:
        kind = kinds.get(state.target)
        if state.shared and kind not in ("volume", "bind"):
            yield f"{state.target} must be on shared storage, got {kind or 'nothing'}"
        if not state.shared and kind in ("volume", "bind"):
            yield f"{state.target} can be rebuilt and must stay local, got {kind}"


def writable_tmp(service: ServiceView) -> Iterator[str]:
    """Stud.IP keeps its locks and log below /tmp; each container needs its own."""
    if not service.is_application:
        return
    kinds = {mount["target"]: mount["type"] for mount in service.container.get("mounts") or ()}
    if kinds.get("/tmp") != "tmpfs":
        yield f"/tmp must be a tmpfs, got {kinds.get('/tmp', 'nothing')}"


CONTAINER_RULES: tuple[ContainerRule, ...] = (
    image_by_digest,
    no_secret_in_environment,
    is_limited,
    has_no_more_rights_than_its_part,
)
SERVICE_RULES: tuple[ServiceRule, ...] = (
    converges,
    is_hardened,
    only_load_balancer_is_published,
    migrations_have_a_lock,
    one_cron_worker,
    replicas_share_a_cache,
    forwarded_host_is_not_trusted,
    state_is_shared,
    writable_tmp,
)


def violations(properties: Mapping[str, Any], *, service: bool = True) -> list[str]:
    """Every sentence of every rule about one service, or one-shot container; empty if none.

    A rule that asks for an unknown value says no more than it could until there.
    """
    found: list[str] = []
    view = ServiceView(properties) if service else ContainerView(properties)
    broken = [rule(view) for rule in CONTAINER_RULES]
    if isinstance(view, ServiceView):
        broken += [rule(view) for rule in SERVICE_RULES]
    for sentences in broken:
        with suppress(NotKnown):
            for sentence in sentences:
                found.append(sentence)  # what came before a NotKnown stays
    return found


def warnings(properties: Mapping[str, Any]) -> list[str]:
    """What is allowed to a service, and worth a second thought."""
    return [
        f"{mount['target']} is a folder of the node ({mount.get('source')}): it is not the same "
        "folder on another node"
        for mount in ServiceView(properties).container.get("mounts") or ()
        if mount["type"] == "bind" and not _is_shared(mount.get("source"))
    ]


def _is_shared(source: object) -> bool:
    """Whether all nodes see the same; only the platform's folders can't be told in a preview."""
    return source is UNKNOWN or str(source).startswith(f"{NODES}/")
