"""The platform on Docker Swarm: each part made or taken as given, and handed to the next."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import pulumi_random as random
from pulumi import Input, Output
from pydantic import SecretStr

from components import labels, workload
from components.application import ApplicationArgs, Backend
from components.cache import CacheArgs, CacheEndpoint
from components.database import DatabaseClusterArgs, DatabaseEndpoint
from components.load_balancer import LoadBalancerArgs
from components.naming import Names
from components.network import NetworkArgs
from components.registry import RegistryArgs, RegistryEndpoint
from components.storage import STATE, StorageArgs, StorageEndpoint
from components.swarm.application import Application
from components.swarm.cache import Cache
from components.swarm.database import DatabaseCluster
from components.swarm.load_balancer import LoadBalancer
from components.swarm.network import ClusterNetwork
from components.swarm.registry import Registry
from components.swarm.storage import Storage
from policy.enforce import enforce
from stacks.recipes import Recipes
from stacks.settings import Settings
from stacks.settings import models as settings_models

T = TypeVar("T")


def build(settings: Settings) -> Mapping[str, Input[Any]]:
    """Register everything that `settings` asks for; returns the stack's outputs."""
    enforce()
    return _Platform(settings).build()


class _Platform:
    """One environment while it is wired; each method makes one part and returns its endpoint."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.names = Names(settings.environment)
        self.recipes = Recipes(settings, self.names)
        self.logging = workload.Logging(
            max_size=settings.logging.max_size, max_files=settings.logging.max_files
        )

    def build(self) -> Mapping[str, Input[Any]]:
        """All parts, in the order in which they need each other; returns the stack's outputs."""
        settings = self.settings
        registry = self.registry()
        # What takes longest comes first.
        data_network = self.network("data", internal=True)
        database = self.database(registry, data_network)
        application_network = self.network("application")
        application = Application(
            self.names.prefix,
            ApplicationArgs(
                image=self.recipes.application(registry),
                application_network=application_network,
                data_network=data_network,
                database=database,
                cache=self.cache(registry, data_network),
                storage=self.storage(),
                site_name=settings.platform.name,
                url=settings.url,
                mail_transport=settings.platform.mail_transport,
                demo_data=settings.platform.demo_data,
                config=settings.platform.config,
                replicas=settings.application.web.replicas,
                drain=settings.application.web.drain_seconds,
                update=_update(settings.application.web.update),
                backend=_backend(settings),
                resources=_resources(settings.application.web.resources),
                cron_resources=_resources(settings.application.cron.resources),
                cron_grace_period=settings.application.cron.grace_period,
                migrate_timeout=settings.application.migrate.timeout,
                mounts=[_mount(mount) for mount in settings.application.mounts],
                labels={role: self.labels(role) for role in ("web", "cron", "migrate")},
                logging=self.logging,
            ),
        )
        if settings.load_balancer.kind == "haproxy":
            LoadBalancer(
                self.names.part("load-balancer"),
                LoadBalancerArgs(
                    kind="haproxy",
                    image=self.recipes.service("haproxy", registry),
                    edge_network=self.network("edge"),
                    application_network=application_network,
                    backend=application.endpoint,
                    http_port=settings.load_balancer.http_port,
                    https_port=settings.load_balancer.https_port,
                    certificate=_certificate(settings),
                    labels=self.labels("load-balancer"),
                    resources=_resources(settings.load_balancer.resources),
                    logging=self.logging,
                ),
            )
        outputs: dict[str, Input[Any]] = {
            "url": settings.url,
            "registry": registry.address,
            "database": Output.concat(database.host, ":", str(database.port)),
            "image": self.recipes.application(registry),
        }
        if settings.load_balancer.kind == "external":
            port = _given(settings.load_balancer.backend_port)
            outputs["backend"] = [f"{node.address or node.name}:{port}" for node in settings.nodes]
        return outputs

    def labels(self, part: str) -> dict[str, str]:
        """Labels of everything that belongs to `part`."""
        return labels.labels(self.settings.environment, part)

    def network(self, name: str, *, internal: bool = False) -> workload.Network:
        """One of the three networks; from an `internal` one nothing leads out of the cluster."""
        chosen = getattr(self.settings.networks, name)
        return ClusterNetwork(
            self.names.part(name),
            NetworkArgs(
                driver=chosen.driver,
                labels=self.labels("network"),
                internal=internal,
                existing=chosen.name,
                encrypted=chosen.encrypted,
                subnet=chosen.subnet,
                mtu=chosen.mtu,
            ),
        ).network

    def registry(self) -> RegistryEndpoint:
        """Where images go: our registry, or the data centre's."""
        chosen = self.settings.registry
        if chosen.kind == "external":
            return RegistryEndpoint(
                address=_given(chosen.address),
                user=chosen.user,
                password=_secret(chosen.password),
            )
        return Registry(
            self.names.part("registry"),
            RegistryArgs(
                kind=chosen.kind,
                image=self.recipes.registry(),
                port=chosen.port,
                labels=self.labels("registry"),
                resources=_resources(chosen.resources),
                logging=self.logging,
            ),
        ).endpoint

    def database(self, registry: RegistryEndpoint, network: workload.Network) -> DatabaseEndpoint:
        """Our database, known once it answers, or the data centre's."""
        chosen = self.settings.database
        if chosen.kind == "external":
            return DatabaseEndpoint(
                host=_given(chosen.host),
                port=chosen.port,
                database=chosen.database,
                user=chosen.user,
                password=_given(_secret(chosen.password)),
            )
        return DatabaseCluster(
            self.names.part("database"),
            DatabaseClusterArgs(
                kind="single",
                image=self.recipes.service("mariadb", registry),
                network=network,
                database=chosen.database,
                user=chosen.user,
                password=self.password("database"),
                root_password=self.password("database-root"),
                parameters=chosen.parameters,
                labels=self.labels("database"),
                resources=_resources(chosen.resources),
                logging=self.logging,
            ),
        ).endpoint

    def cache(self, registry: RegistryEndpoint, network: workload.Network) -> CacheEndpoint | None:
        """Our cache, the data centre's, or none where the one replica keeps its own."""
        chosen = self.settings.cache
        if chosen.kind == "file":
            return None
        if chosen.kind == "external":
            return CacheEndpoint(
                kind="redis",
                host=_given(chosen.host),
                port=chosen.port,
                password=_secret(chosen.password),
            )
        return Cache(
            self.names.part("cache"),
            CacheArgs(
                kind="redis",
                image=self.recipes.service("redis", registry),
                network=network,
                password=self.password("cache"),
                memory=chosen.memory_mib,
                labels=self.labels("cache"),
                resources=_resources(chosen.resources),
                logging=self.logging,
            ),
        ).endpoint

    def password(self, name: str) -> Output[str]:
        """A password that is generated once; letters and digits need no quoting anywhere."""
        made = random.RandomPassword(self.names.part(f"{name}-password"), length=32, special=False)
        return made.result

    def storage(self) -> StorageEndpoint:
        """Volumes of the shared state; `{folder}` in driver options becomes each folder's name."""
        chosen = self.settings.storage
        return Storage(
            self.names.part("storage"),
            StorageArgs(
                driver=chosen.driver,
                driver_options={
                    state.slug: {
                        name: value.replace("{folder}", state.slug)
                        for name, value in chosen.driver_options.items()
                    }
                    for state in STATE
                },
                labels=self.labels("storage"),
            ),
        ).endpoint


def _given(value: T | None) -> T:
    """A value that the settings' checks have made sure of."""
    assert value is not None
    return value


def _secret(value: SecretStr | None) -> Output[str] | None:
    return Output.secret(value.get_secret_value()) if value else None


def _resources(chosen: settings_models.Resources) -> workload.Resources:
    return workload.Resources(
        cpu_limit=chosen.limits.cpus,
        memory_limit=chosen.limits.memory_mib,
        cpu_reservation=chosen.reservations.cpus,
        memory_reservation=chosen.reservations.memory_mib,
    )


def _update(chosen: settings_models.Update) -> workload.Update:
    return workload.Update(**dict(chosen))


def _mount(chosen: settings_models.Mount) -> workload.Mount:
    return workload.Mount(**dict(chosen))


def _backend(settings: Settings) -> Backend | None:
    """How an external load balancer reaches the replicas; none where ours does."""
    chosen = settings.load_balancer
    if chosen.backend_port is None:
        return None
    return Backend(port=chosen.backend_port, trusted_proxies=chosen.trusted_proxies)


def _certificate(settings: Settings) -> Output[str] | None:
    path = settings.load_balancer.certificate
    if path is None:
        return None
    return Output.secret((Path(settings.file).parent / path).read_text())
