"""docker:index/secret:Secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from ..common.fields import Fields, string
from ..common.resource import Call, Live, Made, Resource
from ..common.rules import BASE64
from ..common.values import Plain
from .connection import Engine, EngineError
from .shapes import CONFLICT, from_labels, labels, remove_when_free, taken, to_labels

_FREE_LIMIT: Final = 60  # seconds until the last service has let go


class Secret(Resource):
    """A Swarm secret: its data can be written, never read."""

    token = "docker:index/secret:Secret"
    schema_version = 1
    fields: ClassVar[Fields] = {
        "data": string(required=True, replace=True, secret=True, rule=BASE64),
        "labels": labels(replace=True),
        "name": string(replace=True, autoname=True),
    }

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def create(self, call: Call, inputs: Plain) -> Made:
        body = {
            "Name": inputs["name"],
            "Data": inputs["data"],
            "Labels": to_labels(inputs.get("labels")),
        }
        try:
            return Made(self.engine.post("/secrets/create", body)["ID"])
        except EngineError as error:
            if error.status != CONFLICT:
                raise
            found = self.engine.find(f"/secrets/{inputs['name']}")
            taken(self, inputs, found and _describe(found), error)
            # What it holds can't be read, but nobody uses what an interrupted run left behind.
            self.engine.delete(f"/secrets/{found['ID']}")
            return Made(self.engine.post("/secrets/create", body)["ID"])

    def read(self, call: Call, id: str, inputs: Plain, state: Plain) -> Live | None:
        found = self.engine.find(f"/secrets/{id}")
        return None if found is None else Live(found["ID"], _describe(found))

    def delete(self, call: Call, id: str, state: Plain) -> None:
        remove_when_free(
            call,
            lambda: self.engine.delete(f"/secrets/{id}"),
            f"secret {state.get('name', id)}",
            busy=("in use",),
            limit=_FREE_LIMIT,
        )


def _describe(found: Mapping[str, Any]) -> dict[str, Any]:
    spec = found["Spec"]
    return {"name": spec["Name"], "labels": from_labels(spec.get("Labels"))}
