"""docker:index/image:Image."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from ..common.changes import Difference
from ..common.errors import PluginError
from ..common.fields import DEFAULTS, Failure, Fields, block, boolean, items, mapping, string
from ..common.resource import Call, Live, Made, Resource
from ..common.rules import one_of
from ..common.values import UNKNOWN, Plain, Secret
from .build import build, pull_caches, push
from .connection import Engine
from .context import Context
from .references import Login, Logins, Reference, hostname

_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}

_BUILD: Final = {
    "addHosts": items(string()),
    "args": mapping(),
    "builderVersion": string(rule=one_of("BuilderV1", "BuilderBuildKit")),
    "cacheFrom": block({"images": items(string())}),
    "context": string(),
    "contextDigest": string(derived=True),
    "dockerfile": string(),
    "network": string(),
    "platform": string(),
    "target": string(),
}
_REGISTRY: Final = {
    "password": string(secret=True),
    "server": string(),
    "username": string(),
}


class Image(Resource):
    """An image that is built from a folder and pushed.

    Whatever changes, it is built anew under the same resource; new credentials are no change.
    Its digest changes with the content of the build context, which `derive` reads.
    """

    token = "docker:index/image:Image"
    keeps_inputs: ClassVar[bool] = False
    fields: ClassVar[Fields] = {
        "build": block(_BUILD),
        "buildOnPreview": boolean(),
        "imageName": string(required=True),
        "registry": block(_REGISTRY),
        "skipPush": boolean(),
        "baseImageName": string(output=True),
        "context": string(output=True),
        "dockerfile": string(output=True),
        "platform": string(output=True),
        "registryServer": string(output=True),
        "repoDigest": string(output=True, volatile=True),
    }

    def __init__(self, engine: Engine, logins: Logins) -> None:
        self.engine = engine
        self.logins = logins

    def validate(self, inputs: Plain) -> Iterable[Failure]:
        if inputs.get("buildOnPreview") is True:
            yield Failure("buildOnPreview", "is not supported here: a preview has no side effects")
        name, pushes = inputs["imageName"], inputs.get("skipPush") is not True
        if name is not UNKNOWN:
            yield from _name_failures(name, pushes=pushes)
        options = inputs.get("build") or {}
        if options is not UNKNOWN:
            yield from _dockerfile_failures(options)

    def derive(self, inputs: Plain) -> Plain:
        options = inputs.get("build") or {}
        if options is UNKNOWN:
            return inputs
        options = {**options, "context": options.get("context", ".")}
        if options["context"] is not UNKNOWN:
            options["dockerfile"] = _dockerfile(options)
            if options["dockerfile"] is not UNKNOWN:
                context = Context(options["context"], options["dockerfile"])
                options["contextDigest"] = context.digest()
        options.setdefault("platform", _own_platform())
        return {**inputs, "buildOnPreview": False, "build": options}

    def judge(self, old: Plain, new: Plain, differences: list[Difference]) -> list[Difference]:
        before, after = old.get("registry"), new.get("registry")
        both = isinstance(before, dict) and isinstance(after, dict)
        if both and _server(before) == _server(after):
            return [one for one in differences if not one.path.startswith("registry")]
        return differences

    def create(self, call: Call, inputs: Plain) -> Made:
        return Made(inputs["imageName"], self._make(call, inputs))

    def update(self, call: Call, id: str, state: Plain, inputs: Plain) -> Mapping[str, Any]:
        return self._make(call, inputs)

    def read(self, call: Call, id: str, inputs: Plain, state: Plain) -> Live | None:
        """As the state has it; a local image that is gone has to be built again."""
        if not inputs:
            raise PluginError("an image can't be imported: it is what its build made of it")
        digest = state.get("repoDigest")
        local = inputs.get("skipPush") is True and digest
        if local and self.engine.find(f"/images/{digest}/json") is None:
            return None
        return Live(id, state)

    def extra_state(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        # The official plugin compares with this copy.
        return {"__inputs": Secret({k: v for k, v in inputs.items() if k != DEFAULTS})}

    def _make(self, call: Call, inputs: Plain) -> dict[str, Any]:
        name, options = inputs["imageName"], inputs["build"]
        caches = (options.get("cacheFrom") or {}).get("images") or []
        skip = inputs.get("skipPush") is True
        if caches:
            login = self._login(name, inputs.get("registry") or {})
            pull_caches(call, self.engine, caches, login, options.get("platform", ""))
        digest = build(call, self.engine, name, options)
        if not skip:
            digest = push(call, self.engine, name, self._login(name, inputs.get("registry") or {}))
        return {
            "baseImageName": name,
            "context": options["context"],
            "dockerfile": Context(options["context"], options["dockerfile"]).relative_dockerfile,
            "imageName": name,
            "platform": options.get("platform", ""),
            "registryServer": (inputs.get("registry") or {}).get("server", ""),
            "repoDigest": digest,
        }

    def _login(self, name: str, registry: Mapping[str, Any]) -> Login:
        server = hostname(registry.get("server") or Reference.of(name).registry)
        username, password = registry.get("username"), registry.get("password")
        if username and password:
            return Login(server, username, password)
        return self.logins.of(server)


def _name_failures(name: str, *, pushes: bool) -> Iterable[Failure]:
    try:
        reference = Reference.of(name)
    except PluginError as error:
        yield Failure("imageName", f"is not valid: {error}")
        return
    if pushes and not reference.registry:
        yield Failure(
            "imageName", f"must name its registry (host:port/path:tag) to be pushed, got {name!r}"
        )


def _dockerfile_failures(options: Mapping[str, Any]) -> Iterable[Failure]:
    folder, file = options.get("context", "."), options.get("dockerfile")
    if UNKNOWN in (folder, file):
        return
    if not Path(folder).is_dir():
        yield Failure("build.context", f"is not a folder: {folder} (seen from {Path.cwd()})")
        return
    path = _dockerfile(options)
    if not Path(path).is_file():
        inside = str(Path(folder, path))
        hint = f"; it is relative to the project: try {inside}" if Path(inside).is_file() else ""
        yield Failure("build.dockerfile", f"is not a file: {path}{hint}")


def _server(registry: Any) -> Any:
    return registry.get("server")


def _dockerfile(options: Mapping[str, Any]) -> Any:
    given = options.get("dockerfile")
    folder = options.get("context", ".")
    return given if given is not None else os.path.normpath(Path(folder, "Dockerfile"))


def _own_platform() -> str:
    machine = platform.machine()
    return f"linux/{_ARCHITECTURES.get(machine, machine)}"
