"""Building an image with the engine's own BuildKit, and pushing it."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from ..common.errors import Cancelled, PluginError
from ..common.resource import Call
from .buildkit import Progress
from .connection import Engine, cut
from .context import Context
from .references import Login, Reference
from .shapes import follow, without_empty

_TAR: Final = {"Content-Type": "application/x-tar"}
_REFUSED: Final = ("unauthorized", "authentication required", "no basic auth", "denied", "eof")


def build(
    call: Call, engine: Engine, name: str, options: Mapping[str, Any], *, no_cache: bool = False
) -> str:
    """Build `name` as the properties under `build` say; the image's id."""
    context = Context(options["context"], options["dockerfile"])
    archive, dockerfile = context.archive()
    params = {"t": name, "dockerfile": dockerfile, "rm": True, "forcerm": True} | without_empty(
        {
            "buildargs": options.get("args"),
            "cachefrom": (options.get("cacheFrom") or {}).get("images"),
            "platform": options.get("platform"),
            "target": options.get("target"),
            "networkmode": options.get("network"),
            "extrahosts": ",".join(options.get("addHosts") or ()),
            "nocache": no_cache or None,
        }
    )
    call.status(f"building {name}")
    started = time.monotonic()
    with archive:
        if options.get("builderVersion") == "BuilderV1":
            image = _build_classic(call, engine, name, params, archive)
        else:
            image = _build_with_buildkit(call, engine, name, params, archive)
    call.status(f"built {name} in {time.monotonic() - started:.0f} s")
    return image


def _build_with_buildkit(
    call: Call, engine: Engine, name: str, params: Mapping[str, Any], archive: Any
) -> str:
    """BuildKit fetches the context from an upload that runs beside; no session is needed."""
    build_id = secrets.token_hex(16)
    failed: list[PluginError] = []

    def upload() -> None:
        query = {"version": "2", "buildid": f"upload-request:{build_id}"}
        try:
            with engine.stream("POST", "/build", data=archive, headers=_TAR, params=query):
                pass
        except PluginError as error:
            failed.append(error)

    progress, image, error = Progress(), "", ""
    uploader = threading.Thread(target=upload, daemon=True)
    uploader.start()
    query = {**params, "version": "2", "buildid": build_id, "remote": "upload-request"}
    for event in follow(call, engine, "/build", **query):
        aux = event.get("aux")
        if event.get("id") == "moby.buildkit.trace":
            for text in progress.feed(str(aux)):
                call.status(text)
        elif isinstance(aux, dict) and "ID" in aux:
            image = aux["ID"]
        error = event.get("error") or error
    uploader.join(timeout=5)
    if error or not image:
        step = progress.failure()
        reason = error or (str(failed[0]) if failed else "the engine reported no image")
        if step is None:
            raise PluginError(f"building {name} failed: {reason}")
        raise PluginError(_step_failed(name, step.name, step.error, step.lines))
    return image


def _build_classic(
    call: Call, engine: Engine, name: str, params: Mapping[str, Any], archive: Any
) -> str:
    image, error, step = "", "", ""
    lines: deque[str] = deque(maxlen=20)
    query = {**params, "version": "1"}
    with (
        engine.stream("POST", "/build", data=archive, headers=_TAR, params=query) as response,
        call.interruptible(lambda: cut(response)),
    ):
        for event in engine.messages(response):
            for line in event.get("stream", "").strip().splitlines():
                if line.startswith("Step "):
                    step = line
                    lines.clear()
                lines.append(line)
                call.status(line)
            if isinstance(event.get("aux"), dict):
                image = event["aux"].get("ID", image)
            error = event.get("error") or error
    if error or not image:
        raise PluginError(_step_failed(name, step, error or "no image was reported", lines))
    return image


def _step_failed(name: str, step: str, error: str, lines: deque[str]) -> str:
    text = f"building {name} failed in step {step}: {error}"
    if lines:
        text += "\nits last lines of output:\n" + "\n".join(f"  {line}" for line in lines)
    return text


def push(call: Call, engine: Engine, name: str, login: Login) -> str:
    """Push an image; its name in the registry, by digest."""
    reference = Reference.of(name)
    digest, error = "", ""
    call.status(f"pushing {name}")
    path = f"/images/{reference.repository}/push"
    tag = reference.tag or "latest"
    for event in follow(call, engine, path, headers=login.header(), tag=tag):
        digest = (event.get("aux") or {}).get("Digest") or digest
        error = event.get("error") or error
        status, layer = event.get("status"), event.get("id")
        if status and layer:
            call.status(f"pushing {layer}: {status} {event.get('progress', '')}".strip())
    if error:
        raise PluginError(_push_failed(name, reference.registry, login, error))
    if not digest:
        raise PluginError(f"pushing {name}: the engine reported no digest")
    return f"{reference.repository}@{digest}"


def _push_failed(name: str, registry: str, login: Login, error: str) -> str:
    text = f"pushing {name} failed: {error}"
    if not any(word in error.lower() for word in _REFUSED):
        return text
    if not login.username:
        return f"{text}; the registry {registry} wants a login, and none is given"
    return f"{text}; the registry {registry} refused the password of the user {login.username}"


def pull_caches(call: Call, engine: Engine, images: list[str], login: Login, platform: str) -> None:
    """Fetch images that serve as cache; one that can't be had costs time only."""
    for image in images:
        call.status(f"pulling the cache {image}")
        try:
            query = {"fromImage": image, "platform": platform}
            events = follow(call, engine, "/images/create", headers=login.header(), **query)
            errors = [event["error"] for event in events if event.get("error")]
        except Cancelled:
            raise
        except PluginError as error:
            errors = [str(error)]
        if errors:
            call.info(f"cacheFrom image {image} is not available: {errors[0]}")
