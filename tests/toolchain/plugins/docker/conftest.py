"""The plugin as the engine sees it: a process that speaks gRPC."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2, provider_pb2_grpc, status_pb2

from toolchain.plugins.common.values import Secret, from_struct, reveal, to_struct

REPOSITORY = Path(__file__).parents[4]
PREFIX = "studip-plugin-test-"

from google.protobuf import empty_pb2  # noqa: E402


class Failed(Exception):
    """The plugin answered with an error."""

    def __init__(self, error: grpc.RpcError) -> None:
        super().__init__(error.details())
        self.code = error.code()
        self.incomplete: Any = None
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin":
                detail = provider_pb2.ErrorResourceInitFailed()
                if status_pb2.Status.FromString(value).details[0].Unpack(detail):
                    self.incomplete = detail


class Refused(Exception):
    """Inputs were refused; `failures` maps properties to reasons."""

    def __init__(self, failures: Mapping[str, str]) -> None:
        super().__init__(str(failures))
        self.failures = failures


@dataclass
class Object:
    """One resource between two calls, as Pulumi's state would have it."""

    urn: str
    id: str
    inputs: dict[str, Any]
    state: dict[str, Any]

    @property
    def outputs(self) -> dict[str, Any]:
        """The state without secret wrappers."""
        plain: dict[str, Any] = reveal(self.state)
        return plain


@dataclass(frozen=True)
class Diff:
    """What the plugin says would change."""

    changes: dict[str, str]
    replaces: list[str]
    delete_before_replace: bool


@dataclass
class EngineLog(engine_pb2_grpc.EngineServicer):  # type: ignore[misc]
    """Stands for Pulumi's engine; keeps what the plugin says."""

    lines: list[str] = field(default_factory=list)

    def Log(self, request: Any, context: Any) -> Any:
        self.lines.append(request.message)
        return empty_pb2.Empty()


class Plugin:
    """Calls of the provider protocol, with Python values."""

    def __init__(self, port: int, log: EngineLog, process: subprocess.Popen[str]) -> None:
        self.stub = provider_pb2_grpc.ResourceProviderStub(
            grpc.insecure_channel(f"127.0.0.1:{port}")
        )
        self.log = log
        self.process = process

    def configure(self, **config: Any) -> None:
        self._ask(self.stub.Configure, provider_pb2.ConfigureRequest(args=to_struct(config)))

    def cancel(self) -> None:
        self._ask(self.stub.Cancel, empty_pb2.Empty())

    def check(
        self,
        token: str,
        name: str,
        inputs: Mapping[str, Any],
        olds: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        answer = self._ask(
            self.stub.Check,
            provider_pb2.CheckRequest(
                urn=urn(token, name),
                name=name,
                news=to_struct(inputs),
                olds=to_struct(olds or {}),
                randomSeed=name.encode(),
            ),
        )
        if answer.failures:
            raise Refused({one.property: one.reason for one in answer.failures})
        return from_struct(answer.inputs)

    def create(
        self, token: str, name: str, inputs: Mapping[str, Any], *, preview: bool = False
    ) -> Object:
        checked = self.check(token, name, inputs)
        request = provider_pb2.CreateRequest(
            urn=urn(token, name), name=name, properties=to_struct(checked), preview=preview
        )
        answer = self._ask(self.stub.Create, request)
        return Object(request.urn, answer.id, checked, from_struct(answer.properties))

    def diff(self, thing: Object, inputs: Mapping[str, Any]) -> Diff:
        token, name = thing.urn.split("::")[2:]
        return self.diff_checked(thing, self.check(token, name, inputs, thing.inputs))

    def diff_checked(self, thing: Object, checked: Mapping[str, Any]) -> Diff:
        answer = self._ask(
            self.stub.Diff,
            provider_pb2.DiffRequest(
                id=thing.id,
                urn=thing.urn,
                olds=to_struct(thing.state),
                old_inputs=to_struct(thing.inputs),
                news=to_struct(checked),
            ),
        )
        kinds = provider_pb2.PropertyDiff.Kind
        changes = {path: kinds.Name(one.kind) for path, one in answer.detailedDiff.items()}
        some = answer.changes == provider_pb2.DiffResponse.DIFF_SOME
        assert some == bool(changes)
        return Diff(changes, list(answer.replaces), answer.deleteBeforeReplace)

    def read(self, thing: Object) -> Object | None:
        request = provider_pb2.ReadRequest(
            id=thing.id,
            urn=thing.urn,
            inputs=to_struct(thing.inputs),
            properties=to_struct(thing.state),
        )
        answer = self._ask(self.stub.Read, request)
        if not answer.id:
            return None
        inputs, state = from_struct(answer.inputs), from_struct(answer.properties)
        return Object(thing.urn, answer.id, inputs, state)

    def update(self, thing: Object, inputs: Mapping[str, Any], *, preview: bool = False) -> Object:
        token, name = thing.urn.split("::")[2:]
        checked = self.check(token, name, inputs, thing.inputs)
        request = provider_pb2.UpdateRequest(
            id=thing.id,
            urn=thing.urn,
            olds=to_struct(thing.state),
            old_inputs=to_struct(thing.inputs),
            news=to_struct(checked),
            preview=preview,
        )
        answer = self._ask(self.stub.Update, request)
        return Object(thing.urn, thing.id, checked, from_struct(answer.properties))

    def delete(self, thing: Object) -> None:
        request = provider_pb2.DeleteRequest(
            id=thing.id, urn=thing.urn, properties=to_struct(thing.state)
        )
        self._ask(self.stub.Delete, request)

    def invoke(self, token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        request = provider_pb2.InvokeRequest(tok=token, args=to_struct(arguments))
        answer = self._ask(self.stub.Invoke, request)
        if answer.failures:
            raise Refused({one.property: one.reason for one in answer.failures})
        return from_struct(getattr(answer, "return"))

    @staticmethod
    def _ask(method: Any, request: Any) -> Any:
        try:
            return method(request, timeout=300)
        except grpc.RpcError as error:
            raise Failed(error) from None


def urn(token: str, name: str) -> str:
    """The name that Pulumi gives a resource of a test."""
    return f"urn:pulumi:test::test::{token}::{name}"


def start_plugin(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Plugin]:
    """A plugin process that works in `folder`, ended afterwards."""
    import os

    log = EngineLog()
    server = grpc.server(ThreadPoolExecutor(4))
    engine_pb2_grpc.add_EngineServicer_to_server(log, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    process = subprocess.Popen(
        [sys.executable, "-m", "toolchain.plugins.docker", f"127.0.0.1:{port}"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **(environment or {})},
    )
    try:
        assert process.stdout is not None
        plugin = Plugin(int(process.stdout.readline()), log, process)
        plugin.configure()
        yield plugin
    finally:
        process.terminate()
        process.wait(timeout=10)
        server.stop(None)


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Plugin]:
    """A fresh plugin process in an empty folder."""
    yield from start_plugin(tmp_path)


def secret(value: Any) -> Secret:
    """A secret as a program would pass it."""
    return Secret(value)
