"""Serves a `Provider` to Pulumi's engine over gRPC."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import grpc
from google.protobuf import empty_pb2

from .errors import Cancelled, Incomplete, PluginError
from .fields import Failure, Naming
from .protocol import (
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)
from .provider import Provider, Values
from .resource import Call
from .values import from_struct, reveal, secret_texts, to_struct

_MESSAGE_LIMIT = 1024 * 1024 * 400  # the engine's own
_THREADS = 64  # engine calls that may block at once
_SHORTEST_SECRET = 4  # characters; shorter ones would tear messages apart


class EngineLog:
    """Messages to the user, through the engine; lost ones are no failure."""

    def __init__(self) -> None:
        self._stub: Any = None
        self.address = ""

    def send(self, urn: str, severity: str, text: str, ephemeral: bool) -> None:
        """Show `text`; `ephemeral` text is a status line only."""
        if not self.address:
            return
        if self._stub is None:
            self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(self.address))
        request = engine_pb2.LogRequest(
            severity=engine_pb2.LogSeverity.Value(severity),
            message=text,
            urn=urn,
            ephemeral=ephemeral,
        )
        try:
            self._stub.Log(request, timeout=5)
        except grpc.RpcError:
            self.address = ""


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """One method for each call of the protocol: unpack, ask the provider, pack."""

    def __init__(self, provider: Provider, log: EngineLog) -> None:
        self.provider = provider
        self.log = log

    def Handshake(self, request: Any, context: Any) -> Any:
        self.log.address = self.log.address or request.engine_address
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=True, supports_autonaming_configuration=True
        )

    def Attach(self, request: Any, context: Any) -> Any:
        self.log.address = request.address
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=self.provider.version)

    def GetSchema(self, request: Any, context: Any) -> Any:
        text = f'{{"name":"{self.provider.package}","version":"{self.provider.version}"}}'
        return provider_pb2.GetSchemaResponse(schema=text)

    def Cancel(self, request: Any, context: Any) -> Any:
        self.provider.cancel()
        return empty_pb2.Empty()

    def CheckConfig(self, request: Any, context: Any) -> Any:
        def answer() -> Any:
            inputs, failures = self.provider.check_config(from_struct(request.news))
            return provider_pb2.CheckResponse(
                inputs=to_struct(inputs), failures=_failures(failures)
            )

        return self._guard(context, request.news, answer)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        same = reveal(from_struct(request.old_inputs)) == reveal(from_struct(request.news))
        changes = (
            provider_pb2.DiffResponse.DIFF_NONE if same else provider_pb2.DiffResponse.DIFF_SOME
        )
        return provider_pb2.DiffResponse(changes=changes)

    def Configure(self, request: Any, context: Any) -> Any:
        def answer() -> Any:
            self.provider.configure(reveal(from_struct(request.args)))
            return provider_pb2.ConfigureResponse(
                acceptSecrets=True,
                supportsPreview=True,
                supports_autonaming_configuration=True,
            )

        return self._guard(context, request.args, answer)

    def Check(self, request: Any, context: Any) -> Any:
        def answer() -> Any:
            mode = request.autonaming.mode
            naming = Naming(
                name=_name(request),
                seed=request.randomSeed,
                proposed=request.autonaming.proposed_name,
                disabled=mode == provider_pb2.CheckRequest.AutonamingOptions.DISABLE,
            )
            inputs, failures = self.provider.check(
                request.urn, from_struct(request.news), from_struct(request.olds), naming
            )
            return provider_pb2.CheckResponse(
                inputs=to_struct(inputs), failures=_failures(failures)
            )

        return self._guard(context, request.news, answer)

    def Diff(self, request: Any, context: Any) -> Any:
        def answer() -> Any:
            diff = self.provider.diff(
                request.urn,
                from_struct(request.old_inputs),
                from_struct(request.olds),
                from_struct(request.news),
                request.ignoreChanges,
            )
            kinds = provider_pb2.PropertyDiff
            detailed = {
                one.path: kinds(
                    kind=kinds.Kind.Value(one.change.value + ("_REPLACE" if one.replace else "")),
                    inputDiff=one.input,
                )
                for one in diff.differences
            }
            tops = dict.fromkeys(_top(one.path) for one in diff.differences)
            replaces = dict.fromkeys(_top(one.path) for one in diff.differences if one.replace)
            response = provider_pb2.DiffResponse
            return response(
                changes=response.DIFF_SOME if detailed else response.DIFF_NONE,
                diffs=list(tops),
                replaces=list(replaces),
                detailedDiff=detailed,
                hasDetailedDiff=True,
                deleteBeforeReplace=bool(replaces) and diff.delete_before_replace,
            )

        return self._guard(context, request.news, answer)

    def Create(self, request: Any, context: Any) -> Any:
        def answer() -> Any:
            inputs = from_struct(request.properties)
            call = self._call(request, inputs)
            id, state = self.provider.create(call, inputs, preview=request.preview)
            return provider_pb2.CreateResponse(id=id, properties=to_struct(state))

        return self._guard(context, request.properties, answer)

    def Read(self, request: Any, context: Any) -> Any:
        def answer() -> Any:
            inputs, state = from_struct(request.inputs), from_struct(request.properties)
            call = self._call(request, {**inputs, **state})
            found = self.provider.read(call, request.id, inputs, state)
            if found is None:
                return provider_pb2.ReadResponse()
            id, inputs, state = found
            return provider_pb2.ReadResponse(
                id=id, inputs=to_struct(inputs), properties=to_struct(state)
            )

        return self._guard(context, request.properties, answer)

    def Update(self, request: Any, context: Any) -> Any:
        def answer() -> Any:
            state, inputs = from_struct(request.olds), from_struct(request.news)
            call = self._call(request, {**state, **inputs})
            after = self.provider.update(call, request.id, state, inputs, preview=request.preview)
            return provider_pb2.UpdateResponse(properties=to_struct(after))

        return self._guard(context, request.news, answer)

    def Delete(self, request: Any, context: Any) -> Any:
        def answer() -> Any:
            state = from_struct(request.properties)
            self.provider.delete(self._call(request, state), request.id, state)
            return empty_pb2.Empty()

        return self._guard(context, request.properties, answer)

    def Invoke(self, request: Any, context: Any) -> Any:
        def answer() -> Any:
            inputs = from_struct(request.args)
            call = Call("", request.tok, 0, self.provider.cancelled, self._sender("", inputs))
            result, failures = self.provider.invoke(call, request.tok, inputs)
            return provider_pb2.InvokeResponse(
                **{"return": to_struct(result)}, failures=_failures(failures)
            )

        return self._guard(context, request.args, answer)

    def _call(self, request: Any, values: Values) -> Call:
        return Call(
            urn=request.urn,
            name=_name(request),
            timeout=request.timeout,
            cancelled=self.provider.cancelled,
            send=self._sender(request.urn, values),
        )

    def _sender(self, urn: str, values: Values) -> Callable[[str, str, bool], None]:
        hidden = _secrets(values)

        def send(severity: str, text: str, ephemeral: bool) -> None:
            self.log.send(urn, severity, _struck(text, hidden), ephemeral)

        return send

    def _guard(self, context: Any, struct: Any, answer: Callable[[], Any]) -> Any:
        """The answer; any failure becomes one message without secrets."""
        try:
            return answer()
        except Incomplete as error:
            _abort_incomplete(context, error, _secrets(from_struct(struct)))
        except Cancelled as error:
            context.abort(grpc.StatusCode.CANCELLED, str(error))
        except PluginError as error:
            text = _struck(str(error), _secrets(from_struct(struct)))
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, text)
        except Exception as error:
            hidden = _secrets(from_struct(struct))
            self.log.send("", "DEBUG", _struck(traceback.format_exc(), hidden), False)
            text = _struck(f"{type(error).__name__}: {error}", hidden)
            context.abort(
                grpc.StatusCode.INTERNAL,
                f"unexpected failure in the {self.provider.package} plugin: {text}",
            )


def _abort_incomplete(context: Any, error: Incomplete, hidden: list[str]) -> NoReturn:
    text = _struck(str(error), hidden)
    detail = provider_pb2.ErrorResourceInitFailed(
        id=error.id, properties=to_struct(error.outputs), reasons=[text]
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=text)
    status.details.add().Pack(detail)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, text)
    raise AssertionError("abort returned")


def _failures(failures: Iterable[Failure]) -> list[Any]:
    return [provider_pb2.CheckFailure(property=one.path, reason=one.reason) for one in failures]


def _name(request: Any) -> str:
    return str(request.name or request.urn.rsplit("::", 1)[-1])


def _top(path: str) -> str:
    return path.split(".", 1)[0].split("[", 1)[0]


def _secrets(values: Values) -> list[str]:
    """Secret texts, the longest first."""
    found = {text for text in secret_texts(values) if len(text) >= _SHORTEST_SECRET}
    return sorted(found, key=len, reverse=True)


def _struck(text: str, hidden: list[str]) -> str:
    for secret in hidden:
        text = text.replace(secret, "[secret]")
    return text


def start(provider: Provider, arguments: Sequence[str]) -> tuple[grpc.Server, int]:
    """Serve on a free port; `arguments` are the engine's, with its address.

    Returns the server and its port.
    """
    log = EngineLog()
    log.address = next((one for one in arguments if not one.startswith("-")), "")
    server = grpc.server(
        ThreadPoolExecutor(_THREADS),
        options=[
            ("grpc.max_receive_message_length", _MESSAGE_LIMIT),
            ("grpc.max_send_message_length", _MESSAGE_LIMIT),
        ],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(provider, log), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def main(provider: Provider) -> NoReturn:
    """Serve until the engine ends us; our address goes to stdout."""
    _, port = start(provider, sys.argv[1:])
    # The engine interrupts its plugins when nothing is going on any more: leave at once.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    print(port, flush=True)
    gc.freeze()
    gc.enable()
    parent = os.getppid()
    while os.getppid() == parent:  # a killed engine can't end us
        threading.Event().wait(5)
    os._exit(0)
