"""What `measure` finds on a server whose service times and workers are known."""

import argparse
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import fmean

import pytest

from evaluation.edit import with_values
from evaluation.inventory.file import load
from evaluation.measure import Measured, Step, add_arguments, main, values_of

MEAN = 0.04  # s
CV = 0.58  # of a uniform distribution from 0 to twice its mean: 1 / sqrt(3)


class Server(ThreadingHTTPServer):
    """Serves `workers` requests at a time, for uniform times from 0 to 2 x 40 ms each."""

    daemon_threads = True

    def __init__(self, workers: int, fails_after: int = 10**9) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.workers = threading.Semaphore(workers)
        self.random = random.Random(1)
        self.asked: list[str] = []
        self.slept: list[float] = []
        self.fails_after = fails_after


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        server = self.server
        server.asked.append(self.path)
        with server.workers:
            began = time.perf_counter()
            time.sleep(server.random.uniform(0, 2 * MEAN))
            server.slept.append(time.perf_counter() - began)
        self.send_response(200 if len(server.asked) <= server.fails_after else 503)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the test is the only one who asks."""


@contextmanager
def serving(workers: int, fails_after: int = 10**9) -> Iterator[Server]:
    """A server, and its address."""
    server = Server(workers, fails_after)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def given(*words: str) -> argparse.Namespace:
    """The command's arguments."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(words)


def url(server: Server) -> str:
    """Its address."""
    return f"http://127.0.0.1:{server.server_address[1]}/start"


@pytest.mark.parametrize("workers", [1, 3])
def test_what_is_measured_is_what_the_server_does(workers: int, tmp_path: Path) -> None:
    inventory = tmp_path / "site.yaml"
    inventory.write_text("name: here\n")
    with serving(workers) as server:
        bounds = ["--requests", "180", "--seconds", "15", "--concurrency", "4,8"]
        code = main(given("--url", url(server), *bounds, "--cores", "6", "--into", str(inventory)))
        slept = fmean(server.slept)
    assert code == 0
    found = load(inventory).load
    # The server's own clock says how long it took; the rest is the way there and back.
    assert found.service_time_ms.low == pytest.approx(1000 * slept, rel=0.3)
    assert found.service_time_cv.low == pytest.approx(CV, abs=0.12)
    assert found.workers_per_core.low * 6 == pytest.approx(workers, rel=0.3)


def test_it_keeps_to_its_bounds_of_requests_and_path() -> None:
    with serving(4) as server:
        main(given("--url", url(server), "--path", "/other?x=1", "--requests", "60"))
        assert 50 <= len(server.asked) <= 60
        assert set(server.asked) == {"/other?x=1"}


def test_it_keeps_to_its_bound_of_seconds() -> None:
    began = time.monotonic()
    with serving(1) as server:
        main(given("--url", url(server), "--requests", "5000", "--seconds", "2"))
    assert time.monotonic() - began < 4


def test_it_stops_early_where_requests_fail(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(4, fails_after=60) as server:
        assert main(given("--url", url(server), "--requests", "1000")) == 1
        assert len(server.asked) < 80
    assert "stopped early" in capsys.readouterr().err


def test_nobody_else_is_loaded_unless_named_twice(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(given("--url", "http://studip.example.org/")) == 1
    assert "--i-may-load-this-host studip.example.org" in capsys.readouterr().err
    other = ["--i-may-load-this-host", "example.org"]
    assert main(given("--url", "http://studip.example.org/", *other)) == 1


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ftp://127.0.0.1/", "must be like http://127.0.0.1:8080/, got ftp://127.0.0.1/"),
        ("127.0.0.1:80", "must be like http://127.0.0.1:8080/, got 127.0.0.1:80"),
        ("http://127.0.0.1:99999/", "--url: Port out of range 0-65535: http://127.0.0.1:99999/"),
        ("http://127.0.0.1:1/", "nothing answers well at 127.0.0.1, port 1, path /"),
    ],
)
def test_a_wrong_address_is_one_clear_message(
    address: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(given("--url", address)) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ["--requests", "5001"],
        ["--seconds", "121"],
        ["--seconds", "x"],
        ["--concurrency", "0,2"],
        ["--concurrency", "2,100"],
        ["--concurrency", "many"],
    ],
)
def test_bounds_can_not_be_exceeded(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        given("--url", "http://127.0.0.1/", *words)
    assert f"got {words[1]}" in capsys.readouterr().err


def found(per_second: float) -> Measured:
    """Something that takes 100 ms and does `per_second` at best."""
    steps = [
        Step(at_once=n, requests=9, failed=0, per_second=rate, times_ms=(100.0,))
        for n, rate in ((1, 10.0), (8, per_second))
    ]
    return Measured(service_ms=100.0, cv=1.0, steps=tuple(steps), stopped=False)


def test_fewer_at_a_time_than_cores_means_that_workers_are_the_limit() -> None:
    values = values_of(found(20), 8, workers_per_core=4)  # 20/s x 0.1 s = 2 at a time
    assert values["workers_per_core"] == "0.25"
    assert "cpu_share" not in values


def test_as_many_at_a_time_as_cores_means_that_these_are_the_limit() -> None:
    values = values_of(found(50), 4, workers_per_core=4)  # 5 at a time on 4 cores
    assert values["cpu_share"] == "0.8"
    assert "workers_per_core" not in values


def test_without_the_number_of_cores_only_times_are_written() -> None:
    assert set(values_of(found(50), None, 4)) == {"service_time_ms", "service_time_cv"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "load:\n  service_time_ms: 42  # measured today\n"),
        ("name: x\n", "name: x\nload:\n  service_time_ms: 42  # measured today\n"),
        ("load:\n", "load:\n  service_time_ms: 42  # measured today\n"),
        (
            "load:\n    # how many\n    students: 9 # all\nname: x\n",
            "load:\n    # how many\n    students: 9 # all\n"
            "    service_time_ms: 42  # measured today\nname: x\n",
        ),
        (
            "load:\n  service_time_ms: 60..200 # ms; a guess\n  students: 9\n",
            "load:\n  service_time_ms: 42  # measured today; ms; a guess\n  students: 9\n",
        ),
        (
            "load:\n  service_time_ms: 60  # measured 2020-01-01; ms\n",
            "load:\n  service_time_ms: 42  # measured today; ms\n",
        ),
        (
            "load: {students: 9, service_time_ms: 60}\n",
            "load: {students: 9, service_time_ms: 42}\n",
        ),
        ("load: {students: 9}\n", "load: {service_time_ms: 42, students: 9}\n"),
        (
            "load:\n  hours:\n    - 1\n    - 2\nname: x\n",
            "load:\n  service_time_ms: 42  # measured today\n  hours:\n    - 1\n    - 2\nname: x\n",
        ),
    ],
)
def test_only_the_measured_line_of_an_inventory_changes(before: str, after: str) -> None:
    assert with_values(before, {"service_time_ms": "42"}, "measured today") == after


def test_an_inventory_that_is_wrong_is_said_before_anything_is_measured(tmp_path: Path) -> None:
    from evaluation.inventory.errors import InventoryError

    inventory = tmp_path / "site.yaml"
    inventory.write_text("load: {students: none}\n")
    with serving(1) as server, pytest.raises(InventoryError, match="students"):
        main(given("--url", url(server), "--into", str(inventory)))
    assert server.asked == []
