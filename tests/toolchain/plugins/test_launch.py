"""How a plugin is started: as a guest of the language host, or in a process of its own."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2_grpc

from toolchain.places import ROOT
from toolchain.plugins.common import sdk

HOST = (
    "import sys, time\n"
    "from toolchain.language_host import lodging\n"
    "lodging.open_for(sys.argv[1])\n"
    "print('open', flush=True)\n"
    "time.sleep(300)\n"
)
OWN = "toolchain.plugins.random"  # in the command line of one that runs by itself


@contextmanager
def running(
    *command: str, folder: Path = ROOT, env: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[str]"]:
    """A process that ends with the block; its first line was read, and is `first`."""
    # It changes between a fixture and its test.
    inherited = {key: value for key, value in os.environ.items() if key != "PYTEST_CURRENT_TEST"}
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(ROOT), **(env or {})},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


def first_line(process: "subprocess.Popen[str]") -> str:
    """What a process says first."""
    assert process.stdout
    return process.stdout.readline().strip()


@pytest.fixture
def engine() -> str:
    """Stands for the address of an engine; nobody listens there."""
    return f"engine-{uuid.uuid4().hex}"


@pytest.fixture
def host(engine: str) -> Iterator["subprocess.Popen[str]"]:
    with running("-c", HOST, engine) as process:
        assert first_line(process) == "open"
        yield process


def launch(engine: str) -> list[str]:
    """The launcher's command line."""
    return ["-S", str(ROOT / "toolchain" / "plugins" / "launch.py"), "random", engine]


def answers(port: str) -> bool:
    """Whether the plugin serves, with the version that it must have."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        try:
            info = stub.GetPluginInfo(empty_pb2.Empty(), timeout=20)
        except grpc.RpcError:
            return False
        return bool(info.version == version("pulumi-random"))


def command_line(process: "subprocess.Popen[str]") -> str:
    return Path(f"/proc/{process.pid}/cmdline").read_text()


@pytest.mark.usefixtures("host")
def test_the_language_host_serves_a_plugin_for_as_long_as_its_launcher_lives(engine: str) -> None:
    with running(*launch(engine)) as launcher:
        port = first_line(launcher)
        assert answers(port)
        assert OWN not in command_line(launcher)
    deadline = time.monotonic() + 20
    while answers(port):
        assert time.monotonic() < deadline, "still served after its launcher is gone"


def test_a_guest_ends_with_its_host(engine: str, host: "subprocess.Popen[str]") -> None:
    with running(*launch(engine)) as launcher:
        assert answers(first_line(launcher))
        host.kill()
        assert launcher.wait(timeout=20) == 1


def test_without_a_language_host_a_plugin_runs_by_itself(engine: str) -> None:
    with running(*launch(engine)) as plugin:
        assert answers(first_line(plugin))
        assert OWN in command_line(plugin)


@pytest.mark.usefixtures("host")
def test_a_plugin_with_other_variables_runs_by_itself(engine: str) -> None:
    with running(*launch(engine), env={"DOCKER_HOST": "tcp://192.0.2.1:2375"}) as plugin:
        assert answers(first_line(plugin))
        assert OWN in command_line(plugin)


@pytest.mark.usefixtures("host")
def test_a_plugin_in_another_folder_runs_by_itself(engine: str, tmp_path: Path) -> None:
    with running(*launch(engine), folder=tmp_path) as plugin:
        assert answers(first_line(plugin))
        assert OWN in command_line(plugin)


@pytest.mark.parametrize("package", ["docker", "random", "tls"])
def test_a_plugin_has_the_version_of_the_package_beside_it(package: str) -> None:
    assert sdk.version(package) == version(f"pulumi-{package}")
