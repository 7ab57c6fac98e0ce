"""Requests per second and response times of an address on this machine."""

import math
import re
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

CONNECTIONS = 4
SECONDS = 4.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


@dataclass(frozen=True)
class Throughput:
    """What a bounded number of connections got out of an address."""

    per_second: float
    p99_ms: float
    failed: int


class Connection:
    """The least of an HTTP client, so that it takes little of the cores that it measures."""

    def __init__(self, host: str, port: int, path: str) -> None:
        self._address = (host, port)
        self._request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
        self._socket: socket.socket | None = None

    def ask(self) -> int:
        """Status of one answer, read to its end; raises OSError where there is none."""
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=10)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(self._request)
        got = b""
        while (end := got.find(b"\r\n\r\n")) < 0:
            got += self._receive()
        head = got[: end + 2]
        length = _LENGTH.search(head)
        if length is None:
            raise ConnectionError("an answer without Content-Length")
        while len(got) < end + 4 + int(length[1]):
            got += self._receive()
        if _CLOSE.search(head):
            self.close()
        return int(head.split(b" ", 2)[1])

    def close(self) -> None:
        """Close it; the next request opens another one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _receive(self) -> bytes:
        assert self._socket
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("closed in the middle of an answer")
        return data


def measure(host: str, port: int, path: str) -> Throughput:
    """Ask for `path` over `CONNECTIONS` kept connections for `SECONDS` seconds."""
    times: list[float] = []
    failures: list[str] = []
    deadline = time.monotonic() + SECONDS

    def ask() -> None:
        connection = Connection(host, port, path)
        while time.monotonic() < deadline:
            began = time.monotonic()
            try:
                status = connection.ask()
            except OSError as error:
                failures.append(repr(error))
                connection.close()
                continue
            if status != 200:
                failures.append(str(status))
            times.append(time.monotonic() - began)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Throughput(len(times) / SECONDS, 1000 * percentile(times, 0.99), len(failures))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that is not below `share` of all (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan
