"""docker:index/serviceConfig:ServiceConfig."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

from ..common.fields import Failure, Fields, string
from ..common.resource import Call, Live, Made, Resource
from ..common.rules import BASE64
from ..common.values import Plain
from .connection import Engine, EngineError
from .shapes import CONFLICT, from_labels, labels, remove_when_free, taken, to_labels

_FREE_LIMIT: Final = 60  # seconds until the last service has let go


class ServiceConfig(Resource):
    """A Swarm config: a file for services, readable by everybody who may ask the engine."""

    token = "docker:index/serviceConfig:ServiceConfig"
    fields: ClassVar[Fields] = {
        "data": string(replace=True, rule=BASE64),
        "dataRaw": string(replace=True),
        "labels": labels(replace=True),
        "name": string(replace=True, autoname=True),
    }

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def validate(self, inputs: Plain) -> Iterable[Failure]:
        if ("data" in inputs) == ("dataRaw" in inputs):
            yield Failure("data", "or dataRaw must be given, and not both")

    def create(self, call: Call, inputs: Plain) -> Made:
        raw = base64.b64encode(inputs.get("dataRaw", "").encode()).decode()
        body = {
            "Name": inputs["name"],
            "Data": inputs.get("data", raw),
            "Labels": to_labels(inputs.get("labels")),
        }
        try:
            return Made(self.engine.post("/configs/create", body)["ID"])
        except EngineError as error:
            if error.status != CONFLICT:
                raise
            found = self.engine.find(f"/configs/{inputs['name']}")
            taken(self, inputs, found and _describe(found, inputs), error)
            return Made(found["ID"])

    def read(self, call: Call, id: str, inputs: Plain, state: Plain) -> Live | None:
        found = self.engine.find(f"/configs/{id}")
        return None if found is None else Live(found["ID"], _describe(found, inputs))

    def delete(self, call: Call, id: str, state: Plain) -> None:
        remove_when_free(
            call,
            lambda: self.engine.delete(f"/configs/{id}"),
            f"config {state.get('name', id)}",
            busy=("in use",),
            limit=_FREE_LIMIT,
        )


def _describe(found: Mapping[str, Any], inputs: Plain) -> dict[str, Any]:
    spec = found["Spec"]
    live = {"name": spec["Name"], "labels": from_labels(spec.get("Labels"))}
    if "dataRaw" in inputs:
        live["dataRaw"] = base64.b64decode(spec["Data"]).decode(errors="replace")
    else:
        live["data"] = spec["Data"]
    return live
