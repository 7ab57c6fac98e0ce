"""What stands in the way is said before anything changes."""

import base64
import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from operations import engine, holders, preflight
from operations.engine import Engines
from operations.preflight import Listener, Login
from tests.operations.conftest import ENVIRONMENT, Start, wait
from toolchain.failure import Failure

KEY = "studip:load_balancer.http_port"


def test_an_engine_that_does_not_answer_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    with pytest.raises(Failure) as failure:
        engine.connect()
    text = str(failure.value)
    assert f"unix://{tmp_path}/docker.sock can't be reached (No such file or directory)" in text
    assert "toolchain/bootstrap engine" in text


def test_sockets_that_listen_are_told_from_those_that_talk() -> None:
    rest = "0:0 00:0 0 0 0"
    table = "\n".join(
        [
            "sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode",
            f"0: 0100007F:1F90 00000000:0000 0A {rest} 111",
            f"1: 0100007F:1F90 0100007F:C350 01 {rest} 222",
            f"2: 00000000000000000000000000000000:1F90 00:0000 0A {rest} 333",
            f"3: 0100007F:1F91 00000000:0000 0A {rest} 444",
        ]
    )
    assert holders.listening_inodes(table, 8080) == {"111", "333"}


@pytest.fixture
def taken() -> Iterator[Listener]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield Listener(KEY, "127.0.0.1", listening.getsockname()[1])


def test_the_process_that_listens_is_found(taken: Listener) -> None:
    assert not preflight.is_free(taken)
    assert holders.listening_process(taken.port) == os.getpid()


def test_the_process_that_listens_is_found_while_it_opens_and_closes_files() -> None:
    # A free descriptor below that of the socket: whoever lists the folder takes and closes it.
    free = os.open(os.devnull, os.O_RDONLY)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        os.close(free)
        assert holders.listening_process(listening.getsockname()[1]) == os.getpid()


def test_the_room_that_is_missing_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "yet" / "made"
    free = preflight.room(folder)
    preflight.check_room({folder: free // 2})
    with pytest.raises(Failure) as failure:
        preflight.check_room({folder: free * 2, tmp_path: free * 3})
    first, second = str(failure.value).splitlines()
    assert f"nearly full: {folder} has " in first
    assert f" MiB free, {free * 2} MiB are needed" in first
    assert f" MiB free, {free * 3} MiB are needed" in second


@pytest.fixture
def registry() -> Iterator[str]:
    """Address of what answers like a registry with one user."""
    right = "Basic " + base64.b64encode(b"robot:right").decode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers["Authorization"] == right
            self.send_response(200 if known else 401)
            self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
            self.send_header("WWW-Authenticate", 'Basic realm="test"')
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.live
def test_a_wrong_password_is_named_but_not_told(engines: Engines, registry: str) -> None:
    preflight.check_login(engines, Login("studip:registry.password", registry, "robot", "right"))
    wrong = Login("studip:registry.password", registry, "robot", "wr0ng")
    with pytest.raises(Failure) as failure:
        preflight.check_login(engines, wrong)
    text = str(failure.value)
    assert text.startswith(
        f"studip:registry.password: the registry at {registry} does not let user 'robot' in ("
    )
    assert "401" in text
    assert "wr0ng" not in text


@pytest.mark.live
def test_a_taken_port_is_named_with_setting_and_process(engines: Engines, taken: Listener) -> None:
    with pytest.raises(Failure) as failure:
        preflight.check_ports(engines, ENVIRONMENT, [taken])
    text = str(failure.value)
    assert text.startswith(f"{KEY}: port {taken.port} is taken by process {os.getpid()} (")


@pytest.mark.live
def test_a_port_of_the_environment_itself_is_not_taken(engines: Engines, start: Start) -> None:
    from docker.types import EndpointSpec

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ports: dict[Any, Any] = {port: (80, "tcp", "host")}
    start("web", endpoint_spec=EndpointSpec("dnsrr", ports=ports))
    listener = Listener(KEY, "0.0.0.0", port)
    wait(lambda: not preflight.is_free(listener))
    preflight.check_ports(engines, ENVIRONMENT, [listener])
    with pytest.raises(Failure, match=rf"port {port} is taken by container studip-optest-web\.1"):
        preflight.check_ports(engines, "another", [listener])
