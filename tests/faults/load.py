"""Constant load from outside, written down request by request: `python3 -m tests.faults.load URL`.

Runs where the users are, with nothing but Python's own library: pages, logins whose session must
last, uploads that must be read again, and writes with numbers of their own. Ends when its standard
input ends, at the latest after `--seconds`, and prints one JSON document.
"""

import argparse
import http.client
import json
import os
import ssl
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode, urlsplit

TIMEOUT = 10.0  # s until a request counts as failed
PAUSE = 0.02  # s between two requests of one worker
SAID = 120  # bytes of a refusal that are kept


@dataclass
class Sample:
    """One request: when it began (s since the epoch), how long it took, how it ended."""

    began: float
    seconds: float
    kind: str
    failure: str = ""


@dataclass
class Record:
    """Everything that happened."""

    samples: list[Sample] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)  # values of writes that were confirmed
    sessions_lost: list[str] = field(default_factory=list)
    files_lost: list[str] = field(default_factory=list)


class Refused(Exception):
    """The platform answered, and not as it should."""


class Visitor:
    """One user's browser: a connection a request, cookies kept."""

    def __init__(self, url: str, authority: str | None) -> None:
        parts = urlsplit(url)
        self._host, self._secure = parts.netloc, parts.scheme == "https"
        self._context = ssl.create_default_context(cafile=authority) if self._secure else None
        self._cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> bytes:
        """Body of a good answer; raises OSError, HTTPException or Refused."""
        connection = (
            http.client.HTTPSConnection(self._host, timeout=TIMEOUT, context=self._context)
            if self._secure
            else http.client.HTTPConnection(self._host, timeout=TIMEOUT)
        )
        with closing(connection):
            headers = {"Connection": "close"}
            if self._cookies:
                headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in self._cookies.items())
            if kind:
                headers["Content-Type"] = kind
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            for value in answer.headers.get_all("Set-Cookie") or []:
                name, _, rest = value.partition("=")
                self._cookies[name] = rest.partition(";")[0]
            content = answer.read()
            if answer.status not in (200, 201):
                # Who refuses, the load balancer or a replica, shows in what it says.
                raise Refused(f"status {answer.status}: {content[:SAID].decode(errors='replace')}")
            return content

    def json(self, method: str, path: str, **form: str) -> Any:
        """The same with a form, and JSON as the answer."""
        body = urlencode(form).encode() if form else None
        kind = "application/x-www-form-urlencoded" if form else ""
        return json.loads(self.ask(method, path, body, kind))

    def upload(self, name: str, content: bytes) -> Any:
        """One file, as a form sends it."""
        mark = sha256(content).hexdigest()
        head = (
            f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        body = head.encode() + content + f"\r\n--{mark}--\r\n".encode()
        kind = f"multipart/form-data; boundary={mark}"
        return json.loads(self.ask("POST", "/api/upload", body, kind))


class Load:
    """Workers of each kind, until they are told to stop."""

    def __init__(self, url: str, authority: str | None, name: str) -> None:
        self.record = Record()
        self._url, self._authority, self._name = url, authority, name
        self._kept: dict[str, str] = {}  # SHA-256 by file that was uploaded
        self._ended = threading.Event()
        self._lock = threading.Lock()

    def run(self, seconds: float) -> Record:
        """Load for `seconds`, or until standard input ends."""
        jobs = [self._pages, self._pages, self._writes, self._session, self._uploads]
        workers = [threading.Thread(target=job, args=(n,)) for n, job in enumerate(jobs)]
        for worker in workers:
            worker.start()
        threading.Thread(target=self._listen, daemon=True).start()
        self._ended.wait(seconds)
        self._ended.set()
        for worker in workers:
            worker.join(TIMEOUT + 5)
        self._read_again()
        return self.record

    def _listen(self) -> None:
        sys.stdin.read()
        self._ended.set()

    def _visitor(self) -> Visitor:
        return Visitor(self._url, self._authority)

    def _try(self, kind: str, request: Callable[[], Any]) -> Any:
        """Answer of one request, None where it failed; either way it is written down."""
        began, started = time.time(), time.monotonic()
        answer, failure = None, ""
        try:
            answer = request()
        except (OSError, http.client.HTTPException, Refused, ValueError) as error:
            failure = f"{type(error).__name__}: {error}"
        with self._lock:
            self.record.samples.append(
                Sample(round(began, 4), round(time.monotonic() - started, 4), kind, failure)
            )
        return answer

    def _pages(self, _: int) -> None:
        while not self._ended.wait(PAUSE):
            self._try("page", lambda: self._visitor().json("GET", "/api/status"))

    def _writes(self, _: int) -> None:
        number = 0
        while not self._ended.wait(PAUSE):
            number += 1
            value = f"{self._name}-{number}"
            # Not repeated when it fails: only what was acknowledged has to be there.
            done = self._try(
                "write", partial(self._visitor().json, "POST", "/api/write", value=value)
            )
            if done is not None:
                self.record.acknowledged.append(value)

    def _session(self, _: int) -> None:
        name = f"{self._name}-user"
        visitor = self._visitor()
        while self._try("login", lambda: visitor.json("POST", "/api/login", name=name)) is None:
            if self._ended.wait(0.2):
                return
        while not self._ended.wait(5 * PAUSE):
            found = self._try("session", lambda: visitor.json("GET", "/api/session"))
            if found is not None and found["name"] != name:
                self.record.sessions_lost.append(f"{time.time():.3f}: {found['name']}")

    def _uploads(self, _: int) -> None:
        while not self._ended.wait(10 * PAUSE):
            content = os.urandom(20_000)
            entry = self._try("upload", partial(self._visitor().upload, "load.bin", content))
            if entry is not None:
                self._kept[entry["id"]] = sha256(content).hexdigest()

    def _read_again(self) -> None:
        """All files that were uploaded, however long that takes: one unread is not one kept."""
        visitor = self._visitor()
        for file, digest in self._kept.items():
            try:
                if sha256(visitor.ask("GET", f"/api/files/{file}")).hexdigest() != digest:
                    self.record.files_lost.append(file)
            except (OSError, http.client.HTTPException, Refused):
                self.record.files_lost.append(file)


def main() -> int:
    """Load, then one JSON document on standard output."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.faults.load", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--authority", help="PEM file of what signs the platform's certificate")
    parser.add_argument("--name", default="load", help="mark of everything that is written")
    arguments = parser.parse_args()
    load = Load(arguments.url, arguments.authority, arguments.name)
    print(json.dumps(asdict(load.run(min(arguments.seconds, 900.0)))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
