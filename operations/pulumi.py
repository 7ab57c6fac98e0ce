"""The Pulumi command line, and what its state says about an environment."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from toolchain import places
from toolchain.failure import Failure

SERVICE = "docker:index/service:Service"
CONTAINER = "docker:index/container:Container"
SECRET_MARK = "4dabf18193072939515e22adb298388d"  # Pulumi's own key of special values
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # its value for secrets


@dataclass(frozen=True)
class Resource:
    """One resource of the state, with inputs and outputs as Pulumi wrote them."""

    urn: str
    type: str
    id: str
    properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name on the engine, or else in Pulumi."""
        return str(self.properties.get("name") or self.urn.rsplit("::", 1)[-1])

    def label(self, key: str) -> str | None:
        """Value of one of its labels, which the docker package writes as a list of pairs."""
        for pair in self.properties.get("labels") or []:
            if isinstance(pair, dict) and pair.get("label") == key:
                return str(pair.get("value"))
        return None


@dataclass(frozen=True)
class PendingOperation:
    """An operation that was begun and of whose end the state knows nothing."""

    kind: str  # creating, updating, deleting, reading, importing
    resource: Resource


@dataclass(frozen=True)
class State:
    """What Pulumi knows about an environment."""

    resources: Sequence[Resource] = ()
    pending: Sequence[PendingOperation] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ids(self) -> set[str]:
        """Identifiers of everything that the state holds."""
        return {resource.id for resource in self.resources if resource.id}


def command(*arguments: str) -> list[str]:
    """The command line of Pulumi in this checkout; raises Failure where the toolchain is off."""
    program = shutil.which("pulumi")
    if program is None or "PULUMI_BACKEND_URL" not in os.environ:
        raise Failure("the toolchain is not active: run `. toolchain/activate`, or use make")
    return [program, "--cwd", str(places.ROOT), "--non-interactive", *arguments]


def capture(*arguments: str) -> str:
    """Standard output of a Pulumi command; raises Failure with its last words."""
    done = subprocess.run(
        command(*arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        words = done.stderr.strip() or done.stdout.strip()
        raise Failure(f"pulumi {' '.join(arguments)}: {words.removeprefix('error: ')}")
    return done.stdout


@dataclass(frozen=True)
class End:
    """How a command ended."""

    code: int
    interrupted: bool
    seconds: float


def run(*arguments: str) -> End:
    """Run a Pulumi command that the operator watches."""
    return watch(command(*arguments))


def watch(command: Sequence[str]) -> End:
    """Run a command, and pass an interruption on to it once.

    It gets a session of its own, else Ctrl-C would reach it twice, which Pulumi takes as the
    wish to stop in the middle of an operation.
    """
    started = time.monotonic()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    interrupted = False

    def pass_on(number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        if interrupted:
            print("Still ending what was begun ...", file=sys.stderr)
            return
        interrupted = True
        child.send_signal(signal.SIGINT)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        code = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return End(code, interrupted, time.monotonic() - started)


def stacks() -> list[str]:
    """Environments that have a stack in the state folder; none before the first `up`."""
    if not places.state().exists():
        return []
    listed = json.loads(capture("stack", "ls", "--json"))
    return [str(stack["name"]).rsplit("/", 1)[-1] for stack in listed]


def state(stack: str, *, secrets: bool = False) -> State:
    """The state of an environment, empty where it never was up.

    Secrets in it stay encrypted, or, with `secrets`, become what they are.
    """
    if stack not in stacks():
        return State()
    shown = ["--show-secrets"] if secrets else []
    exported = json.loads(capture("stack", "export", "--stack", stack, *shown))
    return parse(_revealed(exported) if secrets else exported)


def _revealed(value: Any) -> Any:
    """Plain values in the place of what the state marks as secrets."""
    if isinstance(value, list):
        return [_revealed(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get(SECRET_MARK) == SECRET:
        return json.loads(value["plaintext"])
    return {key: _revealed(item) for key, item in value.items()}


def parse(exported: Mapping[str, Any]) -> State:
    """A State from the JSON of `pulumi stack export`."""
    deployment = exported.get("deployment") or {}
    resources = [_resource(raw) for raw in deployment.get("resources") or []]
    return State(
        resources=tuple(resources),
        pending=tuple(
            PendingOperation(kind=raw["type"], resource=_resource(raw["resource"]))
            for raw in deployment.get("pending_operations") or []
        ),
        outputs=next((r.properties for r in resources if r.type == "pulumi:pulumi:Stack"), {}),
    )


def _resource(raw: Mapping[str, Any]) -> Resource:
    return Resource(
        urn=raw["urn"],
        type=raw["type"],
        id=raw.get("id", ""),
        properties={**(raw.get("inputs") or {}), **(raw.get("outputs") or {})},
    )
