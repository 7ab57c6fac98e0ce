"""What one setting demands of another, and which kinds can be deployed today."""

from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

Sections = dict[str, Any]  # by name; None where a section is wrong in itself
Finding = tuple[str, str]  # key, what is wrong

# Kinds that `stacks/<orchestrator>.py` deploys. What is not in it is typed, and refused.
AVAILABLE: dict[str, dict[str, tuple[str, ...]]] = {
    "swarm": {
        "registry.kind": ("distribution", "external"),
        "database.kind": ("single", "external"),
        "cache.kind": ("redis", "file", "external"),
        "load_balancer.kind": ("haproxy", "external"),
        "storage.kind": ("local", "external"),
        "gitlab.kind": ("none",),
        "networks.edge.driver": ("overlay", "bridge", "host", "none"),
        "networks.application.driver": ("overlay",),
        "networks.data.driver": ("overlay",),
    },
}


def check(sections: Sections, folder: Path) -> list[Finding]:
    """Everything that is wrong between sections; those that are wrong in themselves are left out.

    Paths in settings are relative to `folder`, that of the file.
    """
    found: list[Finding] = []
    for needs, rule in RULES:
        if all(sections[name] is not None for name in needs):
            found += rule(*(sections[name] for name in needs), folder)
    return found


def _available(orchestrator: str, *sections: Any) -> Iterator[Finding]:
    *parts, _ = sections
    if orchestrator not in AVAILABLE:
        yield (
            "orchestrator",
            f"{orchestrator} is not available yet; available: {', '.join(AVAILABLE)}",
        )
        return
    named = dict(zip(PARTS, parts, strict=False))
    for key, kinds in AVAILABLE[orchestrator].items():
        section, *rest = key.split(".")
        value = named[section]
        for name in rest:
            value = getattr(value, name)
        if value not in kinds:
            yield (
                key,
                f"{value} is not available yet on {orchestrator}; available: {', '.join(kinds)}",
            )
    nodes = parts[len(PARTS)]
    if len(nodes) > 1:
        yield "nodes", f"more than one is not available yet on {orchestrator}, got {len(nodes)}"
    if named["load_balancer"].vrrp is not None:
        yield "load_balancer.vrrp", f"is not available yet on {orchestrator}; leave it out"


def _database(database: Any, _: Path) -> Iterator[Finding]:
    clustered = database.kind in ("galera", "innodb-cluster")
    members = database.members
    if clustered and members is not None and (members < 3 or members % 2 == 0):
        yield "database.members", f"must be odd and at least 3, got {members}"
    if not clustered and members not in (None, 1):
        yield "database.members", f"must be 1 for the kind {database.kind}, got {members}"
    yield from _external("database", database, ("host", "password"))


def _cache(cache: Any, _: Path) -> Iterator[Finding]:
    yield from _external("cache", cache, ("host",))
    if cache.kind == "redis" and cache.memory_mib >= cache.resources.limits.memory_mib:
        yield (
            "cache.memory_mib",
            f"must be less than cache.resources.limits.memory_mib "
            f"({cache.resources.limits.memory_mib}), got {cache.memory_mib}",
        )


def _registry(registry: Any, _: Path) -> Iterator[Finding]:
    yield from _external("registry", registry, ("address",))
    if (registry.user is None) != (registry.password is None):
        missing = "password" if registry.password is None else "user"
        yield f"registry.{missing}", "must be given with the other half of the login, got nothing"


def _external(name: str, section: Any, keys: tuple[str, ...]) -> Iterator[Finding]:
    for key in keys:
        given = getattr(section, key)
        if section.kind == "external" and given is None:
            yield f"{name}.{key}", "must be given for the kind external, got nothing"
        if section.kind != "external" and given is not None:
            yield f"{name}.{key}", f"is for the kind external only, and the kind is {section.kind}"


def _shared_cache(application: Any, cache: Any, _: Path) -> Iterator[Finding]:
    if cache.kind == "file" and application.web.replicas > 1:
        yield (
            "cache.kind",
            f"file is each replica's own: {application.web.replicas} replicas need redis or "
            "external, got file",
        )


def _mounts(application: Any, _: Path) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, mount in enumerate(application.mounts):
        key = f"application.mounts[{index}]"
        if mount.target in seen:
            yield f"{key}.target", f"is mounted twice: {mount.target}"
        seen.add(mount.target)
        if mount.kind == "tmpfs" and mount.source is not None:
            yield f"{key}.source", f"a tmpfs has none, got {mount.source}"
        if mount.kind != "tmpfs" and mount.source is None:
            yield f"{key}.source", f"must be given for a {mount.kind}, got nothing"
        if mount.kind != "tmpfs" and mount.size is not None:
            yield f"{key}.size", f"is for tmpfs only, got {mount.size}"
        if mount.kind == "bind" and mount.source and not mount.source.startswith("/"):
            yield f"{key}.source", f"must be an absolute path for a bind, got {mount.source}"


def _load_balancer(balancer: Any, folder: Path) -> Iterator[Finding]:
    if balancer.https_port is not None and balancer.certificate is None:
        yield "load_balancer.certificate", "must be given with https_port, got nothing"
    if balancer.certificate is not None and balancer.https_port is None:
        yield "load_balancer.https_port", "must be given with a certificate, got nothing"
    if balancer.certificate is not None and not (folder / balancer.certificate).is_file():
        yield "load_balancer.certificate", f"must be a PEM file, got {balancer.certificate}"


def _vrrp(balancer: Any, nodes: Any, _: Path) -> Iterator[Finding]:
    if balancer.vrrp is not None and len(nodes) < 2:
        yield "load_balancer.vrrp", f"needs at least 2 nodes, got {len(nodes)}"
    if balancer.replicas > len(nodes):
        yield (
            "load_balancer.replicas",
            f"must be at most 1 a node ({len(nodes)}), got {balancer.replicas}",
        )


def _ports(balancer: Any, registry: Any, _: Path) -> Iterator[Finding]:
    taken: dict[int, str] = {}
    for key, port in (
        ("load_balancer.http_port", balancer.http_port),
        ("load_balancer.https_port", balancer.https_port),
        ("registry.port", registry.port if registry.kind == "distribution" else None),
    ):
        if port is None:
            continue
        if port in taken:
            yield key, f"must differ from {taken[port]}, got {port}"
        taken.setdefault(port, key)


def _networks(networks: Any, _: Path) -> Iterator[Finding]:
    taken: dict[Any, str] = {}
    for name in ("edge", "application", "data"):
        network = getattr(networks, name)
        if network.driver != "overlay" and network.encrypted:
            yield f"networks.{name}.encrypted", f"is for overlay only, got {network.driver}"
        if network.subnet is None:
            continue
        subnet = ip_network(network.subnet)
        for other, key in taken.items():
            if subnet.version == other.version and subnet.overlaps(other):
                yield (
                    f"networks.{name}.subnet",
                    f"must not overlap {key} ({other}), got {network.subnet}",
                )
        taken[subnet] = f"networks.{name}.subnet"


def _images(images: Any, folder: Path) -> Iterator[Finding]:
    source = images.studip
    if images.application == "studip":
        if (source.directory is None) == (source.git is None):
            got = "nothing" if source.git is None else "both"
            yield "images.studip", f"must name either directory or git, got {got}"
        if source.git is not None and source.revision is None:
            yield "images.studip.revision", "must name a tag or commit of git, got nothing"
        if source.directory is not None and not (folder / source.directory).is_dir():
            yield "images.studip.directory", f"must be a folder, got {source.directory}"
    if images.runtime == "php-fpm-alpine" and images.source == "debian":
        yield (
            "images.runtime",
            "php-fpm-alpine needs images.source upstream; with debian: php-apache, php-fpm, "
            "got php-fpm-alpine",
        )
    if images.custom is not None:
        dockerfile = folder / images.custom.context / images.custom.dockerfile
        if not dockerfile.is_file():
            yield "images.custom.dockerfile", f"must be a file, got {dockerfile}"


def _nodes(nodes: Any, _: Path) -> Iterator[Finding]:
    seen: set[str] = set()
    if not nodes:
        yield "nodes", "must name at least one node, got none"
    for index, node in enumerate(nodes):
        if node.name in seen:
            yield f"nodes[{index}].name", f"must be given once, got {node.name}"
        seen.add(node.name)
        if node.engine.startswith("tcp://") and node.certificates is None:
            yield f"nodes[{index}].certificates", "must be given for a tcp engine, got nothing"


def _shared_storage(nodes: Any, storage: Any, _: Path) -> Iterator[Finding]:
    if len(nodes) > 1 and storage.kind == "local":
        yield (
            "storage.kind",
            f"local is one node's own: {len(nodes)} nodes need nfs, glusterfs, cephfs or "
            "external, got local",
        )
    if storage.kind != "external" and (storage.driver != "local" or storage.driver_options):
        yield "storage.driver", f"is for the kind external only, got {storage.driver}"


def _reservations(*sections: Any) -> Iterator[Finding]:
    application, database, cache, balancer, registry, _ = sections
    for key, resources in (
        ("application.web", application.web.resources),
        ("application.cron", application.cron.resources),
        ("database", database.resources),
        ("cache", cache.resources),
        ("load_balancer", balancer.resources),
        ("registry", registry.resources),
    ):
        for name in ("cpus", "memory_mib"):
            limit = getattr(resources.limits, name)
            promised = getattr(resources.reservations, name)
            if promised > limit:
                yield (
                    f"{key}.resources.reservations.{name}",
                    f"must be at most the limit of {limit}, got {promised}",
                )


def _platform(platform: Any, _: Path) -> Iterator[Finding]:
    for name in platform.config:
        if not name.startswith("STUDIP_CONFIG_"):
            yield f"platform.config.{name}", f"must begin with STUDIP_CONFIG_, got {name}"


PARTS = ("networks", "registry", "database", "cache", "load_balancer", "storage", "gitlab")
RULES: tuple[tuple[tuple[str, ...], Callable[..., Iterator[Finding]]], ...] = (
    (("orchestrator", *PARTS, "nodes"), _available),
    (("platform",), _platform),
    (("nodes",), _nodes),
    (("networks",), _networks),
    (("registry",), _registry),
    (("images",), _images),
    (("application",), _mounts),
    (("database",), _database),
    (("cache",), _cache),
    (("application", "cache"), _shared_cache),
    (("load_balancer",), _load_balancer),
    (("load_balancer", "nodes"), _vrrp),
    (("load_balancer", "registry"), _ports),
    (("nodes", "storage"), _shared_storage),
    (("application", "database", "cache", "load_balancer", "registry"), _reservations),
)
