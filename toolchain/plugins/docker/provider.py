"""The plugin's provider: its configuration, and which token is which class."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from ..common import sdk
from ..common.fields import Failure, Fields, Naming, block, boolean, check, items, string
from ..common.provider import Provider, Values
from ..common.resource import Function, Resource
from ..common.values import UNKNOWN, Plain, Secret, reveal
from .connection import Engine, Settings
from .references import Logins

_CONFIG: Final[Fields] = {
    "caMaterial": string(),
    "certMaterial": string(),
    "certPath": string(),
    "disableDockerDaemonCheck": boolean(),
    "host": string(),
    "keyMaterial": string(secret=True),
    "registryAuth": items(
        block(
            {
                "address": string(required=True),
                "authDisabled": boolean(),
                "configFile": string(),
                "configFileContent": string(secret=True),
                "password": string(secret=True),
                "username": string(),
            }
        )
    ),
    "sshOpts": items(string()),
}

_NOT_OURS: Final = ("version", "pluginDownloadURL")  # the engine's own

# Type token -> module and class in this package; a second letter says what it is made from.
_RESOURCES: Final = {
    "docker:index/container:Container": ("container", "Container", True),
    "docker:index/image:Image": ("image", "Image", True),
    "docker:index/network:Network": ("network", "Network", False),
    "docker:index/registryImage:RegistryImage": ("registry_image", "RegistryImage", True),
    "docker:index/secret:Secret": ("secret", "Secret", False),
    "docker:index/service:Service": ("service", "Service", True),
    "docker:index/serviceConfig:ServiceConfig": ("service_config", "ServiceConfig", False),
    "docker:index/tag:Tag": ("tag", "Tag", False),
    "docker:index/volume:Volume": ("volume", "Volume", False),
}
_FUNCTIONS: Final = {
    "docker:index/getNetwork:getNetwork": ("functions", "GetNetwork", False),
    "docker:index/getRegistryImage:getRegistryImage": ("functions", "GetRegistryImage", True),
}


class DockerProvider(Provider):
    """The package `docker`."""

    def __init__(self, version: str) -> None:
        self.engine = Engine(Settings.of({}))
        self.logins = Logins([])
        super().__init__(
            "docker",
            version,
            {token: self._loader(*where) for token, where in _RESOURCES.items()},
            {token: self._loader(*where) for token, where in _FUNCTIONS.items()},
        )

    def _loader(self, module: str, name: str, needs_logins: bool) -> Callable[[], Any]:
        def load() -> Resource | Function:
            kind = getattr(import_module(f"{__package__}.{module}"), name)
            made: Resource | Function
            made = kind(self.engine, self.logins) if needs_logins else kind(self.engine)
            return made

        return load

    def check_config(self, config: Values) -> tuple[Values, list[Failure]]:
        decoded = {key: _decoded(value) for key, value in config.items() if key not in _NOT_OURS}
        _, failures = check(_CONFIG, decoded, {}, Naming(""))
        if not failures and UNKNOWN not in decoded.values():
            settings = Settings.of(reveal(decoded))
            if problem := settings.problem():
                failures = [Failure("host", problem)]
        return config, failures

    def configure(self, config: Plain) -> None:
        known = {key: _decoded(value) for key, value in config.items() if value is not UNKNOWN}
        self.engine = Engine(Settings.of(known))
        self.logins = Logins(known.get("registryAuth") or [])
        self._loaded.clear()


def provider() -> DockerProvider:
    """The plugin's provider."""
    return DockerProvider(sdk.version("docker"))


def _decoded(value: Any) -> Any:
    """Nested configuration arrives as JSON text."""
    if isinstance(value, Secret):
        return Secret(_decoded(value.value))
    if isinstance(value, str) and value[:1] in ("[", "{"):
        return json.loads(value)
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
