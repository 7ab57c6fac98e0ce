"""docker:index/getNetwork:getNetwork and docker:index/getRegistryImage:getRegistryImage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..common.errors import PluginError
from ..common.fields import Fields, boolean, string
from ..common.resource import Call, Function
from ..common.values import Plain
from .connection import Engine
from .network import describe
from .references import Login, Logins, Reference
from .registry import find_digest


class GetNetwork(Function):
    """A network that exists already."""

    token = "docker:index/getNetwork:getNetwork"
    fields: ClassVar[Fields] = {"name": string(required=True)}

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def call(self, call: Call, inputs: Plain) -> Mapping[str, Any]:
        found = self.engine.find(f"/networks/{inputs['name']}")
        if found is None:
            raise PluginError(
                f"there is no network {inputs['name']!r} on {self.engine.settings.host}"
            )
        words = describe(found)
        shown = ("name", "driver", "options", "internal", "ipamConfigs", "scope")
        containers = sorted((found.get("Containers") or {}).items())
        return {key: words[key] for key in shown} | {
            "id": found["Id"],
            "options": words["options"] or {},
            "containers": [
                {
                    "containerId": container_id,
                    "name": one["Name"],
                    "endpointId": one["EndpointID"],
                    "macAddress": one["MacAddress"],
                    "ipv4Address": one["IPv4Address"],
                    "ipv6Address": one["IPv6Address"],
                }
                for container_id, one in containers
            ],
        }


class GetRegistryImage(Function):
    """The digest of an image in its registry."""

    token = "docker:index/getRegistryImage:getRegistryImage"
    fields: ClassVar[Fields] = {
        "insecureSkipVerify": boolean(default=False),
        "name": string(required=True),
    }

    def __init__(self, engine: Engine, logins: Logins) -> None:
        self.engine = engine
        self.logins = logins

    def call(self, call: Call, inputs: Plain) -> Mapping[str, Any]:
        registry = Reference.of(inputs["name"]).registry
        login = self.logins.of(registry) if registry else Login("")
        digest = find_digest(self.engine, inputs["name"], login)
        if digest is None:
            raise PluginError(f"the registry has no image {inputs['name']}")
        return {**inputs, "id": digest, "sha256Digest": digest}
