"""Requests per second and response times of an address on this machine."""

import http.client
import math
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

CONNECTIONS = 4
SECONDS = 4.0


@dataclass(frozen=True)
class Throughput:
    """What a bounded number of connections got out of an address."""

    per_second: float
    p99_ms: float
    failed: int


def measure(host: str, port: int, path: str) -> Throughput:
    """Ask for `path` over `CONNECTIONS` kept connections for `SECONDS` seconds."""
    times: list[float] = []
    failures: list[str] = []
    deadline = time.monotonic() + SECONDS

    def ask() -> None:
        connection = http.client.HTTPConnection(host, port, timeout=10)
        while time.monotonic() < deadline:
            began = time.monotonic()
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                failures.append(repr(error))
                connection.close()
                continue
            if answer.status != 200:
                failures.append(str(answer.status))
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
