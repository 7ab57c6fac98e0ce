"""The gRPC service: which plugins a program needs, and running it."""

import contextlib
import gc
import json
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import grpc
from google.protobuf import empty_pb2

from toolchain.language_host import SHOWN, lodging
from toolchain.language_host.plugins import required_plugins
from toolchain.plugins.common import protocol
from toolchain.versions import versions

# Not before `protocol`, which spares us the rest of the SDK.
assert protocol
from pulumi.runtime.proto import (  # noqa: E402
    language_pb2,
    language_pb2_grpc,
    plugin_pb2,
)

# `--debug`, and what writes it down elsewhere: a log of the engine's own, or of its events.
DEBUG = re.compile(r"-[a-z]*[dv]|--(debug|verbose|logtostderr|logflow|event-log)\b")


class Executor:
    """The process that runs the program.

    It can be started before there is something to run, and has imported Pulumi by then.
    """

    def __init__(self) -> None:
        self._process: Popen[str] | None = None

    def start(self) -> Popen[str]:
        """Start it, unless it was."""
        if self._process is None:
            self._process = Popen(
                [sys.executable, "-m", "toolchain.language_host.executor"], stdin=PIPE, text=True
            )
        return self._process

    def run(self, order: dict[str, Any]) -> int:
        """Run one program; returns its exit code."""
        process = self.start()
        assert process.stdin
        # One that died before it was asked says so by its exit code.
        with contextlib.suppress(BrokenPipeError):
            json.dump(order, process.stdin)
            process.stdin.close()
        return process.wait()

    def stop(self) -> None:
        """End it, whatever it does."""
        if self._process and self._process.poll() is None:
            self._process.terminate()


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs Python programs with the interpreter that runs this host.

    What the engine asks beside (code generation, packing) is refused by gRPC with its name.
    """

    def __init__(self, engine: str) -> None:
        self.engine = engine  # its address
        self.executor = Executor()

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version=versions().pulumi)

    def GetRequiredPlugins(self, request: Any, context: grpc.ServicerContext) -> Any:
        return language_pb2.GetRequiredPluginsResponse(
            plugins=[
                plugin_pb2.PluginDependency(name=name, kind="resource", version=version)
                for name, version in required_plugins()
            ]
        )

    def GetRequiredPackages(self, request: Any, context: grpc.ServicerContext) -> Any:
        # The engine asks this shortly before Run, and not when it only wants to know about us.
        self.executor.start()
        return language_pb2.GetRequiredPackagesResponse(
            packages=[
                plugin_pb2.PackageDependency(name=name, kind="resource", version=version)
                for name, version in required_plugins()
            ]
        )

    def Run(self, request: Any, context: grpc.ServicerContext) -> Any:
        folder = Path(request.info.program_directory or request.pwd)
        code = self.executor.run(
            {
                "program": str(folder / (request.info.entry_point or ".")),
                "folder": request.pwd,
                "args": list(request.args),
                "project": request.project,
                "stack": request.stack,
                "organization": request.organization,
                "root_directory": request.info.root_directory,
                "config": dict(request.config),
                "secret_keys": list(request.configSecretKeys),
                "dry_run": request.dryRun,
                "parallel": request.parallel,
                "debug": _debug_is_shown(),
                "monitor": request.monitor_address,
                "engine": self.engine,
            }
        )
        if code == 0:
            return language_pb2.RunResponse()
        if code == SHOWN:
            return language_pb2.RunResponse(bail=True)
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return language_pb2.RunResponse(error=f"the program ended with {how}")

    def InstallDependencies(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        yield language_pb2.InstallDependenciesResponse(
            stdout=b"Dependencies are installed by toolchain/bootstrap.\n"
        )

    def RuntimeOptionsPrompts(self, request: Any, context: grpc.ServicerContext) -> Any:
        return language_pb2.RuntimeOptionsResponse()

    def About(self, request: Any, context: grpc.ServicerContext) -> Any:
        return language_pb2.AboutResponse(executable=sys.executable, version=sys.version.split()[0])

    def GetProgramDependencies(self, request: Any, context: grpc.ServicerContext) -> Any:
        from importlib.metadata import distributions

        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[
                language_pb2.DependencyInfo(name=found.metadata["Name"], version=found.version)
                for found in sorted(distributions(), key=lambda found: found.metadata["Name"])
            ]
        )

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.executor.stop()
        return empty_pb2.Empty()


def _debug_is_shown() -> bool:
    """Whether the user asked the engine for debug messages; true where that can't be told.

    The engine takes them all and tells nobody what it does with them.
    """
    try:
        words = Path(f"/proc/{os.getppid()}/cmdline").read_text().split("\0")
    except OSError:
        return True
    return any(DEBUG.match(word) for word in words)


def serve(arguments: list[str]) -> int:
    """Serve on a free port of the loopback address until the engine ends the process.

    `arguments` are the engine's: flags, then its own address.
    """
    addresses = [argument for argument in arguments if not argument.startswith("-")]
    host = LanguageHost(addresses[-1] if addresses else "")
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    lodging.open_for(host.engine)
    print(port, flush=True)
    gc.freeze()  # what is imported stays
    ended = threading.Event()
    # The engine interrupts its plugins when it is done, and kills them five seconds later.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    _end_with_parent(ended)
    ended.wait()
    host.executor.stop()
    server.stop(grace=0)
    return 0


def _end_with_parent(ended: threading.Event) -> None:
    # An engine that is killed ends nobody; its children belong to another process then.
    parent = os.getppid()

    def watch() -> None:
        while not ended.wait(1.0):
            if os.getppid() != parent:
                ended.set()

    threading.Thread(target=watch, daemon=True).start()
