"""How long an outage each fault of an environment may cause, part by part.

Read off the settings and the timers of the parts, without an engine; the same numbers that the
parts' configuration is rendered from.
"""

from collections.abc import Iterator
from typing import Any

from components import address, cache, database, load_balancer, node, proxy, registry, storage
from components.budget import Budget
from components.certificate import Certificate
from components.proxy_timers import ProxyTimers
from components.workload import Logging, Resources
from stacks.settings.models import Settings

# Timers are asked for outages; what else a part takes makes no difference to them.
ANY_CERTIFICATE = Certificate(certificate="", key="", authority="")
ANY_RESOURCES = Resources(cpu_limit=1.0, memory_limit=1)


def budgets(settings: Settings) -> Iterator[Budget]:
    """What the timers of all parts of an environment allow, part by part."""
    several = len(settings.nodes) > 1
    balancer = settings.load_balancer
    if balancer.kind == "haproxy":
        yield from load_balancer.budgets(load_balancer.Checks())
    if balancer.vrrp is not None:
        yield from address.budgets(address.PROFILES[balancer.vrrp.profile], balancer.replicas)
    timers = ProxyTimers()
    kind, members = settings.database.kind, settings.database.members or 3
    if kind == "galera":
        galera = database.GaleraArgs(members=members, nodes=(), certificate=ANY_CERTIFICATE)
        yield from database.budgets(galera, timers)
    if kind == "innodb-cluster":
        group = database.InnodbClusterArgs(members=members, nodes=(), certificate=ANY_CERTIFICATE)
        yield from database.group_budgets(group, timers)
    clustered = kind in ("galera", "innodb-cluster")
    if clustered:
        yield from proxy.budgets(timers)
    if settings.cache.kind == "redis":
        yield from cache.budgets(
            cache.Failover() if clustered else None,
            check_interval=timers.interval,
            check_timeout=timers.timeout,
        )
    yield from storage.budgets(_storage(settings))
    if settings.registry.kind == "distribution" and several:
        yield from registry.budgets()
    if several:
        yield from node.budgets()


def _storage(settings: Settings) -> storage.StorageArgs:
    """As much of the storage as its timers hang on."""
    chosen = settings.storage
    mounted: dict[str, Any] = {
        "images": {},
        "folder": "/",
        "client_resources": ANY_RESOURCES,
        "logging": Logging(),
    }
    if chosen.kind == "glusterfs":
        glusterfs = storage.GlusterfsArgs(
            **mounted,
            members=(),
            certificate=None,
            ping_timeout=chosen.glusterfs.ping_timeout,
            resources=ANY_RESOURCES,
        )
        return storage.StorageArgs(labels={}, kind="glusterfs", glusterfs=glusterfs)
    if chosen.kind == "cephfs" and chosen.cephfs.cluster is None:
        members = storage.CephMembersArgs(
            members=(),
            secret="",
            grace=chosen.cephfs.grace,
            resources=ANY_RESOURCES,
            daemon_resources=ANY_RESOURCES,
        )
        cephfs = storage.CephfsArgs(**mounted, source=members)
        return storage.StorageArgs(labels={}, kind="cephfs", cephfs=cephfs)
    return storage.StorageArgs(labels={})
