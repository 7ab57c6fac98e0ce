"""The platform on Docker Swarm: each part made or taken as given, and handed to the next."""

from collections.abc import Mapping
from typing import Any

from pulumi import Input, Output

from components.application import ApplicationArgs, Backend
from components.swarm.application import Application
from policy.enforce import enforce
from stacks.recipes import Recipes
from stacks.settings.models import Settings
from stacks.swarm import state
from stacks.swarm.entrance import entrance
from stacks.swarm.environment import Environment
from stacks.swarm.values import given, mount, resources, update


def build(settings: Settings) -> Mapping[str, Input[Any]]:
    """Register everything that `settings` asks for; returns the stack's outputs."""
    enforce()
    environment = Environment(settings)
    recipes = Recipes(settings, environment.names, environment.nodes, environment.options())
    storage = state.storage(environment, recipes)
    registry = state.registry(environment, recipes, storage)
    # What takes longest comes first.
    data_network = environment.network("data", internal=True)
    database, cache = state.proxied(environment, recipes, registry, data_network)
    application_network = environment.network("application")
    image = recipes.application(registry)
    chosen = settings.application
    application = Application(
        environment.names.prefix,
        ApplicationArgs(
            image=image,
            application_network=application_network,
            data_network=data_network,
            database=database,
            cache=cache,
            storage=storage,
            site_name=settings.platform.name,
            url=settings.url,
            mail_transport=settings.platform.mail_transport,
            demo_data=settings.platform.demo_data,
            config=settings.platform.config,
            replicas=chosen.web.replicas,
            drain=chosen.web.drain_seconds,
            update=update(chosen.web.update),
            backend=_backend(settings),
            resources=resources(chosen.web.resources),
            cron_resources=resources(chosen.cron.resources),
            cron_grace_period=chosen.cron.grace_period,
            migrate_timeout=chosen.migrate.timeout,
            mounts=[mount(one) for one in chosen.mounts],
            labels={role: environment.labels(role) for role in ("web", "cron", "migrate")},
            logging=environment.logging,
        ),
        environment.options(),
    )
    if settings.load_balancer.kind == "haproxy":
        entrance(environment, recipes, registry, storage, application_network, application.endpoint)
    outputs: dict[str, Input[Any]] = {
        "url": settings.url,
        "registry": registry.address,
        "database": Output.concat(database.host, ":", str(database.port)),
        "image": image,
    }
    if settings.load_balancer.kind == "external":
        port = given(settings.load_balancer.backend_port)
        outputs["backend"] = [f"{node.address or node.name}:{port}" for node in settings.nodes]
    if environment.nodes:
        outputs["authority"] = environment.authority.certificate
    return outputs


def _backend(settings: Settings) -> Backend | None:
    """How an external load balancer reaches the replicas; none where ours does."""
    chosen = settings.load_balancer
    if chosen.backend_port is None:
        return None
    return Backend(port=chosen.backend_port, trusted_proxies=chosen.trusted_proxies)
