"""Constant load on a platform while something happens to it."""

import threading
import time
from dataclasses import dataclass, field

from tests.live.platform import Client


@dataclass
class Load:
    """Pages read and rows written, one after the other, until it is told to stop.

    Bounded by `limit` seconds.
    """

    url: str
    limit: float = 300.0
    requests: int = 0
    failures: list[str] = field(default_factory=list)
    acknowledged: set[int] = field(default_factory=set)

    def __enter__(self) -> "Load":
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(30)

    def _run(self) -> None:
        deadline = time.monotonic() + self.limit
        while not self._ended.wait(0.02) and time.monotonic() < deadline:
            self._ask("GET")
            self._ask("POST")

    def _ask(self, method: str) -> None:
        self.requests += 1
        client = Client(self.url)
        try:
            if method == "GET":
                answer = client.get("/api/status")
            else:
                answer = client.post("/api/write", value=str(self.requests))
        except OSError as error:
            self.failures.append(f"{method}: {error!r}")
            return
        if answer.status not in (200, 201):
            self.failures.append(f"{method}: {answer.status}")
        elif method == "POST":
            self.acknowledged.add(answer.json["id"])


def stored(client: Client) -> set[int]:
    """Ids of all rows that the platform still has."""
    return {row["id"] for row in client.get("/api/writes").json["writes"]}
