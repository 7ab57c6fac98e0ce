"""docker:index/serviceConfig:ServiceConfig."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import ClassVar, Final

from ..common.fields import Failure, Fields, string
from ..common.resource import Call, Live, Made, Resource
from ..common.rules import BASE64
from ..common.values import Plain
from .connection import Engine
from .shapes import from_labels, labels, remove_when_free, to_labels

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
        if "data" in inputs and "dataRaw" in inputs:
            yield Failure("data", "and dataRaw exclude each other")

    def create(self, call: Call, inputs: Plain) -> Made:
        raw = base64.b64encode(inputs.get("dataRaw", "").encode()).decode()
        body = {
            "Name": inputs["name"],
            "Data": inputs.get("data", raw),
            "Labels": to_labels(inputs.get("labels")),
        }
        return Made(self.engine.post("/configs/create", body)["ID"])

    def read(self, call: Call, id: str, inputs: Plain, state: Plain) -> Live | None:
        found = self.engine.find(f"/configs/{id}")
        if found is None:
            return None
        spec = found["Spec"]
        live = {"name": spec["Name"], "labels": from_labels(spec.get("Labels"))}
        if "dataRaw" in inputs:
            live["dataRaw"] = base64.b64decode(spec["Data"]).decode(errors="replace")
        else:
            live["data"] = spec["Data"]
        return Live(found["ID"], live)

    def delete(self, call: Call, id: str, state: Plain) -> None:
        remove_when_free(
            call,
            lambda: self.engine.delete(f"/configs/{id}"),
            f"config {state.get('name', id)}",
            busy=("in use",),
            limit=_FREE_LIMIT,
        )
