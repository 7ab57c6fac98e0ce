"""Calls over a Docker Engine's socket, against a server that answers as told."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from toolchain.plugins.common.errors import PluginError
from toolchain.plugins.docker.connection import Engine, EngineError, Settings

Ask = Callable[[bytes], Engine]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[tuple[Ask, list[bytes]]]:
    """Makes an engine whose socket gives one answer to all; and the requests that it got."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "engine.sock"))
    listener.listen()
    got: list[bytes] = []
    opened: list[socket.socket] = []

    def make(answer: bytes) -> Engine:
        def serve() -> None:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                opened.append(peer)
                got.append(whole(peer))
                if answer:
                    peer.sendall(answer)
                    peer.close()

        threading.Thread(target=serve, daemon=True).start()
        return Engine(Settings(host=f"unix://{tmp_path / 'engine.sock'}"))

    yield make, got
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for peer in opened:
        peer.close()


def whole(peer: socket.socket) -> bytes:
    """One request: its head and body may come in two parts."""
    got = peer.recv(65536)
    length = re.search(rb"Content-Length: (\d+)", got)
    while length and len(got.partition(b"\r\n\r\n")[2]) < int(length[1]):
        got += peer.recv(65536)
    return got


def http(status: str, body: bytes) -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


def test_parameters_and_bodies_are_sent_as_the_engine_reads_them(
    engine: tuple[Ask, list[bytes]],
) -> None:
    make, got = engine
    asked = make(http("200 OK", b'{"Id": "x"}'))
    assert asked.post("/things", {"Name": "it"}, force=True, filters={"a": ["b"]}) == {"Id": "x"}
    head, body = got[0].split(b"\r\n\r\n")
    assert head.startswith(b"POST /things?force=1&filters=%7B%22a%22%3A+%5B%22b%22%5D%7D HTTP/1.1")
    assert b"Content-Type: application/json" in head
    assert body == b'{"Name": "it"}'


def test_an_empty_answer_is_none(
    engine: tuple[Ask, list[bytes]],
) -> None:
    make, _ = engine
    assert make(http("204 No Content", b"")).post("/things") is None


def test_a_missing_object_is_none(engine: tuple[Ask, list[bytes]]) -> None:
    make, _ = engine
    missing = make(http("404 Not Found", b'{"message": "no such thing"}'))
    assert missing.find("/things/x") is None
    with pytest.raises(EngineError, match=r"^no such thing$"):
        missing.get("/things/x")


def test_the_envelope_of_swarm_is_taken_off_a_message(engine: tuple[Ask, list[bytes]]) -> None:
    make, _ = engine
    words = b'{"message": "rpc error: code = InvalidArgument desc = name must be valid"}'
    with pytest.raises(EngineError, match=r"^name must be valid$"):
        make(http("400 Bad Request", words)).post("/things", {})


@pytest.mark.parametrize(
    "answer", [b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"]
)
def test_half_an_answer_is_told_as_one_sentence(
    engine: tuple[Ask, list[bytes]], answer: bytes
) -> None:
    make, _ = engine
    with pytest.raises(PluginError, match="can't be reached"):
        make(answer).get("/things")


def test_an_engine_that_keeps_silent_is_waited_for_only_so_long(
    engine: tuple[Ask, list[bytes]],
) -> None:
    make, _ = engine
    with pytest.raises(PluginError, match=r"did not answer within 0\.3 s"):
        make(b"").post("/things", timeout=0.3)


def test_a_socket_that_is_not_there_is_named(tmp_path: Path) -> None:
    host = f"unix://{tmp_path}/nothing.sock"
    with pytest.raises(PluginError, match=r"nothing\.sock can't be reached \(No such file"):
        Engine(Settings(host=host)).get("/things")
