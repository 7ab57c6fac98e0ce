"""docker:index/service:Service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ..common.errors import Cancelled, Incomplete, PluginError
from ..common.fields import Failure
from ..common.resource import Call, Live, Made, Resource
from ..common.rules import nanoseconds
from ..common.values import UNKNOWN, Plain
from .connection import Engine, EngineError
from .references import Login, Logins, Reference
from .rollout import RolledBack, RolloutError, converge, wait_until_gone
from .service_fields import FIELDS
from .service_spec import from_service, to_spec
from .shapes import CONFLICT, taken

_SECOND: Final = 1_000_000_000  # ns
_DEFAULT_GRACE: Final = 10  # seconds that the engine gives a task to stop
_SLACK: Final = 60  # seconds more until a removed service's tasks must have ended
_ATTEMPTS: Final = 5  # at a change that collides with one of the engine's own


class Service(Resource):
    """A Swarm service.

    With `convergeConfig` create and update wait for running, healthy tasks of the new version.
    A new service that does not get there is removed again; a changed one that the engine rolls
    back fails the update.
    """

    token = "docker:index/service:Service"
    schema_version = 2
    fields = FIELDS

    def __init__(self, engine: Engine, logins: Logins) -> None:
        self.engine = engine
        self.logins = logins

    def validate(self, inputs: Plain) -> Iterable[Failure]:
        mode = inputs.get("mode") or {}
        if mode is not UNKNOWN and mode.get("global") is True:
            if mode.get("replicated") is not None:
                yield Failure("mode", "takes either global or replicated, not both")
            if inputs.get("convergeConfig") is not None:
                yield Failure("convergeConfig", "is for replicated services only")
        task = inputs["taskSpec"]
        networks = task.get("networksAdvanceds") if task is not UNKNOWN else None
        for index, network in enumerate(networks if isinstance(networks, list) else ()):
            if network is not UNKNOWN and not {"id", "name"} & network.keys():
                yield Failure(f"taskSpec.networksAdvanceds[{index}].id", "is required")

    def create(self, call: Call, inputs: Plain) -> Made:
        service_id = self._make(inputs)
        try:
            self._converge(call, service_id, inputs, new_version=False)
        except Cancelled as error:
            # It may well come up: the next run waits for it again.
            raise self._incomplete(error, service_id, inputs) from error
        except RolloutError:
            self._remove(call, service_id, inputs)
            raise
        return Made(service_id, self._describe(service_id, inputs))

    def read(self, call: Call, id: str, inputs: Plain, state: Plain) -> Live | None:
        found = self.engine.find(f"/services/{id}")
        if found is None:
            return None
        return Live(found["ID"], self._described(found, inputs))

    def update(self, call: Call, id: str, state: Plain, inputs: Plain) -> Mapping[str, Any]:
        new_version = self._change(call, id, inputs)
        try:
            self._converge(call, id, inputs, new_version=new_version)
        except RolledBack:
            raise  # the engine has what the state has
        except (RolloutError, Cancelled) as error:
            raise self._incomplete(error, id, inputs) from error
        return self._describe(id, inputs)

    def delete(self, call: Call, id: str, state: Plain) -> None:
        self._remove(call, id, state)

    def _make(self, inputs: Plain) -> str:
        """Id of the service, which an interrupted run may have made already."""
        headers = self._login(inputs).header()
        try:
            made = self.engine.post("/services/create", to_spec(inputs), headers=headers)
            return str(made["ID"])
        except EngineError as error:
            if error.status != CONFLICT:
                raise
            found = self.engine.find(f"/services/{inputs['name']}")
            taken(self, inputs, found and self._described(found, inputs), error)
            return str(found["ID"])

    def _change(self, call: Call, service_id: str, inputs: Plain) -> bool:
        """Hand the new specification in; True if tasks have to be replaced for it."""
        headers = self._login(inputs).header()
        path = f"/services/{service_id}"
        for attempt in range(_ATTEMPTS):
            found = self.engine.get(path)
            spec = to_spec(inputs)
            if "forceUpdate" not in inputs["taskSpec"]:
                spec["TaskTemplate"]["ForceUpdate"] = found["Spec"]["TaskTemplate"]["ForceUpdate"]
            try:
                answer = self.engine.post(
                    f"{path}/update",
                    spec,
                    headers=headers,
                    version=found["Version"]["Index"],
                )
            except EngineError as error:
                # The engine's own changes may get in between.
                if "out of sequence" not in str(error) or attempt == _ATTEMPTS - 1:
                    raise
                call.sleep(0.2)
            else:
                break
        for warning in (answer or {}).get("Warnings") or ():
            call.warn(warning)
        before = found["Spec"]["TaskTemplate"]
        return bool(before != self.engine.get(path)["Spec"]["TaskTemplate"])

    def _converge(self, call: Call, service_id: str, inputs: Plain, *, new_version: bool) -> None:
        if config := inputs.get("convergeConfig"):
            limit = call.timeout or nanoseconds(config["timeout"]) / _SECOND
            converge(call, self.engine, service_id, limit, new_version=new_version)

    def _remove(self, call: Call, service_id: str, inputs: Plain) -> None:
        if self.engine.delete(f"/services/{service_id}"):
            spec = (inputs.get("taskSpec") or {}).get("containerSpec") or {}
            grace = nanoseconds(spec.get("stopGracePeriod") or f"{_DEFAULT_GRACE}s") / _SECOND
            wait_until_gone(call, self.engine, service_id, grace + _SLACK)

    def _incomplete(self, error: PluginError, service_id: str, inputs: Plain) -> Incomplete:
        outputs = self._describe(service_id, inputs)
        text = str(error)
        if isinstance(error, Cancelled):
            text += f": service {inputs['name']} is left rolling out; the next run waits for it"
        return Incomplete(text, id=service_id, outputs=outputs)

    def _describe(self, service_id: str, inputs: Plain) -> dict[str, Any]:
        return self._described(self.engine.get(f"/services/{service_id}"), inputs)

    def _described(self, found: Mapping[str, Any], inputs: Plain) -> dict[str, Any]:
        """The engine's words, with names where the program uses names for the same thing."""
        live = from_service(found)
        task = inputs.get("taskSpec") or {}
        spec = live["taskSpec"]["containerSpec"]
        given = (task.get("containerSpec") or {}).get("image", "")
        if given and "@" not in given and spec["image"].startswith(f"{given}@"):
            spec["image"] = given  # `docker service update` pins tags by itself
        for network in task.get("networksAdvanceds") or ():
            if not network.get("id"):
                named = self.engine.find(f"/networks/{network['name']}") or {}
                for one in live["taskSpec"]["networksAdvanceds"]:
                    if one.get("id") in (named.get("Id"), network["name"]):
                        one["name"] = network["name"]
                        del one["id"]
        return live

    def _login(self, inputs: Plain) -> Login:
        auth = inputs.get("auth")
        if auth:
            server, user = auth["serverAddress"], auth.get("username", "")
            return Login(server, user, auth.get("password", ""))
        image = inputs["taskSpec"]["containerSpec"]["image"]
        registry = Reference.of(image).registry
        return self.logins.of(registry) if registry else Login("")
