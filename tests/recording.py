"""Runs a program on a recording mock and gives back plain data: what it registered."""

import asyncio
import contextvars
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import json_format
from pulumi.runtime import mocks, rpc
from pulumi.runtime.settings import SETTINGS
from pulumi.runtime.stack import run_pulumi_func

from operations.pulumi import SECRET, SECRET_MARK

DIGEST = "sha256:" + "0" * 64


@dataclass(frozen=True)
class Resource:
    """One registration."""

    type: str
    name: str
    urn: str
    parent: str  # URN
    custom: bool  # false for components
    inputs: Mapping[str, Any]  # under the plugin's names; secrets as the engine gets them
    depends_on: tuple[str, ...]  # URNs, explicit and through inputs
    replaced_delete_first: bool
    provider: str = ""  # URN and id; empty where the package's default one is asked


@dataclass
class Recording:
    """Everything that a program registered, in order."""

    resources: list[Resource] = field(default_factory=list)
    outputs: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # by URN
    asked: list[str] = field(default_factory=list)  # providers of functions, as above

    def of_type(self, type_: str) -> list[Resource]:
        """All resources with this type token."""
        return [resource for resource in self.resources if resource.type == type_]

    def one(self, type_: str, name: str) -> Resource:
        """The only resource of this type and name."""
        (found,) = [resource for resource in self.of_type(type_) if resource.name == name]
        return found

    def service(self, name: str) -> Resource:
        """The Swarm service that is called `name` on the engine."""
        services = self.of_type("docker:index/service:Service")
        (found,) = [service for service in services if service.inputs["name"] == name]
        return found


def is_secret(value: Any) -> bool:
    """Whether a recorded value reached the engine marked as a secret."""
    return isinstance(value, dict) and value.get(SECRET_MARK) == SECRET


def masked(value: Any) -> Any:
    """The same value with every secret replaced by `[secret]`."""
    if is_secret(value):
        return "[secret]"
    if isinstance(value, dict):
        return {key: masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    return value


def revealed(value: Any) -> Any:
    """The same value with every secret replaced by what it hides."""
    if is_secret(value):
        return revealed(value["value"])
    if isinstance(value, dict):
        return {key: revealed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [revealed(item) for item in value]
    return value


class _Engine(mocks.Mocks):
    """Answers as the plugins would once everything was made, or in a preview of all of it."""

    def __init__(self, preview: bool) -> None:
        self.preview = preview

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        state = dict(args.inputs)
        match args.typ:
            case "docker:index/image:Image":
                name, _, _ = args.inputs["imageName"].rpartition(":")
                pushed = not args.inputs.get("skipPush")
                state["repoDigest"] = f"{name}@{DIGEST}" if pushed else DIGEST
                if self.preview:
                    state["repoDigest"] = rpc.UNKNOWN
            case "docker:index/container:Container":
                state |= {"containerLogs": "", "exitCode": 0}
            case "random:index/randomPassword:RandomPassword":
                state["result"] = f"generated for {args.name}"
                state["bcryptHash"] = f"hash of {args.name}"
            case "tls:index/privateKey:PrivateKey":
                state["privateKeyPem"] = state["privateKeyPemPkcs8"] = f"key of {args.name}"
            case "tls:index/certRequest:CertRequest":
                state["certRequestPem"] = f"request of {args.name}"
            case "tls:index/selfSignedCert:SelfSignedCert" | (
                "tls:index/locallySignedCert:LocallySignedCert"
            ):
                state["certPem"] = f"certificate of {args.name}"
        return f"{args.name}-id", state

    def call(self, args: mocks.MockCallArgs) -> Any:
        assert args.token == "docker:index/getNetwork:getNetwork", args.token
        return {"id": f"{args.args['name']}-network-id", "name": args.args["name"]}


class _Monitor(mocks.MockMonitor):
    def __init__(self, recording: Recording, engine: _Engine) -> None:
        super().__init__(engine)
        self.recording = recording

    def RegisterResource(self, request: Any) -> Any:
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type != "pulumi:pulumi:Stack":
            self.recording.resources.append(
                Resource(
                    type=request.type,
                    name=request.name,
                    urn=response.urn,
                    parent=request.parent,
                    custom=request.custom,
                    inputs=json_format.MessageToDict(request.object),
                    depends_on=tuple(sorted(request.dependencies)),
                    replaced_delete_first=request.deleteBeforeReplace,
                    provider=request.provider,
                )
            )
        return response

    def Invoke(self, request: Any) -> Any:
        self.recording.asked.append(request.provider)
        return super().Invoke(request)  # type: ignore[no-untyped-call]

    def RegisterResourceOutputs(self, request: Any) -> Any:
        self.recording.outputs[request.urn] = json_format.MessageToDict(request.outputs)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


def record(program: Callable[[], object], *, preview: bool = False) -> Recording:
    """Run `program` in an event loop and a context of its own, until everything is registered.

    Raises whatever the program raises, also from within its outputs.
    """
    # Pulumi keeps the root resource, and with it transformations, in the context.
    return contextvars.copy_context().run(_record, program, preview)


def _record(program: Callable[[], object], preview: bool) -> Recording:
    recording = Recording()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    # One failure is in the futures of all outputs behind it; it is raised below, once.
    loop.set_exception_handler(lambda *_: None)
    try:
        engine = _Engine(preview)
        mocks.set_mocks(
            engine,
            project="studip",
            stack="test",
            preview=preview,
            monitor=_Monitor(recording, engine),
        )

        def run() -> None:
            program()

        loop.run_until_complete(run_pulumi_func(run))
    finally:
        # A failed program leaves outputs behind that would fail the next one.
        SETTINGS.rpc_manager.clear()
        SETTINGS.outputs.clear()
        loop.close()
        asyncio.set_event_loop(asyncio.new_event_loop())
    return recording
