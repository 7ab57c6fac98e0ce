"""docker:index/network:Network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from ..common.fields import Fields, bag, block, boolean, mapping, string
from ..common.resource import Call, Live, Made, Resource
from ..common.values import Plain
from .connection import Engine, EngineError
from .shapes import CONFLICT, from_labels, labels, remove_when_free, taken, to_labels, without_empty

_FREE_LIMIT: Final = 60  # seconds until the last container has left a network

_ADDRESS_LIMIT: Final = 10  # seconds until a Swarm network has its addresses

_IPAM_CONFIG: Final = {
    "auxAddress": mapping(replace=True),
    "gateway": string(replace=True),
    "ipRange": string(replace=True),
    "subnet": string(replace=True),
}
_IPAM_KEYS: Final = {
    "auxAddress": "AuxiliaryAddresses",
    "gateway": "Gateway",
    "ipRange": "IPRange",
    "subnet": "Subnet",
}


class Network(Resource):
    """A network; nothing of it can change in place."""

    token = "docker:index/network:Network"
    schema_version = 1
    fields: ClassVar[Fields] = {
        "attachable": boolean(replace=True),
        "driver": string(replace=True, computed=True),
        "ingress": boolean(replace=True),
        "internal": boolean(replace=True, computed=True),
        "ipamConfigs": bag(block(_IPAM_CONFIG), replace=True, computed=True),
        "ipamDriver": string(replace=True, default="default"),
        "ipamOptions": mapping(replace=True),
        "ipv6": boolean(replace=True),
        "labels": labels(replace=True),
        "name": string(replace=True, autoname=True),
        "options": mapping(replace=True, computed=True),
        "scope": string(output=True),
    }

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def create(self, call: Call, inputs: Plain) -> Made:
        ipam = {
            "Driver": inputs["ipamDriver"],
            "Options": inputs.get("ipamOptions"),
            "Config": [to_ipam(config) for config in inputs.get("ipamConfigs", ())],
        }
        body = {
            "Name": inputs["name"],
            "CheckDuplicate": True,
            "Driver": inputs.get("driver"),
            "Internal": inputs.get("internal"),
            "Attachable": inputs.get("attachable"),
            "Ingress": inputs.get("ingress"),
            "EnableIPv6": inputs.get("ipv6"),
            "IPAM": without_empty(ipam),
            "Options": inputs.get("options"),
            "Labels": to_labels(inputs.get("labels")),
        }
        path = f"/networks/{self._make(inputs, without_empty(body))}"
        found = self.engine.get(path)
        # Swarm hands addresses out a moment later.
        while not found["IPAM"].get("Config") and call.limit(_ADDRESS_LIMIT) > 0:
            if found["Scope"] != "swarm":
                break
            call.sleep(0.05)
            found = self.engine.get(path)
        return Made(found["Id"], describe(found))

    def _make(self, inputs: Plain, body: Plain) -> str:
        """Id of the network, which an interrupted run may have made already."""
        try:
            return str(self.engine.post("/networks/create", body)["Id"])
        except EngineError as error:
            if error.status != CONFLICT:
                raise
            found = self.engine.find(f"/networks/{inputs['name']}")
            taken(self, inputs, found and describe(found), error)
            return str(found["Id"])

    def read(self, call: Call, id: str, inputs: Plain, state: Plain) -> Live | None:
        found = self.engine.find(f"/networks/{id}")
        return None if found is None else Live(found["Id"], describe(found))

    def delete(self, call: Call, id: str, state: Plain) -> None:
        remove_when_free(
            call,
            lambda: self.engine.delete(f"/networks/{id}"),
            f"network {state.get('name', id)}",
            busy=("active endpoints", "in use"),
            limit=_FREE_LIMIT,
        )
        # Swarm answers before the node has let go.
        while self.engine.find(f"/networks/{id}") is not None and call.limit(_FREE_LIMIT) > 0:
            call.sleep(0.1)


def to_ipam(config: Mapping[str, Any]) -> dict[str, Any]:
    """One address pool as the engine takes it."""
    return {_IPAM_KEYS[key]: value for key, value in config.items() if value}


def from_ipam(config: Mapping[str, Any]) -> dict[str, Any]:
    """One address pool as the program writes it."""
    return {key: config[name] for key, name in _IPAM_KEYS.items() if config.get(name)}


def describe(found: Mapping[str, Any]) -> dict[str, Any]:
    """The engine's answer in the words of the table."""
    ipam = found.get("IPAM") or {}
    return {
        "attachable": found["Attachable"],
        "driver": found["Driver"],
        "ingress": found["Ingress"],
        "internal": found["Internal"],
        "ipamConfigs": [from_ipam(config) for config in ipam.get("Config") or ()],
        "ipamDriver": ipam.get("Driver"),
        "ipamOptions": ipam.get("Options"),
        "ipv6": found["EnableIPv6"],
        "labels": from_labels(found["Labels"]),
        "name": found["Name"],
        "options": found["Options"],
        "scope": found["Scope"],
    }
