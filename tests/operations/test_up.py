"""`up` passes Pulumi's words, exit code and interruptions through."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from operations import pulumi, up
from toolchain.places import ROOT

# Counts the interruptions that reach it, and ends well at the first.
PATIENT = """
import signal, sys, time
count = 0
def note(number, frame):
    global count
    count += 1
signal.signal(signal.SIGINT, note)
print("begun", flush=True)
deadline = time.monotonic() + 20
while not count and time.monotonic() < deadline:
    time.sleep(0.05)
time.sleep(0.5)
print("interruptions:", count, flush=True)
sys.exit(3)
"""

PARENT = """
import sys
from operations import pulumi
end = pulumi.watch([sys.executable, "-c", sys.argv[1]])
print("end:", end.code, end.interrupted)
"""


def test_the_exit_code_is_passed_through() -> None:
    end = pulumi.watch([sys.executable, "-c", "raise SystemExit(7)"])
    assert (end.code, end.interrupted) == (7, False)
    assert 0 < end.seconds < 10


@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGINT] * 3, [signal.SIGTERM]])
def test_an_interruption_is_passed_on_once(signals: list[signal.Signals]) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, PATIENT],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "begun\n"
        for number in signals:
            # As a terminal does on Ctrl-C: to the whole group.
            os.killpg(parent.pid, number)
        words = parent.stdout.read().splitlines()
    assert words == ["interruptions: 1", "end: 3 True"]
    assert parent.returncode == 0


def test_the_signal_handlers_are_as_before() -> None:
    before = signal.getsignal(signal.SIGINT)
    pulumi.watch([sys.executable, "-c", ""])
    assert signal.getsignal(signal.SIGINT) is before


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "operations", *arguments],
        cwd=ROOT,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_unknown_environment_is_answered_with_the_known_ones() -> None:
    done = run("status", "--stack", "nowhere")
    assert done.returncode == 1
    assert "there is no Pulumi.nowhere.yaml, so no environment 'nowhere'; environments: dev" in (
        done.stderr
    )
    assert len(done.stderr.splitlines()) == 1


def test_without_an_engine_every_command_says_so_in_one_line(tmp_path: Path) -> None:
    for command in ("up", "status", "logs", "shell", "down", "destroy", "prune", "gc"):
        done = run(command, DOCKER_HOST=f"unix://{tmp_path}/docker.sock")
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.startswith(f"error: the Docker Engine at unix://{tmp_path}/docker.sock")
        assert len(done.stderr.splitlines()) == 1


def test_every_command_has_a_help_of_its_own() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "python -m operations logs web --follow --since 10m" in done.stdout
    for line in textwrap.dedent(done.stdout).splitlines():
        assert len(line) <= 100


@contextmanager
def site(*answers: int) -> Iterator[tuple[str, list[int]]]:
    """A site that gives these answers, the last one for ever: its address, and those given."""
    given: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given.append(answers[min(len(given), len(answers) - 1)])
            self.send_response(given[-1])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=[0.05])
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", given
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_end_waits_until_the_load_balancer_has_found_a_replica() -> None:
    with site(503, 503, 200) as (url, given):
        assert up.wait_for_page(url)
        assert given == [503, 503, 200]


def test_a_load_balancer_that_never_finds_a_replica_is_no_success() -> None:
    with site(503) as (url, _):
        assert not up.wait_for_page(url, patience=0.5)


@pytest.mark.parametrize("status", [302, 401, 404, 500])
def test_whatever_else_a_page_says_is_not_waited_for(status: int) -> None:
    with site(status) as (url, given):
        assert up.wait_for_page(url)
        assert given == [status]


def test_an_address_that_only_others_reach_is_not_waited_for() -> None:
    began = time.monotonic()
    assert up.wait_for_page("http://127.0.0.1:1")
    assert time.monotonic() - began < up.PATIENCE / 2
