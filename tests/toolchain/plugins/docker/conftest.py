"""The plugin as the engine sees it: a process that speaks gRPC."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tomllib
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import grpc
import pytest
from docker.errors import APIError, NotFound
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2, provider_pb2_grpc, status_pb2

from toolchain.plugins.common.values import from_struct, reveal, to_struct

REPOSITORY = Path(__file__).parents[4]
LABEL = "studip-plugin-test"


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
class EngineLog(engine_pb2_grpc.EngineServicer):
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

    def check_config(self, config: Mapping[str, Any]) -> None:
        request = provider_pb2.CheckRequest(news=to_struct(config))
        answer = self._ask(self.stub.CheckConfig, request)
        if answer.failures:
            raise Refused({one.property: one.reason for one in answer.failures})

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


@contextmanager
def started(
    folder: Path, environment: Mapping[str, str] | None = None, package: str = "docker"
) -> Iterator[Plugin]:
    """A plugin process that works in `folder`, ended afterwards."""
    log = EngineLog()
    server = grpc.server(ThreadPoolExecutor(4))
    engine_pb2_grpc.add_EngineServicer_to_server(log, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    process = subprocess.Popen(
        [sys.executable, "-m", f"toolchain.plugins.{package}", f"127.0.0.1:{port}"],
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
        process.kill()
        process.wait()
        server.stop(None)


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Plugin]:
    """A fresh plugin process in the test's folder."""
    with started(tmp_path) as plugin:
        yield plugin


@pytest.fixture
def lonely_plugin(tmp_path: Path) -> Iterator[Plugin]:
    """A plugin process without a Docker Engine."""
    with started(tmp_path, {"DOCKER_HOST": f"unix://{tmp_path}/nothing.sock"}) as plugin:
        yield plugin


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    """A plugin process without a Docker Engine, for tests that leave no trace in it."""
    folder = tmp_path_factory.mktemp("checker")
    with started(folder, {"DOCKER_HOST": f"unix://{folder}/nothing.sock"}) as plugin:
        yield plugin


@dataclass(frozen=True)
class Bench:
    """A place for a live test: everything that bears its label is removed afterwards."""

    client: docker.DockerClient
    mark: str

    @property
    def labels(self) -> list[dict[str, str]]:
        """Labels for a resource of the test."""
        return [{"label": LABEL, "value": self.mark}]

    def name(self, part: str) -> str:
        """A name that nobody else uses."""
        return f"{LABEL}-{self.mark}-{part}"

    def clear(self) -> None:
        """Remove everything that the test has made."""
        filters = {"label": f"{LABEL}={self.mark}"}
        api = self.client.api
        for service in api.services(filters=filters):
            api.remove_service(service["ID"])
        for container in api.containers(all=True, filters=filters):
            with suppress(NotFound):
                api.remove_container(container["Id"], force=True, v=True)
        removals: list[tuple[Callable[[str], Any], str]] = []
        removals += [(api.remove_secret, one["ID"]) for one in api.secrets(filters=filters)]
        removals += [(api.remove_config, one["ID"]) for one in api.configs(filters=filters)]
        removals += [(api.remove_network, one["Id"]) for one in api.networks(filters=filters)]
        found = api.volumes(filters=filters)["Volumes"] or ()
        removals += [(api.remove_volume, one["Name"]) for one in found]
        for remove, key in removals:
            eventually(lambda remove=remove, key=key: removed(remove, key))  # type: ignore[misc]
        # By name first: a second name of somebody else's image must not take that along.
        own = f"{LABEL}-{self.mark}-"
        for image in self.client.images.list(f"{own}*"):
            for tag in image.tags:
                if tag.startswith(own):
                    api.remove_image(tag)
        for image in self.client.images.list(filters=filters):
            api.remove_image(image.id, force=True)


def removed(remove: Callable[[str], Any], key: str) -> bool:
    """True when a removal has worked or is not needed any more."""
    try:
        remove(key)
    except NotFound:
        return True
    except APIError:  # still in use
        return False
    return True


def eventually(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait until something holds; an AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.2)


@pytest.fixture
def bench() -> Iterator[Bench]:
    """The engine of this machine, and a label of our own."""
    client = docker.from_env()
    bench = Bench(client, uuid.uuid4().hex[:8])
    try:
        yield bench
    finally:
        bench.clear()
        client.close()


def rootfs() -> str:
    """The root file system that the toolchain made, or another one named by STUDIP_TEST_ROOTFS."""
    debian = tomllib.loads((REPOSITORY / "versions.toml").read_text())["debian"]
    return os.environ.get(
        "STUDIP_TEST_ROOTFS", f"studip/rootfs:{debian['suite']}-{debian['serial']}"
    )


def unchanged(plugin: Plugin, thing: Object, inputs: Mapping[str, Any]) -> None:
    """Assert that neither the same program nor a look at the engine finds a difference."""
    assert plugin.diff(thing, inputs).changes == {}
    found = plugin.read(thing)
    assert found is not None
    assert found == thing
    assert plugin.diff_checked(found, thing.inputs).changes == {}


def drift(plugin: Plugin, thing: Object) -> tuple[Object, dict[str, str]]:
    """What a refresh finds, and what the next run would change then."""
    found = plugin.read(thing)
    assert found is not None
    return found, plugin.diff_checked(found, thing.inputs).changes
