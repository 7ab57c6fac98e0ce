"""What one setting demands of another, and which kinds can be deployed today.

A rule stops where it asks for a value that is wrong in itself: what is independent of that value
stands in a rule of its own, or in a block of `suppress(WrongValue)`.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stacks.settings.base import Model, WrongValue
from stacks.settings.errors import shown
from stacks.settings.models import LOCAL_ENGINE, Settings

Finding = tuple[str, str]  # key, what is wrong

# Kinds that `stacks/<orchestrator>.py` deploys. What is not in it is typed, and refused.
AVAILABLE: dict[str, dict[str, tuple[str, ...]]] = {
    "swarm": {
        "registry.kind": ("distribution", "external"),
        "database.kind": ("single", "galera", "innodb-cluster", "external"),
        "cache.kind": ("redis", "file", "external"),
        "load_balancer.kind": ("haproxy", "external"),
        "storage.kind": ("local", "nfs", "glusterfs", "cephfs", "external"),
        "gitlab.kind": ("none",),
        "networks.edge.driver": ("overlay", "bridge", "macvlan"),
        "networks.application.driver": ("overlay",),
        "networks.data.driver": ("overlay",),
    },
}

NODES = 3  # of which one may be lost
MEMBERS = 3  # of GlusterFS or Ceph
# Server variables that a cluster's members set themselves.
CLUSTER_PARAMETERS = {
    "galera": re.compile("wsrep_"),
    "innodb-cluster": re.compile(
        "(loose_)?(group_replication|clone)_|(super_)?read_only$|server_id$|report_host$"
        "|(enforce_)?gtid_|log_bin$|binlog_format$|relay_log(_index|_recovery)?$"
    ),
}
# MiB: a member of MySQL's takes about 600, and may keep 128 of messages for those that are silent.
CLUSTER_MEMORY = 1024
CLUSTER_USERS = ("mysql", "replication", "root")  # of MySQL's members
# Shared folders of the application (`components.storage`, whose import takes time).
FOLDERS = ("upload-doc", "archiv", "oer", "oer-logos", "pictures", "plugins-packages")
SWARM_PORTS = (2377, 4789, 7946)  # management, data of overlay networks, gossip
APPLICATION = "/var/www/studip"
# Where the platform itself mounts what the application needs.
TAKEN = ("/tmp", "/run/secrets", "/run/apache2")


def check(settings: Settings, folder: Path, *, deployable: bool = True) -> list[Finding]:
    """Everything that is wrong between settings; what is wrong in itself is left out.

    Paths in settings are relative to `folder`, that of the file. `deployable`: what can't be
    deployed yet is wrong too.
    """
    found: list[Finding] = []
    for rule in (*AVAILABILITY, *RULES) if deployable else RULES:
        with suppress(WrongValue):
            for finding in rule(settings, folder):
                found.append(finding)  # what came before a WrongValue stays
    return found


def _available(settings: Settings, _: Path) -> Iterator[Finding]:
    orchestrator = settings.orchestrator
    if orchestrator not in AVAILABLE:
        yield (
            "orchestrator",
            f"{orchestrator} is not available yet; available: {', '.join(AVAILABLE)}",
        )
        return
    for key, kinds in AVAILABLE[orchestrator].items():
        with suppress(WrongValue):
            value: Any = settings
            for name in key.split("."):
                value = getattr(value, name)
            if value not in kinds:
                yield key, _missing(orchestrator, value, kinds)


def _available_nodes(settings: Settings, _: Path) -> Iterator[Finding]:
    orchestrator = settings.orchestrator
    if orchestrator not in AVAILABLE:
        return
    nodes = settings.nodes
    if len(nodes) == 2:
        # Neither would know whether the other one is gone.
        yield "nodes", f"two are not available on {orchestrator}; take one, or at least 3"
    if len(nodes) == 1:
        with suppress(WrongValue):
            if nodes[0].engine != LOCAL_ENGINE:
                yield (
                    "nodes[0].engine",
                    _missing(orchestrator, shown(nodes[0].engine), (LOCAL_ENGINE,)),
                )


def _missing(orchestrator: str, value: str, kinds: tuple[str, ...]) -> str:
    return f"{value} is not available yet on {orchestrator}; available: {', '.join(kinds)}"


def _members(settings: Settings, _: Path) -> Iterator[Finding]:
    database = settings.database
    clustered = database.kind in ("galera", "innodb-cluster")
    members = database.members
    if clustered and members is not None and (members < 3 or members % 2 == 0):
        yield "database.members", f"must be odd and at least 3, got {members}"
    if not clustered and members not in (None, 1):
        yield "database.members", f"must be 1 for the kind {database.kind}, got {members}"


def _spread(settings: Settings, _: Path) -> Iterator[Finding]:
    """What is on one node goes with it; what has members needs nodes for them."""
    if settings.orchestrator != "swarm":
        return
    nodes = len(settings.nodes)
    with suppress(WrongValue):
        kind = settings.database.kind
        if kind == "single" and nodes > 1:
            yield (
                "database.kind",
                f"single is on one node, with its data: {nodes} nodes need galera, "
                "innodb-cluster or external, got single",
            )
        if kind in ("galera", "innodb-cluster") and nodes < NODES:
            yield "database.kind", f"{kind} needs at least {NODES} nodes, got {nodes}"
    with suppress(WrongValue):
        storage = settings.storage.kind
        ours = storage in ("glusterfs", "cephfs") and settings.storage.cephfs.cluster is None
        if ours and nodes < NODES:
            yield "storage.kind", f"{storage} needs at least {NODES} nodes, got {nodes}"


def _cluster_parameters(settings: Settings, _: Path) -> Iterator[Finding]:
    own = CLUSTER_PARAMETERS.get(settings.database.kind)
    if own is None:
        return
    for name in settings.database.parameters:
        if own.match(name.replace("-", "_")):
            yield f"database.parameters.{name}", "is the cluster's own, and set by the platform"


def _cluster_memory(settings: Settings, _: Path) -> Iterator[Finding]:
    if settings.database.kind != "innodb-cluster":
        return
    memory = settings.database.resources.limits.memory_mib
    if memory < CLUSTER_MEMORY:
        yield (
            "database.resources.limits.memory_mib",
            f"must be at least {CLUSTER_MEMORY} for innodb-cluster, got {memory}",
        )


def _cluster_user(settings: Settings, _: Path) -> Iterator[Finding]:
    database = settings.database
    if database.kind == "innodb-cluster" and database.user in CLUSTER_USERS:
        yield (
            "database.user",
            f"must not be one of the cluster's own ({', '.join(CLUSTER_USERS)}), "
            f"got {database.user}",
        )


def _database(settings: Settings, _: Path) -> Iterator[Finding]:
    return _external("database", settings.database, ("host", "password"), ("port",))


def _cache(settings: Settings, _: Path) -> Iterator[Finding]:
    return _external("cache", settings.cache, ("host",), ("port", "password"))


def _cache_memory(settings: Settings, _: Path) -> Iterator[Finding]:
    cache = settings.cache
    if cache.kind == "redis" and cache.memory_mib >= cache.resources.limits.memory_mib:
        yield (
            "cache.memory_mib",
            f"must be less than cache.resources.limits.memory_mib "
            f"({cache.resources.limits.memory_mib}), got {cache.memory_mib}",
        )


def _registry(settings: Settings, _: Path) -> Iterator[Finding]:
    return _external("registry", settings.registry, ("address",), ("user", "password"))


def _login(settings: Settings, _: Path) -> Iterator[Finding]:
    registry = settings.registry
    if registry.kind == "external" and (registry.user is None) != (registry.password is None):
        missing = "password" if registry.password is None else "user"
        yield f"registry.{missing}", "must be given with the other half of the login, got nothing"


def _external(
    name: str, section: Any, required: tuple[str, ...], optional: tuple[str, ...]
) -> Iterator[Finding]:
    for key in (*required, *optional):
        with suppress(WrongValue):
            given = _given(section, key)
            if section.kind == "external" and not given and key in required:
                yield f"{name}.{key}", "must be given for the kind external, got nothing"
            if section.kind != "external" and given:
                yield (
                    f"{name}.{key}",
                    f"is for the kind external only, and the kind is {section.kind}",
                )


def _given(section: Model, key: str) -> bool:
    """Whether the file says it; the default of a key that nobody reads is no error."""
    return getattr(section, key) is not None and key in section.model_fields_set


def _shared_cache(settings: Settings, _: Path) -> Iterator[Finding]:
    replicas = settings.application.web.replicas
    if settings.cache.kind == "file" and replicas > 1:
        yield (
            "cache.kind",
            f"file is each replica's own: {replicas} replicas need redis or external, got file",
        )


def _mounts(settings: Settings, _: Path) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, mount in enumerate(settings.application.mounts):
        key = f"application.mounts[{index}]"
        with suppress(WrongValue):
            if mount.target in seen:
                yield f"{key}.target", f"is mounted twice: {mount.target}"
            seen.add(mount.target)
            yield from ((f"{key}.target", what) for what in _hides(mount.target, mount.kind))
        with suppress(WrongValue):
            if mount.kind == "tmpfs" and mount.source is not None:
                yield f"{key}.source", f"a tmpfs has none, got {shown(mount.source)}"
            if mount.kind != "tmpfs" and mount.source is None:
                yield f"{key}.source", f"must be given for a {mount.kind}, got nothing"
            if mount.kind == "bind" and mount.source and not mount.source.startswith("/"):
                yield (
                    f"{key}.source",
                    f"must be an absolute path for a bind, got {shown(mount.source)}",
                )
        with suppress(WrongValue):
            if mount.kind != "tmpfs" and mount.size is not None:
                yield f"{key}.size", f"is for tmpfs only, got {mount.size}"


def _hides(target: str, kind: str) -> Iterator[str]:
    """What a mount at `target` would take away from the application."""
    if _within(APPLICATION, target):
        yield f"would hide the application in {APPLICATION}, got {target}"
    elif kind == "tmpfs" and _within(target, APPLICATION):
        yield f"a tmpfs in {APPLICATION} would lose what is written there, got {target}"
    for path in TAKEN:
        if _within(target, path) or _within(path, target):
            yield f"must leave {path} to the platform, got {target}"


def _within(path: str, folder: str) -> bool:
    return Path(path).is_relative_to(folder)


def _certificate(settings: Settings, folder: Path) -> Iterator[Finding]:
    balancer = settings.load_balancer
    certificate = balancer.certificate
    with suppress(WrongValue):
        own = balancer.issuer != "file"
        if balancer.https_port is not None and certificate is None and not own:
            yield "load_balancer.certificate", "must be given with https_port, got nothing"
        if certificate is not None and own:
            yield (
                "load_balancer.certificate",
                f"is for the issuer file only, got {shown(certificate)}",
            )
        if certificate is not None and balancer.https_port is None:
            yield "load_balancer.https_port", "must be given with a certificate, got nothing"
    if certificate is not None and not _is(Path.is_file, folder / certificate):
        yield "load_balancer.certificate", f"must be a PEM file, got {shown(certificate)}"


def _is(what: Callable[[Path], bool], path: Path) -> bool:
    """`what(path)`; false too where the path is too long, or below a folder of somebody else."""
    try:
        return what(path)
    except OSError:
        return False


def _authority(settings: Settings, folder: Path) -> Iterator[Finding]:
    authority = settings.authority
    with suppress(WrongValue):
        if (authority.certificate is None) != (authority.key is None):
            missing = "key" if authority.key is None else "certificate"
            yield f"authority.{missing}", "must be given with the other half, got nothing"
    with suppress(WrongValue):
        if authority.root is not None and authority.certificate is None:
            yield "authority.root", "is for a given certificate only"
    for name in ("certificate", "root"):
        with suppress(WrongValue):
            path = getattr(authority, name)
            if path is not None and not _is(Path.is_file, folder / path):
                yield f"authority.{name}", f"must be a PEM file, got {shown(path)}"
    if len(settings.nodes) == 1 and _given(settings, "authority"):
        yield "authority", "is for several nodes only, and there is one"


def _issuer(settings: Settings, folder: Path) -> Iterator[Finding]:
    balancer = settings.load_balancer
    issuer = balancer.issuer
    if issuer != "acme" and balancer.acme is not None:
        yield "load_balancer.acme", f"is for the issuer acme only, got the issuer {issuer}"
    if issuer == "file":
        return
    if balancer.https_port is None:
        yield "load_balancer.https_port", f"must be given for the issuer {issuer}, got nothing"
    if issuer == "authority" and len(settings.nodes) == 1:
        yield "load_balancer.issuer", "authority is for several nodes; name a certificate"
    if issuer == "acme":
        yield from _acme(settings, folder)


def _acme(settings: Settings, folder: Path) -> Iterator[Finding]:
    """The authority asks for its proof at the host's port 80, whatever the settings say."""
    balancer = settings.load_balancer
    if balancer.acme is None:
        yield "load_balancer.acme", "must be given for the issuer acme, got nothing"
    with suppress(WrongValue):
        path = balancer.acme and balancer.acme.authority
        if path and not _is(Path.is_file, folder / path):
            yield "load_balancer.acme.authority", f"must be a PEM file, got {shown(path)}"
    with suppress(WrongValue):
        if balancer.http_port != 80:
            yield "load_balancer.http_port", f"must be 80 for acme, got {balancer.http_port}"
    with suppress(WrongValue):
        host = urlsplit(settings.url).hostname or ""
        if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", host) or re.fullmatch(r"[\d.]+", host):
            told = f"must have a host name such as studip.example.org for acme, got {shown(host)}"
            yield "platform.url", told


def _vrrp(settings: Settings, _: Path) -> Iterator[Finding]:
    balancer = settings.load_balancer
    if balancer.vrrp is None:
        return
    if len(settings.nodes) < 2:
        yield "load_balancer.vrrp", f"needs at least 2 nodes, got {len(settings.nodes)}"
    with suppress(WrongValue):
        if balancer.replicas < 2:
            yield "load_balancer.replicas", f"must be at least 2 for vrrp, got {balancer.replicas}"
    with suppress(WrongValue):
        if settings.networks.edge.driver == "macvlan":
            yield "load_balancer.vrrp", "moves between ports of nodes, and macvlan takes none"
    with suppress(WrongValue):
        version = ip_address(balancer.vrrp.address).version
        if version != 4:
            yield "load_balancer.vrrp.address", f"must be IPv4, got {balancer.vrrp.address}"
    for index, node in enumerate(settings.nodes):
        with suppress(WrongValue):
            if node.address is not None and node.address == balancer.vrrp.address:
                yield (
                    "load_balancer.vrrp.address",
                    f"must be no node's own, got that of nodes[{index}]",
                )


def _load_balancer(settings: Settings, _: Path) -> Iterator[Finding]:
    balancer = settings.load_balancer
    yield from _external("load_balancer", balancer, ("backend_port",), ("trusted_proxies",))
    if balancer.kind != "external":
        return
    for key in ("replicas", "http_port", "https_port", "certificate", "vrrp", "resources"):
        with suppress(WrongValue):
            if _given(balancer, key):
                yield (
                    f"load_balancer.{key}",
                    "is for the kind haproxy only, and the kind is external",
                )
    if _given(settings.networks, "edge"):
        yield "networks.edge", "is for the load balancer haproxy only, and the kind is external"


def _backend(settings: Settings, _: Path) -> Iterator[Finding]:
    """A node has the port of an external load balancer's backend once."""
    if settings.load_balancer.kind != "external" or settings.orchestrator != "swarm":
        return
    web = settings.application.web
    with suppress(WrongValue):
        nodes = len(settings.nodes)
        if web.replicas > nodes:
            yield (
                "application.web.replicas",
                f"must be at most 1 a node ({nodes}) for an external load balancer, "
                f"got {web.replicas}",
            )
    with suppress(WrongValue):
        if web.update.order != "stop-first":
            yield (
                "application.web.update.order",
                "must be stop-first for an external load balancer, as a node has its port once, "
                f"got {web.update.order}",
            )


def _balancers(settings: Settings, _: Path) -> Iterator[Finding]:
    nodes = len(settings.nodes)
    replicas = settings.load_balancer.replicas
    if replicas > nodes:
        yield "load_balancer.replicas", f"must be at most 1 a node ({nodes}), got {replicas}"


def _ports(settings: Settings, _: Path) -> Iterator[Finding]:
    taken: dict[int, str] = {}
    for part, name, kind in (
        ("load_balancer", "http_port", "haproxy"),
        ("load_balancer", "https_port", "haproxy"),
        ("load_balancer", "backend_port", "external"),
        ("load_balancer", "vrrp.monitor_port", "haproxy"),
        ("registry", "port", "distribution"),
    ):
        with suppress(WrongValue):
            section = getattr(settings, part)
            if section.kind != kind:
                continue
            port: Any = section
            for step in name.split("."):
                port = getattr(port, step, None)
            if port is None:
                continue
            key = f"{part}.{name}"
            if port in taken:
                yield key, f"must differ from {taken[port]}, got {port}"
            taken.setdefault(port, key)
            if port in SWARM_PORTS and settings.orchestrator == "swarm":
                yield key, f"must not be one of Swarm's own ports, got {port}"


def _networks(settings: Settings, _: Path) -> Iterator[Finding]:
    taken: dict[Any, str] = {}
    for name in ("edge", "application", "data"):
        with suppress(WrongValue):
            network = getattr(settings.networks, name)
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


def _network_options(settings: Settings, _: Path) -> Iterator[Finding]:
    for name in ("edge", "application", "data"):
        with suppress(WrongValue):
            network = getattr(settings.networks, name)
            driver = network.driver
            for key in ("subnet", "mtu", "encrypted"):
                with suppress(WrongValue):
                    if driver != "overlay" and getattr(network, key):
                        yield f"networks.{name}.{key}", f"is for overlay only, got {driver}"
            by_hand = driver in ("bridge", "macvlan")
            if network.name is not None and not by_hand:
                yield f"networks.{name}.name", f"is for bridge and macvlan only, got {driver}"
            if network.name is None and by_hand:
                yield f"networks.{name}.name", f"must be given for {driver}, got nothing"


def _source(settings: Settings, folder: Path) -> Iterator[Finding]:
    if settings.images.application != "studip":
        return
    source = settings.images.studip
    with suppress(WrongValue):
        if (source.directory is None) == (source.git is None):
            got = "nothing" if source.git is None else "both"
            yield "images.studip", f"must name either directory or git, got {got}"
    with suppress(WrongValue):
        if source.git is not None and source.revision is None:
            yield "images.studip.revision", "must name a tag or commit of git, got nothing"
    if source.directory is not None and not _is(Path.is_dir, folder / source.directory):
        yield "images.studip.directory", f"must be a folder, got {shown(source.directory)}"


def _runtime(settings: Settings, _: Path) -> Iterator[Finding]:
    if settings.images.runtime == "php-fpm-alpine" and settings.images.source == "debian":
        yield (
            "images.runtime",
            "php-fpm-alpine needs images.source upstream; with debian: php-apache, php-fpm, "
            "got php-fpm-alpine",
        )


def _custom(settings: Settings, folder: Path) -> Iterator[Finding]:
    custom = settings.images.custom
    if custom is not None:
        dockerfile = folder / custom.context / custom.dockerfile
        if not _is(Path.is_file, dockerfile):
            yield "images.custom.dockerfile", f"must be a file, got {shown(str(dockerfile))}"


def _nodes(settings: Settings, _: Path) -> Iterator[Finding]:
    if not settings.nodes:
        yield "nodes", "must name at least one node, got none"
    for name in ("name", "engine", "address"):
        seen = set()
        for index, node in enumerate(settings.nodes):
            with suppress(WrongValue):
                value = getattr(node, name)
                if value in seen:
                    yield f"nodes[{index}].{name}", f"must be given once, got {shown(value)}"
                if value is not None:
                    seen.add(value)
    several = len(settings.nodes) > 1
    for index, node in enumerate(settings.nodes):
        with suppress(WrongValue):
            if several and node.address is None:
                yield f"nodes[{index}].address", "must be given for several nodes, got nothing"
        with suppress(WrongValue):
            if node.engine.startswith("tcp://") and node.certificates is None:
                yield f"nodes[{index}].certificates", "must be given for a tcp engine, got nothing"


def _shared_storage(settings: Settings, _: Path) -> Iterator[Finding]:
    nodes = len(settings.nodes)
    if nodes > 1 and settings.storage.kind == "local":
        yield (
            "storage.kind",
            f"local is one node's own: {nodes} nodes need nfs, glusterfs, cephfs or "
            "external, got local",
        )


def _storage_driver(settings: Settings, _: Path) -> Iterator[Finding]:
    storage = settings.storage
    if storage.kind == "external" and storage.driver == "local" and not storage.driver_options:
        yield (
            "storage.driver_options",
            "must be given for the kind external with the driver local, got nothing",
        )
    if storage.kind != "external" and (storage.driver != "local" or storage.driver_options):
        yield "storage.driver", f"is for the kind external only, got {shown(storage.driver)}"


def _storage_replicas(settings: Settings, _: Path) -> Iterator[Finding]:
    storage = settings.storage
    if storage.kind not in ("glusterfs", "cephfs") and _given(storage, "replicas"):
        yield (
            "storage.replicas",
            f"is for the kinds glusterfs and cephfs only, and the kind is {storage.kind}",
        )
    if storage.kind == "cephfs" and storage.replicas != MEMBERS:
        yield "storage.replicas", f"must be {MEMBERS} for cephfs, got {storage.replicas}"


def _storage_kinds(settings: Settings, _: Path) -> Iterator[Finding]:
    storage = settings.storage
    with suppress(WrongValue):
        if storage.kind == "nfs" and storage.nfs is None:
            yield "storage.nfs", "must be given for the kind nfs, got nothing"
        if storage.kind != "nfs" and storage.nfs is not None:
            yield "storage.nfs", f"is for the kind nfs only, and the kind is {storage.kind}"
    for kind in ("glusterfs", "cephfs"):
        if storage.kind == kind:
            yield from _mounted(settings, kind)
        elif _given(storage, kind):
            yield (
                f"storage.{kind}",
                f"is for the kind {kind} only, and the kind is {storage.kind}",
            )


def _mounted(settings: Settings, kind: str) -> Iterator[Finding]:
    """Disks and quotas of what is mounted on every node."""
    chosen = getattr(settings.storage, kind)
    with suppress(WrongValue):
        members = [node.name for node in settings.nodes[:MEMBERS]]
        for name in chosen.disks:
            if name not in members:
                yield (
                    f"storage.{kind}.disks.{name}",
                    f"must be one of the first {MEMBERS} nodes ({', '.join(members)}), "
                    f"got {shown(name)}",
                )
    with suppress(WrongValue):
        for name in chosen.quotas:
            if name not in FOLDERS:
                yield (
                    f"storage.{kind}.quotas.{name}",
                    f"must be one of {', '.join(FOLDERS)}, got {shown(name)}",
                )


def _ceph_cluster(settings: Settings, _: Path) -> Iterator[Finding]:
    """What our own members take means nothing where the site has some."""
    chosen = settings.storage.cephfs
    if settings.storage.kind != "cephfs" or chosen.cluster is None:
        return
    for name in ("disks", "size_gib", "grace", "resources", "daemon_resources"):
        if _given(chosen, name):
            yield f"storage.cephfs.{name}", "is for members of our own, and cluster is given"


def _reservations(settings: Settings, _: Path) -> Iterator[Finding]:
    for key in (
        "application.web",
        "application.cron",
        "database",
        "cache",
        "load_balancer",
        "registry",
    ):
        for name in ("cpus", "memory_mib"):
            with suppress(WrongValue):
                part: Any = settings
                for step in key.split("."):
                    part = getattr(part, step)
                limit = getattr(part.resources.limits, name)
                promised = getattr(part.resources.reservations, name)
                if promised > limit:
                    yield (
                        f"{key}.resources.reservations.{name}",
                        f"must be at most the limit of {limit}, got {promised}",
                    )


def _platform(settings: Settings, _: Path) -> Iterator[Finding]:
    for name in settings.platform.config:
        if not name.startswith("STUDIP_CONFIG_"):
            yield f"platform.config.{name}", f"must begin with STUDIP_CONFIG_, got {shown(name)}"


def _url(settings: Settings, _: Path) -> Iterator[Finding]:
    if settings.platform.url is not None:
        return
    if settings.load_balancer.kind == "external":
        yield "platform.url", "must be given for an external load balancer, got nothing"
    elif settings.networks.edge.driver == "macvlan":
        yield (
            "platform.url",
            "must be given for macvlan, where the load balancer has an address of its own, "
            "got nothing",
        )


Rule = Callable[[Settings, Path], Iterator[Finding]]

AVAILABILITY: tuple[Rule, ...] = (_available, _available_nodes)
RULES: tuple[Rule, ...] = (
    _platform,
    _url,
    _nodes,
    _networks,
    _network_options,
    _registry,
    _login,
    _source,
    _runtime,
    _custom,
    _mounts,
    _members,
    _spread,
    _cluster_parameters,
    _cluster_memory,
    _cluster_user,
    _database,
    _cache,
    _cache_memory,
    _shared_cache,
    _certificate,
    _authority,
    _issuer,
    _vrrp,
    _load_balancer,
    _backend,
    _balancers,
    _ports,
    _shared_storage,
    _storage_driver,
    _storage_replicas,
    _storage_kinds,
    _ceph_cluster,
    _reservations,
)
