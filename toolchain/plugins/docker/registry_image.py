"""docker:index/registryImage:RegistryImage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..common.fields import Fields, block, boolean, mapping, string
from ..common.resource import Call, Live, Made, Resource
from ..common.values import Plain
from .build import push
from .connection import Engine
from .references import Login, Logins, Reference, hostname
from .registry import delete_manifest, find_digest


class RegistryImage(Resource):
    """A local image, pushed; removed from its registry with the resource."""

    token = "docker:index/registryImage:RegistryImage"
    fields: ClassVar[Fields] = {
        "authConfig": block(
            {
                "address": string(required=True),
                "password": string(secret=True),
                "username": string(),
            }
        ),
        "insecureSkipVerify": boolean(default=False),
        "keepRemotely": boolean(default=False),
        "name": string(replace=True, autoname=True),
        "triggers": mapping(replace=True),
        "sha256Digest": string(output=True),
    }

    def __init__(self, engine: Engine, logins: Logins) -> None:
        self.engine = engine
        self.logins = logins

    def create(self, call: Call, inputs: Plain) -> Made:
        pushed = push(call, self.engine, inputs["name"], self._login(inputs))
        digest = pushed.partition("@")[2]
        return Made(digest, {"sha256Digest": digest})

    def read(self, call: Call, id: str, inputs: Plain, state: Plain) -> Live | None:
        name = inputs.get("name") or state.get("name")
        if not name:
            return None
        digest = find_digest(self.engine, name, self._login(inputs))
        return None if digest is None else Live(id, {**state, "sha256Digest": digest})

    def update(self, call: Call, id: str, state: Plain, inputs: Plain) -> Mapping[str, Any]:
        return {"sha256Digest": state.get("sha256Digest")}

    def delete(self, call: Call, id: str, state: Plain) -> None:
        if not state.get("keepRemotely"):
            delete_manifest(
                Reference.of(state["name"]),
                state["sha256Digest"],
                self._login(state),
                scheme=self._scheme(state),
                verify=not state.get("insecureSkipVerify"),
            )

    def _scheme(self, inputs: Plain) -> str:
        address = (inputs.get("authConfig") or {}).get("address", "")
        if "://" in address:
            return str(address.partition("://")[0])
        return self.logins.scheme(Reference.of(inputs["name"]).registry)

    def _login(self, inputs: Plain) -> Login:
        auth = inputs.get("authConfig")
        if auth:
            server = hostname(auth["address"])
            return Login(server, auth.get("username", ""), auth.get("password", ""))
        return self.logins.of(Reference.of(inputs["name"]).registry)
