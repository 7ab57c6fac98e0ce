"""Waiting until a service is what it should be, and telling why it is not."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..common.errors import PluginError
from ..common.resource import Call
from .connection import Engine
from .logs import last_health_output, tail

_POLL: Final = 0.2  # seconds between two looks
_ENDED: Final = ("complete", "shutdown", "failed", "rejected", "remove", "orphaned")
_BROKEN: Final = ("failed", "rejected")
_NOTICED: Final = 5  # seconds after which the engine has seen that an update changes tasks
# Parts by which a task shows its version; the engine does not tell all of them about a task.
_VERSION_PARTS: Final = ("ContainerSpec", "Resources", "LogDriver", "ForceUpdate")
_NOT_TOLD: Final = "StopGracePeriod"

Found = Mapping[str, Any]


class RolloutError(PluginError):
    """The service did not become what it should be."""


class RolledBack(RolloutError):
    """The engine has put the old version back."""


class TimedOut(RolloutError):
    """Neither running nor failed within the limit."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a roll-out has come."""

    running: int
    wanted: int
    stale: int  # tasks of the old version that still run
    update: str  # "" when no update is under way

    @property
    def done(self) -> bool:
        return self.update in ("", "completed") and self.running >= self.wanted and not self.stale


def converge(
    call: Call, engine: Engine, service_id: str, limit: float, *, new_version: bool
) -> None:
    """Wait until all wanted tasks of the newest version run and are healthy.

    The engine calls a task running only after its health check has passed. `new_version` says
    that tasks have to be replaced. Raises RolledBack, TimedOut or RolloutError with the tasks'
    errors and last output.
    """
    shown = ""
    started = time.monotonic()
    while True:
        service = engine.get(f"/services/{service_id}")
        tasks = engine.get("/tasks", filters={"service": [service_id]})
        name = service["Spec"]["Name"]
        progress = progress_of(service, tasks)
        unnoticed = new_version and not progress.update
        if progress.done and (not unnoticed or time.monotonic() - started > _NOTICED):
            call.status(f"{name}: {progress.running} of {progress.wanted} tasks running")
            return
        _raise_if_stopped(engine, service, tasks, progress)
        text = f"{name}: {progress.running} of {progress.wanted} tasks running"
        if error := _newest_error(service, tasks):
            text += f" ({error})"
        if text != shown:
            call.status(text)
            shown = text
        if call.limit(limit) <= 0:
            raise TimedOut(
                f"service {name} is not up after {limit:.0f} s: {progress.running} of "
                f"{progress.wanted} tasks run{_reasons(engine, service, tasks)}"
            )
        call.sleep(_POLL)


def wait_until_gone(call: Call, engine: Engine, service_id: str, limit: float) -> None:
    """Wait until no task of a removed service runs any more, and its containers here are gone."""
    here = {"label": [f"com.docker.swarm.service.id={service_id}"]}
    while True:
        # A removed service can't be filtered for.
        tasks = [one for one in engine.get("/tasks") if one["ServiceID"] == service_id]
        alive = [one for one in tasks if one["Status"]["State"] not in _ENDED]
        if not alive and not engine.get("/containers/json", all=True, filters=here):
            return
        if call.limit(limit) <= 0:
            call.warn(f"{len(alive)} tasks of the removed service have not ended yet")
            return
        if alive:
            call.status(f"waiting until {len(alive)} tasks have ended")
        call.sleep(_POLL)


def progress_of(service: Found, tasks: Iterable[Found]) -> Progress:
    """How far the engine has come; a task of the old version that shall end does not count."""
    current = [one for one in tasks if one["DesiredState"] in ("running", "ready", "complete")]
    fresh = [one for one in current if _is_current(service, one)]
    good = ("running", "complete") if _may_end(service) else ("running",)
    running = sum(
        one["Status"]["State"] in good and one["DesiredState"] != "ready" for one in fresh
    )
    replicated = service["Spec"]["Mode"].get("Replicated")
    return Progress(
        running=running,
        wanted=max(1, len(fresh)) if replicated is None else replicated["Replicas"],
        stale=len(current) - len(fresh),
        update=(service.get("UpdateStatus") or {}).get("State") or "",
    )


def _is_current(service: Found, task: Found) -> bool:
    return _version(service["Spec"]["TaskTemplate"]) == _version(task["Spec"])


def _version(spec: Found) -> list[Any]:
    parts = [spec.get(part) or None for part in _VERSION_PARTS]
    return [
        {key: value for key, value in part.items() if key != _NOT_TOLD}
        if isinstance(part, dict)
        else part
        for part in parts
    ]


def _may_end(service: Found) -> bool:
    """True if a task that ends well is as good as one that runs."""
    policy = service["Spec"]["TaskTemplate"].get("RestartPolicy") or {}
    return policy.get("Condition") in ("none", "on-failure")


def _raise_if_stopped(
    engine: Engine, service: Found, tasks: list[Found], progress: Progress
) -> None:
    name = service["Spec"]["Name"]
    message = (service.get("UpdateStatus") or {}).get("Message", "")
    reasons = {
        "paused": f"the update of service {name} was paused",
        "rollback_paused": f"service {name} could not be rolled back",
        "rollback_completed": f"the update of service {name} failed and was rolled back",
    }
    if progress.update in reasons:
        text = f"{reasons[progress.update]} ({message}){_reasons(engine, service, tasks)}"
        kind = RolledBack if progress.update == "rollback_completed" else RolloutError
        raise kind(text)
    never_again = (service["Spec"]["TaskTemplate"].get("RestartPolicy") or {}).get(
        "Condition"
    ) == "none"
    broken = [one for one in tasks if one["Status"]["State"] in _BROKEN]
    if never_again and broken and not progress.update:
        raise RolloutError(f"service {name} does not run{_reasons(engine, service, tasks)}")


def _broken(service: Found, tasks: Iterable[Found]) -> list[Found]:
    """Tasks that failed, the newest first; of the version before too, after a roll-back."""
    failed = [one for one in tasks if one["Status"].get("Err")]
    since = (service.get("UpdateStatus") or {}).get("StartedAt", "")
    recent = [one for one in failed if one["Status"]["Timestamp"] >= since]
    return sorted(recent or failed, key=lambda one: str(one["Status"]["Timestamp"]), reverse=True)


def _newest_error(service: Found, tasks: Iterable[Found]) -> str:
    broken = _broken(service, tasks)
    return str(broken[0]["Status"]["Err"]) if broken else ""


def _reasons(engine: Engine, service: Found, tasks: list[Found]) -> str:
    """The newest task's error, what its health check said, and its last lines of output."""
    broken = _broken(service, tasks)
    if not broken:
        states = sorted({str(one["Status"]["State"]) for one in tasks})
        pending = [one["Status"].get("Message", "") for one in tasks]
        return f"; tasks are {', '.join(states)} ({pending[-1]})" if states else "; no task exists"
    task = broken[0]
    text = f"; the task's error: {task['Status']['Err']}"
    container_id = (task["Status"].get("ContainerStatus") or {}).get("ContainerID")
    container = engine.find(f"/containers/{container_id}/json") if container_id else None
    if container is None:
        lines = tail(engine, f"/tasks/{task['ID']}")
    else:
        if health := last_health_output(container):
            text += f"; its health check said: {health}"
        lines = tail(engine, f"/containers/{container_id}")
    if lines:
        text += "\nits last lines of output:\n" + "\n".join(f"  {line}" for line in lines)
    return text
