"""`logs` and `shell` reach the containers of a part."""

import argparse
import subprocess
from datetime import datetime

import pytest

from components.labels import labels
from operations import logs, parts, shell
from operations.engine import Client, Engines
from tests.operations.conftest import ENVIRONMENT, Start, wait
from toolchain.failure import Failure
from toolchain.versions import versions

NOW = 1_000_000.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("90s", 999_910),
        ("10m", 999_400),
        ("2h", 992_800),
        ("1d", 913_600),
        ("2026-01-31T08:00", int(datetime(2026, 1, 31, 8).timestamp())),
    ],
)
def test_since_takes_spans_and_times(text: str, expected: int) -> None:
    assert logs.since(text, NOW) == expected


@pytest.mark.parametrize("text", ["10", "ten minutes", "5w", "-1h"])
def test_since_says_what_it_takes(text: str) -> None:
    with pytest.raises(Failure, match=rf"--since {text}: must be a span such as 90s"):
        logs.since(text, NOW)


def test_lines_are_put_together_from_pieces() -> None:
    assert list(logs.split([b"one\ntw", b"o\n", b"th\xffree"])) == ["one", "two", "th�ree"]


def test_a_line_names_its_replica() -> None:
    details = "com.docker.swarm.node.id=n,com.docker.swarm.task.id=abcdefghijkl"
    assert logs.replica(details, {"abcdefghijkl": "2"}) == "2"
    assert logs.replica(details, {}) == "abcdefgh"


@pytest.mark.live
def test_logs_show_every_replica(engines: Engines, start: Start) -> None:
    start("web", replicas=2)
    part = parts.find(engines, ENVIRONMENT, "web")
    expected = ["web.1 | begun", "web.2 | begun"]
    wait(lambda: sorted(logs.lines(engines, part, follow=False, since=0)) == expected)


@pytest.mark.live
def test_logs_show_a_job_that_ended(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    client.containers.run(
        versions().rootfs, ["echo", "migrated"], detach=True, labels=labels(ENVIRONMENT, "migrate")
    ).wait()
    arguments = argparse.Namespace(stack=ENVIRONMENT, part="migrate", follow=False, since="")
    assert logs.run(arguments) == 0
    assert capsys.readouterr().out == "migrate | migrated\n"


@pytest.mark.live
def test_a_shell_runs_in_the_part_that_was_named(engines: Engines, start: Start) -> None:
    start("web")
    container = shell.find_container(engines, parts.find(engines, ENVIRONMENT, "web"))
    done = subprocess.run(
        shell.command(container.id, "cat /etc/hostname; exit 7", terminal=False),
        capture_output=True,
        text=True,
        check=False,
    )
    assert container.id.startswith(done.stdout.strip())
    assert done.returncode == 7


@pytest.mark.live
def test_a_wrong_part_is_answered_with_the_possible_ones(engines: Engines, start: Start) -> None:
    start("web")
    start("cron")
    with pytest.raises(Failure, match=r"no part 'wep' in optest; PART is one of: cron, web"):
        parts.find(engines, ENVIRONMENT, "wep")
    with pytest.raises(Failure, match=r"no part was named in optest; PART is one of: cron, web"):
        parts.find(engines, ENVIRONMENT, "")


@pytest.mark.live
def test_a_part_without_a_container_points_to_status(client: Client, engines: Engines) -> None:
    client.containers.create(versions().rootfs, ["true"], labels=labels(ENVIRONMENT, "migrate"))
    with pytest.raises(Failure, match="no running container; see `make status`"):
        shell.find_container(engines, parts.find(engines, ENVIRONMENT, "migrate"))
    with pytest.raises(Failure, match="nothing runs in nowhere; `make up` starts it"):
        parts.find(engines, "nowhere", "web")
