"""docker:index/volume:Volume."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from ..common.errors import PluginError
from ..common.fields import Fields, mapping, string
from ..common.resource import Call, Live, Made, Resource
from ..common.values import Plain
from .connection import Engine
from .shapes import from_labels, labels, remove_when_free, to_labels, without_empty

_FREE_LIMIT: Final = 60  # seconds until the last container is gone


class Volume(Resource):
    """A named volume; nothing of it can change in place."""

    token = "docker:index/volume:Volume"
    schema_version = 1
    fields: ClassVar[Fields] = {
        "driver": string(replace=True, computed=True),
        "driverOpts": mapping(replace=True),
        "labels": labels(replace=True),
        "mountpoint": string(output=True),
        "name": string(replace=True, autoname=True),
    }

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def create(self, call: Call, inputs: Plain) -> Made:
        name = inputs["name"]
        body = {
            "Name": name,
            "Driver": inputs.get("driver"),
            "DriverOpts": inputs.get("driverOpts"),
            "Labels": to_labels(inputs.get("labels")),
        }
        made = self.engine.post("/volumes/create", without_empty(body))
        # Asked for a volume that exists, the engine hands that one out: fine after an
        # interrupted run, but a stranger's data must not be taken over.
        same_labels = (made["Labels"] or {}) == body["Labels"]
        if not same_labels or (made["Options"] or {}) != (body["DriverOpts"] or {}):
            raise PluginError(
                f"there is a volume named {name} already, with other labels or options: remove it "
                f"(docker volume rm {name}), or take it over with `pulumi import {self.token} "
                f"NAME {name}`"
            )
        return Made(made["Name"], _describe(made))

    def read(self, call: Call, id: str, inputs: Plain, state: Plain) -> Live | None:
        found = self.engine.find(f"/volumes/{id}")
        return None if found is None else Live(found["Name"], _describe(found))

    def delete(self, call: Call, id: str, state: Plain) -> None:
        remove_when_free(
            call,
            lambda: self.engine.delete(f"/volumes/{id}", force=True),
            f"volume {id}",
            busy=("in use",),
            limit=_FREE_LIMIT,
        )


def _describe(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "driver": found["Driver"],
        "driverOpts": found["Options"],
        "labels": from_labels(found["Labels"]),
        "mountpoint": found["Mountpoint"],
        "name": found["Name"],
    }
