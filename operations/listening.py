"""What an environment's settings ask of this machine: ports, and logins to registries."""

import os
from pathlib import Path

from operations import pulumi
from operations.preflight import Listener, Login
from stacks.settings.errors import SettingsError
from stacks.settings.load import read_settings
from stacks.settings.models import Settings
from toolchain import places
from toolchain.failure import Failure

ANYWHERE = "0.0.0.0"
LOOPBACK = "127.0.0.1"


def settings(environment: str, *, deployable: bool = True) -> Settings:
    """The settings of an environment; raises Failure with all that is wrong with them.

    Whoever only looks at the nodes need not be able to deploy (`deployable`) what runs on them.
    """
    # Messages name the file as it was given.
    path = Path(os.path.relpath(places.ROOT / f"Pulumi.{environment}.yaml"))
    try:
        return read_settings(path, deployable=deployable)
    except SettingsError as error:
        raise Failure(str(error)) from None


def listeners(settings: Settings) -> list[Listener]:
    """Ports of this machine that the platform will listen on."""
    balancer, registry = settings.load_balancer, settings.registry
    found = []
    if balancer.backend_port is not None:
        found.append(Listener("studip:load_balancer.backend_port", ANYWHERE, balancer.backend_port))
    elif settings.networks.edge.driver != "macvlan":  # else it has an address of its own
        found.append(Listener("studip:load_balancer.http_port", ANYWHERE, balancer.http_port))
        if balancer.https_port is not None:
            found.append(Listener("studip:load_balancer.https_port", ANYWHERE, balancer.https_port))
    if balancer.vrrp is not None:
        monitor = balancer.vrrp.monitor_port
        found.append(Listener("studip:load_balancer.vrrp.monitor_port", ANYWHERE, monitor))
    if registry.kind != "external":
        found.append(Listener("studip:registry.port", LOOPBACK, registry.port))
    return found


def logins(settings: Settings) -> list[Login]:
    """Registries that want a password, which only Pulumi can read."""
    registry = settings.registry
    if registry.kind != "external" or registry.user is None or registry.password is None:
        return []
    password = pulumi.capture(
        "config", "get", "--stack", settings.environment, "--path", "registry.password"
    )
    return [
        Login(
            key="studip:registry.password",
            address=str(registry.address),
            user=registry.user,
            password=password.rstrip("\n"),
        )
    ]
