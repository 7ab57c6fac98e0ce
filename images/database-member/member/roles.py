"""The role server: tells proxies, peers and the container's health check what the member is."""

import sys
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from member.report import Report

STALE = 5.0  # s after which nobody may rely on what the supervisor last saw


@dataclass(frozen=True)
class Answer:
    """What the supervisor last saw."""

    report: Report
    healthy: bool
    usable: bool  # the database answered a moment ago, or isn't asked yet
    at: float  # time.monotonic()
    leaving: bool = False  # what is under way may end, nothing new is taken


class Roles(ThreadingHTTPServer):
    """Answers with the newest `answer`; an old one is good for nothing."""

    daemon_threads = True

    def __init__(self, port: int, report: Report) -> None:
        super().__init__(("", port), _Handler)
        self.answer = Answer(report, False, True, time.monotonic())

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asks may leave before the end of the answer: nothing to log."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def start(self) -> None:
        """Serve in the background."""
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    timeout = 5

    def do_GET(self) -> None:
        assert isinstance(self.server, Roles)
        answer = self.server.answer
        report = answer.report
        fresh = time.monotonic() - answer.at < STALE
        usable = fresh and answer.usable
        match self.path:
            case "/health":
                self._send(fresh and answer.healthy, report.state)
            case "/writer":
                self._send_role(answer, usable and report.serves and report.writer)
            case "/reader":
                self._send_role(answer, usable and report.state == "synced")
            case "/position":
                self._send(usable, report.to_json())
            case _:
                self.send_error(404)

    def _send_role(self, answer: Answer, good: bool) -> None:
        # With 404 the proxy leaves alone what it has, where 503 has it cut.
        self._send(good, answer.report.state, 404 if answer.leaving else 503)

    def _send(self, good: bool, text: str, otherwise: int = 503) -> None:
        body = f"{text}\n".encode()
        self.send_response(200 if good else otherwise)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass
