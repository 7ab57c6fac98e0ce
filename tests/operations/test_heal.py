"""What an interrupted run left behind does not stop the next one."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from components.labels import labels
from operations import down, heal, pulumi
from operations.engine import Thing
from operations.pulumi import PendingOperation, Resource, State
from toolchain.failure import Failure

STACK = "optest"


@pytest.fixture
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the stack's locks."""
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    folder = tmp_path / ".pulumi" / "locks" / "organization" / "studip" / STACK
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Commands that Pulumi was given."""
    given: list[tuple[str, ...]] = []

    def capture(*arguments: str) -> str:
        given.append(arguments)
        return ""

    monkeypatch.setattr(pulumi, "capture", capture)
    return given


def lock(folder: Path, pid: int, host: str = "") -> None:
    raw = {
        "pid": pid,
        "username": "operator",
        "hostname": host or socket.gethostname(),
        "timestamp": "2026-01-31T08:00:00Z",
    }
    (folder / f"{pid}.json").write_text(json.dumps(raw))


def dead_process() -> int:
    """Identifier of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_lock_of_a_process_that_is_gone_is_released(
    locks: Path, calls: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    pid = dead_process()
    lock(locks, pid)
    heal.release(STACK)
    assert calls == [("cancel", "--stack", STACK, "--yes")]
    assert f"Process {pid} ended without giving optest free" in capsys.readouterr().out


def test_a_number_that_another_program_has_by_now_is_no_pulumi(
    locks: Path, calls: list[tuple[str, ...]]
) -> None:
    lock(locks, os.getpid())
    heal.release(STACK)
    assert calls == [("cancel", "--stack", STACK, "--yes")]


def test_a_pulumi_at_work_keeps_its_lock(
    locks: Path, calls: list[tuple[str, ...]], tmp_path: Path
) -> None:
    program = tmp_path / "pulumi"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([program, "60"]) as process:
        try:
            lock(locks, process.pid)
            with pytest.raises(Failure, match=rf"process {process.pid} \(operator\) works on"):
                heal.release(STACK)
        finally:
            process.kill()
    assert calls == []


def test_a_lock_of_another_machine_is_not_ours_to_release(
    locks: Path, calls: list[tuple[str, ...]]
) -> None:
    lock(locks, dead_process(), host="elsewhere")
    with pytest.raises(Failure, match=r"operator on elsewhere works on optest since 2026-01-31"):
        heal.release(STACK)
    assert calls == []


def test_no_lock_no_word(
    locks: Path, calls: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    heal.release(STACK)
    assert (calls, capsys.readouterr().out) == ([], "")


def resource(type: str, name: str, id: str = "", part: str = "web") -> Resource:
    pairs = [{"label": k, "value": v} for k, v in labels(STACK, part).items()]
    return Resource(f"urn::{name}", type, id, {"name": name, "labels": pairs})


def test_what_was_half_made_goes_but_data_and_what_is_known_stay() -> None:
    job = Resource(
        "urn::job", pulumi.CONTAINER, "", {"labels": [{"label": "studip.part", "value": "migrate"}]}
    )
    state = State(
        resources=[resource(pulumi.SERVICE, "studip-optest-known", "known")],
        pending=[
            PendingOperation("creating", resource(pulumi.SERVICE, "studip-optest-web")),
            PendingOperation("creating", resource("volume", "studip-optest-database")),
            PendingOperation("creating", resource(pulumi.SERVICE, "studip-optest-known")),
            PendingOperation("updating", resource(pulumi.SERVICE, "studip-optest-cron", "cron")),
            PendingOperation("creating", job),
        ],
    )
    things = [
        Thing("service", "web", "studip-optest-web", STACK, "web"),
        Thing("service", "known", "studip-optest-known", STACK, "web"),
        Thing("service", "cron", "studip-optest-cron", STACK, "cron"),
        Thing("volume", "studip-optest-database", "studip-optest-database", STACK, "database"),
        Thing("container", "job", "wistful_curie", STACK, "migrate"),
        Thing("container", "other", "happy_euler", STACK, "web"),
    ]
    assert [thing.id for thing in heal.half_made(things, state)] == ["web", "job"]


def test_the_state_is_read_as_pulumi_writes_it() -> None:
    exported = {
        "deployment": {
            "resources": [
                {
                    "urn": "urn:pulumi:dev::studip::pulumi:pulumi:Stack::studip-dev",
                    "type": "pulumi:pulumi:Stack",
                    "outputs": {"url": "http://127.0.0.1:8080"},
                },
                {
                    "urn": "urn:pulumi:dev::studip::docker:index/service:Service::web",
                    "type": pulumi.SERVICE,
                    "id": "abc",
                    "inputs": {"name": "wanted"},
                    "outputs": {"name": "studip-dev-web"},
                },
            ],
            "pending_operations": [
                {"type": "creating", "resource": {"urn": "urn::volume", "type": "volume"}}
            ],
        }
    }
    state = pulumi.parse(exported)
    assert state.outputs["url"] == "http://127.0.0.1:8080"
    assert state.ids == {"abc"}
    assert state.resources[1].name == "studip-dev-web"
    assert [(op.kind, op.resource.urn) for op in state.pending] == [("creating", "urn::volume")]
    assert pulumi.parse({"deployment": None}) == State()


def test_down_keeps_data_passwords_and_images() -> None:
    kept = down.excluded()[1::2]
    assert "**docker:index/volume:Volume::**" in kept
    assert "**random:index/randomPassword:RandomPassword::**" in kept
    assert not any("Service::" in pattern for pattern in kept)
