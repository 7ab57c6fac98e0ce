"""`up` passes Pulumi's words, exit code and interruptions through."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from operations import pulumi
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
