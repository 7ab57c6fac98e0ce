"""The load tells what was lost, on a platform that loses some."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.faults.load import Load

SLOW = 0.1  # s that a file takes to be read


class Forgetful(ThreadingHTTPServer):
    """A platform on the loopback address whose second file is another one afterwards."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: list[bytes] = []
        self.read: list[int] = []  # numbers of the files that were asked for
        self.writes: list[str] = []


class Handler(BaseHTTPRequestHandler):
    """Answers as the demo application does."""

    server: Forgetful

    def do_GET(self) -> None:
        """A page, a session, or a file."""
        if found := re.fullmatch(r"/api/files/(\d+)", self.path):
            number = int(found[1])
            time.sleep(SLOW)
            self.server.read.append(number)
            content = self.server.files[number]
            return self._answer(content[::-1] if number == 1 else content)
        return self._answer(b'{"name": "lost-user"}')

    def do_POST(self) -> None:
        """A write, a login or an upload."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != "/api/upload":
            self.server.writes.append(body.decode())
            return self._answer(b"{}")
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        message = BytesParser(policy=default).parsebytes(head + body)
        (content,) = [part.get_payload(decode=True) for part in message.iter_parts()]
        assert isinstance(content, bytes)
        self.server.files.append(content)
        return self._answer(json.dumps({"id": str(len(self.server.files) - 1)}).encode())

    def _answer(self, body: bytes) -> None:
        with suppress(OSError):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def platform() -> Iterator[Forgetful]:
    """It answers while a test lasts."""
    with Forgetful() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_every_upload_is_read_again_and_what_is_not_the_same_is_lost(platform: Forgetful) -> None:
    load = Load(f"http://127.0.0.1:{platform.server_port}", None, "lost")
    load._listen = lambda: None  # type: ignore[method-assign] # standard input is the test's
    record = load.run(4.0)
    assert len(platform.files) > 2
    assert sorted(platform.read) == list(range(len(platform.files)))
    assert record.files_lost == ["1"]
    assert record.sessions_lost == []
    assert len(record.acknowledged) == sum("value=" in one for one in platform.writes)
    assert {sample.failure for sample in record.samples} == {""}
