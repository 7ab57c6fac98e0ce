"""What the application keeps, and where images are: storage, registry, database, cache."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypedDict

from pulumi import Input, Output

from components import members
from components.cache import CacheArgs, CacheClusterArgs, CacheEndpoint
from components.certificate import Certificate
from components.database import (
    DatabaseClusterArgs,
    DatabaseEndpoint,
    GaleraArgs,
    InnodbClusterArgs,
)
from components.node import Node
from components.proxy import ProxyArgs
from components.registry import REGISTRY_USER, RegistryArgs, RegistryClusterArgs, RegistryEndpoint
from components.storage import (
    MEMBERS,
    NODES,
    CephClusterArgs,
    CephfsArgs,
    CephMembersArgs,
    GlusterfsArgs,
    NfsArgs,
    StorageArgs,
    StorageEndpoint,
)
from components.swarm import load_balancer as swarm_load_balancer
from components.swarm import registry as swarm_registry
from components.swarm.cache import Cache, CacheCluster
from components.swarm.database import DatabaseCluster
from components.swarm.proxy import Proxy
from components.swarm.registry import Registry, RegistryCluster
from components.swarm.storage import Storage
from components.workload import Network
from stacks.recipes import Recipes
from stacks.swarm.environment import Environment
from stacks.swarm.values import given, resources, secret

REGISTRY = "registry"  # slug of the shared folder with all images
CERTIFICATES = "certificates"  # of the one with what an ACME authority signed
ACCOUNT = "acme-account"  # of the one with what that authority knows us by
PROXIES = 3  # at most, one a node


class ClusterMembers(TypedDict):
    """What every kind of database cluster takes."""

    members: int
    nodes: Sequence[Node]
    certificate: Certificate


def storage(environment: Environment, recipes: Recipes) -> StorageEndpoint:
    """Shared folders; `{folder}` in driver options becomes each folder's name."""
    chosen = environment.settings.storage
    folders = {}
    if environment.nodes and environment.settings.registry.kind == "distribution":
        folders[REGISTRY] = swarm_registry.USER
    if environment.settings.load_balancer.issuer == "acme":
        folders |= dict.fromkeys((CERTIFICATES, ACCOUNT), swarm_load_balancer.USER)
    args = StorageArgs(
        kind=chosen.kind,
        nodes=environment.nodes,
        folders=folders,
        labels=environment.labels("storage"),
        driver=chosen.driver,
        nfs=NfsArgs(**dict(chosen.nfs)) if chosen.nfs else None,
        glusterfs=_glusterfs(environment, recipes) if chosen.kind == "glusterfs" else None,
        cephfs=_cephfs(environment, recipes) if chosen.kind == "cephfs" else None,
    )
    options = {
        slug: {
            name: value.replace("{folder}", slug) for name, value in chosen.driver_options.items()
        }
        for slug in args.owners
    }
    return Storage(
        environment.names.part("storage"),
        replace(args, driver_options=options),
        environment.options(),
    ).endpoint


def _glusterfs(environment: Environment, recipes: Recipes) -> GlusterfsArgs:
    storage = environment.settings.storage
    chosen = storage.glusterfs
    return GlusterfsArgs(
        images=recipes.seeds("glusterfs"),
        folder=f"{NODES}/{environment.settings.environment}",
        members=environment.nodes[:MEMBERS],
        certificate=environment.authority.issue("storage"),
        arbiter=storage.replicas == MEMBERS - 1,
        disks=chosen.disks,
        quotas=chosen.quotas,
        split_brain=chosen.split_brain,
        ping_timeout=chosen.ping_timeout,
        resources=resources(chosen.resources),
        client_resources=resources(chosen.client_resources),
        logging=environment.logging,
    )


def _cephfs(environment: Environment, recipes: Recipes) -> CephfsArgs:
    chosen = environment.settings.storage.cephfs
    source: CephMembersArgs | CephClusterArgs
    if chosen.cluster is not None:
        source = CephClusterArgs(
            monitors=chosen.cluster.monitors,
            user=chosen.cluster.user,
            key=given(secret(chosen.cluster.key)),
            filesystem=chosen.cluster.filesystem,
            path=chosen.cluster.path,
        )
    else:
        source = CephMembersArgs(
            members=environment.nodes[:MEMBERS],
            secret=environment.password("storage"),
            disks=chosen.disks,
            size=chosen.size_gib,
            grace=chosen.grace,
            resources=resources(chosen.resources),
            daemon_resources=resources(chosen.daemon_resources),
        )
    return CephfsArgs(
        images=recipes.seeds("ceph"),
        folder=f"{NODES}/{environment.settings.environment}",
        quotas=chosen.quotas,
        client_resources=resources(chosen.client_resources),
        logging=environment.logging,
        source=source,
    )


def registry(
    environment: Environment, recipes: Recipes, storage: StorageEndpoint
) -> RegistryEndpoint:
    """Where images go: our registry, one a node where there are several, or the site's."""
    chosen = environment.settings.registry
    name = environment.names.part("registry")
    if chosen.kind == "external":
        return RegistryEndpoint(
            address=given(chosen.address),
            user=chosen.user,
            password=secret(chosen.password),
        )
    if not environment.nodes:
        return Registry(
            name,
            RegistryArgs(
                kind=chosen.kind,
                image=recipes.registry(),
                port=chosen.port,
                labels=environment.labels("registry"),
                resources=resources(chosen.resources),
                logging=environment.logging,
            ),
        ).endpoint
    nodes = environment.nodes
    return RegistryCluster(
        name,
        RegistryClusterArgs(
            kind=chosen.kind,
            images=recipes.seeds("registry"),
            nodes=nodes,
            port=chosen.port,
            data=storage.folder(REGISTRY, swarm_registry.DATA),
            certificate=environment.authority.issue(
                "registry",
                dns_names=[node.name for node in nodes],
                ip_addresses=["127.0.0.1", *(node.address for node in nodes)],
            ),
            user=REGISTRY_USER,
            password=Output.secret(environment.registry_password.result),
            password_hash=Output.secret(environment.registry_password.bcrypt_hash),
            labels=environment.labels("registry"),
            resources=resources(chosen.resources),
            logging=environment.logging,
        ),
        environment.options(),
    ).endpoint


def database(
    environment: Environment, recipes: Recipes, registry: RegistryEndpoint, network: Network
) -> DatabaseEndpoint:
    """Our database, known once it answers, or the data centre's."""
    chosen = environment.settings.database
    if chosen.kind == "external":
        return DatabaseEndpoint(
            host=given(chosen.host),
            port=chosen.port,
            database=chosen.database,
            user=chosen.user,
            password=given(secret(chosen.password)),
        )
    image = {
        "single": lambda: recipes.service("mariadb", registry),
        "galera": lambda: recipes.galera(registry),
        "innodb-cluster": lambda: recipes.innodb_cluster(registry),
    }[chosen.kind]()
    return DatabaseCluster(
        environment.names.part("database"),
        DatabaseClusterArgs(
            kind=chosen.kind,
            image=image,
            network=network,
            database=chosen.database,
            user=chosen.user,
            password=environment.password("database"),
            root_password=environment.password("database-root"),
            parameters=chosen.parameters,
            galera=GaleraArgs(**_members(environment)) if chosen.kind == "galera" else None,
            innodb_cluster=(
                InnodbClusterArgs(**_members(environment))
                if chosen.kind == "innodb-cluster"
                else None
            ),
            labels=environment.labels("database"),
            resources=resources(chosen.resources),
            logging=environment.logging,
        ),
        environment.options(),
    ).endpoint


def _members(environment: Environment) -> ClusterMembers:
    count = environment.settings.database.members or 3
    names = members.hosts(environment.names.part("database"), count)
    return {
        "members": count,
        "nodes": environment.nodes,
        # The application asks the proxy, which passes on what a member shows.
        "certificate": environment.authority.issue(
            "database", dns_names=[environment.names.part("proxy"), *names]
        ),
    }


def cache(
    environment: Environment, recipes: Recipes, registry: RegistryEndpoint, network: Network
) -> tuple[CacheEndpoint | None, Sequence[Input[str]]]:
    """The cache, or none where the one replica keeps its own; and its members where a proxy has
    to find which of them is the master.
    """
    chosen = environment.settings.cache
    name = environment.names.part("cache")
    if chosen.kind == "file":
        return None, ()
    if chosen.kind == "external":
        external = CacheEndpoint(
            kind="redis",
            host=given(chosen.host),
            port=chosen.port,
            password=secret(chosen.password),
        )
        return external, ()
    image, password = recipes.service("redis", registry), environment.password("cache")
    if not has_proxy(environment):
        alone = Cache(
            name,
            CacheArgs(
                kind="redis",
                image=image,
                network=network,
                password=password,
                memory=chosen.memory_mib,
                labels=environment.labels("cache"),
                resources=resources(chosen.resources),
                logging=environment.logging,
            ),
            environment.options(),
        )
        return alone.endpoint, ()
    found = CacheCluster(
        name,
        CacheClusterArgs(
            kind="redis",
            image=image,
            network=network,
            nodes=environment.nodes,
            password=password,
            memory=chosen.memory_mib,
            labels=environment.labels("cache"),
            resources=resources(chosen.resources),
            sentinel_resources=resources(chosen.sentinel_resources),
            logging=environment.logging,
        ),
        environment.options(),
    ).members
    endpoint = CacheEndpoint(kind="redis", host=found.hosts[0], port=found.port, password=password)
    return endpoint, found.hosts


def has_proxy(environment: Environment) -> bool:
    """Whether a proxy stands between the application and what it keeps."""
    return environment.settings.database.kind in ("galera", "innodb-cluster")


def proxied(
    environment: Environment, recipes: Recipes, registry: RegistryEndpoint, network: Network
) -> tuple[DatabaseEndpoint, CacheEndpoint | None]:
    """Database and cache as the application sees them."""
    behind = database(environment, recipes, registry, network)
    cached, cache_members = cache(environment, recipes, registry, network)
    if not has_proxy(environment):
        return behind, cached
    proxy = Proxy(
        environment.names.part("proxy"),
        ProxyArgs(
            image=recipes.service("proxy", registry),
            network=network,
            replicas=min(PROXIES, len(environment.nodes)),
            database=behind,
            cache=cached,
            cache_members=cache_members,
            labels=environment.labels("proxy"),
            resources=resources(environment.settings.database.proxy_resources),
            logging=environment.logging,
        ),
        environment.options(),
    )
    return proxy.database, proxy.cache
