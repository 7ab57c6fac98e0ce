"""docker:index/tag:Tag."""

from __future__ import annotations

from typing import ClassVar

from ..common.fields import Fields, bag, string
from ..common.resource import Call, Live, Made, Resource
from ..common.values import Plain
from .connection import Engine
from .references import Reference


class Tag(Resource):
    """A second name of an image; the name stays when the resource goes."""

    token = "docker:index/tag:Tag"
    fields: ClassVar[Fields] = {
        "sourceImage": string(required=True, replace=True),
        "tagTriggers": bag(string(), replace=True),
        "targetImage": string(required=True, replace=True),
        "sourceImageId": string(output=True),
    }

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def create(self, call: Call, inputs: Plain) -> Made:
        source, target = inputs["sourceImage"], Reference.of(inputs["targetImage"])
        path = f"/images/{source}"
        self.engine.post(f"{path}/tag", repo=target.repository, tag=target.tag or "latest")
        image = self.engine.get(f"{path}/json")
        return Made(f"{source}.{inputs['targetImage']}", {"sourceImageId": image["Id"]})

    def read(self, call: Call, id: str, inputs: Plain, state: Plain) -> Live | None:
        found = self.engine.find(f"/images/{inputs.get('targetImage', '')}/json")
        same = found is not None and found["Id"] == state.get("sourceImageId")
        return Live(id, state) if same else None
