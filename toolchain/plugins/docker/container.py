"""docker:index/container:Container."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ..common.errors import Cancelled, Incomplete, PluginError
from ..common.fields import Failure
from ..common.resource import Call, Live, Made, Resource
from ..common.values import UNKNOWN, Plain
from .connection import Engine, EngineError
from .container_fields import FIELDS
from .container_spec import (
    changeable,
    computed,
    imported,
    to_archive,
    to_create,
    to_endpoint,
    to_resources,
)
from .logs import frames, last_health_output, tail
from .references import Login, Logins, Reference
from .shapes import CONFLICT, follow, taken, to_labels

_POLL: Final = 0.3  # seconds between two looks
_REMOVE_LIMIT: Final = 60  # seconds until a removed container is gone
_KEPT_OUTPUT: Final = 1024 * 1024  # bytes of a job's output that go into the state
_TAIL: Final = 20  # lines of output in a message
_CHANGEABLE: Final = (
    "restart",
    "maxRetryCount",
    "cpuShares",
    "cpuSet",
    "memory",
    "memoryReservation",
    "memorySwap",
)
_CONTENTS: Final = ("content", "contentBase64", "source")


class Container(Resource):
    """A container; with `attach` a job, whose exit code decides.

    A container that can't be made ready is removed again, so that the next run can make it. A
    job that is interrupted goes on: it is not ours to break, the next run waits for it.
    """

    token = "docker:index/container:Container"
    schema_version = 2
    delete_before_replace = True
    fields = FIELDS

    def __init__(self, engine: Engine, logins: Logins) -> None:
        self.engine = engine
        self.logins = logins

    def validate(self, inputs: Plain) -> Iterable[Failure]:
        uploads = inputs.get("uploads")
        for index, upload in enumerate(uploads if isinstance(uploads, list) else ()):
            if upload is not UNKNOWN and len([key for key in _CONTENTS if key in upload]) != 1:
                reason = f"needs exactly one of {', '.join(_CONTENTS)}"
                yield Failure(f"uploads[{index}]", reason)
        command = inputs.get("command")
        if isinstance(command, list) and "" in command:
            yield Failure("command", "must not have empty words")

    def create(self, call: Call, inputs: Plain) -> Made:
        self._fetch_image(call, inputs["image"], inputs.get("platform", ""))
        params = {"name": inputs["name"]}
        if platform := inputs.get("platform"):
            params["platform"] = platform
        try:
            container_id = self.engine.post("/containers/create", to_create(inputs), **params)["Id"]
        except EngineError as error:
            if error.status != CONFLICT:
                raise
            self._make_way(call, inputs, error)
            container_id = self.engine.post("/containers/create", to_create(inputs), **params)["Id"]
        try:
            self._connect(container_id, inputs)
            for upload in inputs.get("uploads") or ():
                self.engine.unpack(container_id, to_archive(upload))
            extra = self._run(call, container_id, inputs)
        except Cancelled as error:
            raise self._interrupted(error, container_id, inputs) from error
        except PluginError:
            self._remove(call, container_id, inputs)
            raise
        return Made(container_id, {**self._describe(container_id, inputs), **extra})

    def read(self, call: Call, id: str, inputs: Plain, state: Plain) -> Live | None:
        found = self.engine.find(f"/containers/{id}/json")
        if found is None:
            # A job that removes itself is not gone, it is done.
            return Live(id, state) if inputs.get("attach") and inputs.get("rm") else None
        live = {**computed(found), **changeable(found, inputs)}
        if not inputs:
            live = {**imported(found), **live}
        return Live(found["Id"], live)

    def update(self, call: Call, id: str, state: Plain, inputs: Plain) -> Mapping[str, Any]:
        found = self.engine.get(f"/containers/{id}/json")
        if any(state.get(key) != inputs.get(key) for key in _CHANGEABLE):
            body = to_resources(inputs)
            if not inputs.get("memorySwap"):
                del body["MemorySwap"]
            self.engine.post(f"/containers/{id}/update", body)
        extra: dict[str, Any] = {}
        running = found["State"]["Running"]
        if inputs["attach"] and not inputs["mustRun"] and running:
            try:
                extra = self._await_exit(call, id, inputs, start=False)
            except Cancelled as error:
                raise self._interrupted(error, id, inputs) from error
        elif inputs["mustRun"] and inputs["start"] and not running:
            self._run(call, id, inputs)
        kept = {key: value for key, value in state.items() if FIELDS.get(key, FIELDS["rm"]).output}
        return {**kept, **self._describe(id, inputs), **extra}

    def delete(self, call: Call, id: str, state: Plain) -> None:
        if not state.get("attach"):
            params = {}
            if grace := state.get("destroyGraceSeconds"):
                params["t"] = grace
            with contextlib.suppress(EngineError):  # gone, or not running
                self.engine.post(f"/containers/{id}/stop", timeout=None, **params)
        self._remove(call, id, state)

    def _fetch_image(self, call: Call, image: str, platform: str) -> None:
        if self.engine.find(f"/images/{image}/json") is not None:
            return
        call.status(f"pulling {image}")
        registry = Reference.of(image).registry
        login = self.logins.of(registry) if registry else Login("")
        query = {"fromImage": image, "platform": platform}
        path = "/images/create"
        for event in follow(call, self.engine, path, headers=login.header(), **query):
            if error := event.get("error"):
                raise PluginError(f"image {image} can't be had: {error}")

    def _make_way(self, call: Call, inputs: Plain, error: EngineError) -> None:
        """Remove what an interrupted run has left behind under our name; nothing else."""
        found = self.engine.find(f"/containers/{inputs['name']}/json")
        live = None
        if found is not None:
            fixed = imported(found)
            live = {key: fixed[key] for key in ("image", "labels", "networkMode")}
            own = to_labels(inputs.get("labels"))
            live["labels"] = [one for one in live["labels"] if one["label"] in own]
        taken(self, inputs, live, error)
        if found is not None and found["State"]["Running"] and inputs["attach"]:
            raise PluginError(
                f"the job {inputs['name']} of an interrupted run is still running: wait until it "
                f"ends (docker wait {inputs['name']}), then try again"
            )
        self._remove(call, found["Id"], inputs)

    def _connect(self, container_id: str, inputs: Plain) -> None:
        networks = inputs.get("networksAdvanced") or ()
        if networks:
            body = {"Container": container_id, "Force": False}
            with contextlib.suppress(EngineError):  # not on the default network at all
                self.engine.post("/networks/bridge/disconnect", body)
        for network in networks:
            body = {"Container": container_id, "EndpointConfig": to_endpoint(network)}
            self.engine.post(f"/networks/{network['name']}/connect", body)

    def _run(self, call: Call, container_id: str, inputs: Plain) -> dict[str, Any]:
        """Start it and wait as long as the program wants; more outputs."""
        if not inputs["start"]:
            return {}
        if inputs["attach"]:
            return self._await_exit(call, container_id, inputs, start=True)
        self.engine.post(f"/containers/{container_id}/start")
        if inputs["wait"]:
            self._await_health(call, container_id, inputs)
        return {}

    def _await_health(self, call: Call, container_id: str, inputs: Plain) -> None:
        name = inputs["name"]
        while True:
            found = self.engine.get(f"/containers/{container_id}/json")
            health = found["State"].get("Health")
            if health is None:
                raise PluginError(f"container {name}: wait needs a healthcheck, and it has none")
            if health["Status"] == "healthy":
                return
            late = call.limit(inputs["waitTimeout"]) <= 0
            if late or not found["State"]["Running"]:
                reason = "is not healthy in time" if late else "has ended"
                said = last_health_output(found)
                text = (
                    f"container {name} {reason}{f'; its health check said: {said}' if said else ''}"
                )
                raise PluginError(text + _quoted(tail(self.engine, f"/containers/{container_id}")))
            call.status(f"{name}: {health['Status']}")
            call.sleep(_POLL)

    def _await_exit(
        self, call: Call, container_id: str, inputs: Plain, *, start: bool
    ) -> dict[str, Any]:
        """Wait until the job ends; its exit code and output. PluginError if it failed."""
        result: queue.Queue[int | PluginError] = queue.Queue()
        output = bytearray()
        ready = threading.Event()

        def wait_for_exit() -> None:
            path = f"/containers/{container_id}/wait"
            condition = "next-exit" if start else "not-running"
            try:
                with self.engine.stream("POST", path, params={"condition": condition}) as answer:
                    ready.set()
                    result.put(int(answer.json()["StatusCode"]))
            except PluginError as error:
                ready.set()
                result.put(error)

        def follow() -> None:
            path = f"/containers/{container_id}/logs"
            query = {"stdout": True, "stderr": True, "follow": True}
            with (
                contextlib.suppress(PluginError, OSError),  # the exit code is what counts
                self.engine.stream("GET", path, params=query) as answer,
            ):
                chunks = answer.iter_content(None)
                for data in chunks if inputs["tty"] else frames(chunks):
                    output.extend(data)
                    del output[:-_KEPT_OUTPUT]
                    for line in data.decode(errors="replace").splitlines():
                        call.status(line)

        threading.Thread(target=wait_for_exit, daemon=True).start()
        ready.wait()  # a job may be over before we ask
        if start:
            self.engine.post(f"/containers/{container_id}/start")
        follower = threading.Thread(target=follow, daemon=True)
        follower.start()
        while result.empty():
            call.sleep(0.05)  # asks nobody
        code = result.get()
        follower.join(timeout=10)
        text = output.decode(errors="replace")
        if isinstance(code, PluginError):
            raise code
        if code:
            lines = [line for line in text.splitlines() if line.strip()][-_TAIL:]
            raise PluginError(
                f"container {inputs['name']} ended with exit code {code}{_quoted(lines)}"
            )
        return {"exitCode": code, **({"containerLogs": text} if inputs["logs"] else {})}

    def _interrupted(self, error: Cancelled, container_id: str, inputs: Plain) -> PluginError:
        """What to say of a container that was left alone: nothing made is lost."""
        if self.engine.find(f"/containers/{container_id}/json") is None:
            return error
        text = f"{error}: container {inputs['name']} goes on; the next run waits for it"
        outputs = self._describe(container_id, inputs)
        return Incomplete(text, id=container_id, outputs=outputs)

    def _describe(self, container_id: str, inputs: Plain) -> dict[str, Any]:
        found = self.engine.find(f"/containers/{container_id}/json")
        return {} if found is None else {**computed(found), **changeable(found, inputs)}

    def _remove(self, call: Call, container_id: str, inputs: Plain) -> None:
        volumes = inputs.get("removeVolumes", True)
        path = f"/containers/{container_id}"
        while True:
            try:
                if not self.engine.delete(path, v=volumes, force=True):
                    return
            except EngineError as error:
                # Removing itself (`rm`), or not detached from its networks yet.
                if error.status != CONFLICT or call.limit(_REMOVE_LIMIT) <= 0:
                    raise
            time.sleep(_POLL)  # not to be interrupted: it would be orphaned


def _quoted(lines: list[str]) -> str:
    if not lines:
        return ""
    return "\nits last lines of output:\n" + "\n".join(f"  {line}" for line in lines)
