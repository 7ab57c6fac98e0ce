"""Small parts: BuildKit's reports, names of images, logins, output frames."""

from __future__ import annotations

import base64
import json
import struct
import threading
from pathlib import Path
from typing import Any

import pytest

from toolchain.plugins.common.errors import PluginError
from toolchain.plugins.common.resource import Call
from toolchain.plugins.docker.buildkit import Progress
from toolchain.plugins.docker.logs import frames
from toolchain.plugins.docker.references import Login, Logins, Reference
from toolchain.plugins.docker.rollout import converge, progress_of


def message(*fields: tuple[int, bytes | int]) -> bytes:
    """A protocol buffer."""
    data = b""
    for number, value in fields:
        if isinstance(value, int):
            data += bytes([number << 3, value])
        else:
            data += bytes([number << 3 | 2, len(value)]) + value
    return data


def report(*fields: tuple[int, bytes | int]) -> str:
    """A progress report as the engine sends it."""
    return base64.b64encode(message(*fields)).decode()


def test_steps_and_their_output_are_told_once() -> None:
    progress = Progress()
    step = message((1, b"d1"), (3, b"[1/2] RUN make"), (5, b"\x08\x01"))
    cached = message((1, b"d2"), (3, b"[2/2] COPY . /"), (4, 1), (5, b""))
    internal = message((1, b"d3"), (3, b"[internal] load"), (5, b""))
    shown = list(progress.feed(report((1, step), (1, cached), (1, internal))))
    assert shown == ["[1/2] RUN make", "CACHED [2/2] COPY . /"]
    assert list(progress.feed(report((1, step)))) == []
    log = message((1, b"d1"), (3, 1), (4, b"one\ntw"))
    assert list(progress.feed(report((3, log)))) == ["[1/2] RUN make: one"]
    log = message((1, b"d1"), (4, b"o\n\n50%\r100%\n"))
    assert list(progress.feed(report((3, log)))) == ["[1/2] RUN make: two", "[1/2] RUN make: 100%"]
    assert progress.failure() is None


def test_the_step_that_failed_is_told_from_those_that_were_stopped() -> None:
    progress = Progress()
    stopped = message((1, b"d1"), (3, b"RUN slow"), (5, b""), (7, b"context canceled"))
    failed = message((1, b"d2"), (3, b"RUN bad"), (5, b""), (7, b"exit code: 1"))
    list(progress.feed(report((1, stopped), (1, failed))))
    step = progress.failure()
    assert step is not None
    assert (step.name, step.error) == ("RUN bad", "exit code: 1")


DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("web", ("", "web", "", "")),
        ("team/web:1.2", ("", "team/web", "1.2", "")),
        ("localhost/web", ("localhost", "web", "", "")),
        ("localhost:5000/team/web:v1", ("localhost:5000", "team/web", "v1", "")),
        ("registry.test/web", ("registry.test", "web", "", "")),
        (f"registry.test:5000/web@{DIGEST}", ("registry.test:5000", "web", "", DIGEST)),
        (f"web:1@{DIGEST}", ("", "web", "1", DIGEST)),
        ("127.0.0.1:5000/a__b-c.d", ("127.0.0.1:5000", "a__b-c.d", "", "")),
    ],
)
def test_names_of_images_are_taken_apart(name: str, parts: tuple[str, str, str, str]) -> None:
    found = Reference.of(name)
    assert (found.registry, found.path, found.tag, found.digest) == parts


@pytest.mark.parametrize("name", ["", "Web", "a b", "web:", "registry.test/", "web@sha256:1", "/a"])
def test_what_is_no_name_of_an_image_is_refused(name: str) -> None:
    with pytest.raises(PluginError, match="is not a name of an image"):
        Reference.of(name)


def test_logins_come_from_the_settings_or_from_docker_login(tmp_path: Path) -> None:
    auth = base64.b64encode(b"ann:secret").decode()
    content = json.dumps({"auths": {"https://b.test/v1/": {"auth": auth}}})
    stored = tmp_path / "config.json"
    stored.write_text(json.dumps({"auths": {"c.test": {"auth": auth}}}))
    logins = Logins(
        [
            {"address": "http://a.test:5000", "username": "u", "password": "p"},
            {"address": "b.test", "configFileContent": content},
            {"address": "c.test", "configFile": str(stored)},
            {"address": "d.test", "authDisabled": True},
        ]
    )
    assert logins.of("a.test:5000") == Login("a.test:5000", "u", "p")
    assert logins.of("b.test") == Login("b.test", "ann", "secret")
    assert logins.of("c.test") == Login("c.test", "ann", "secret")
    assert logins.of("d.test") == Login("d.test")
    assert logins.scheme("a.test:5000") == "http"
    assert logins.scheme("b.test") == "https"
    assert logins.scheme("127.0.0.1:5000") == "http"
    with pytest.raises(PluginError, match=r"has no entry for e\.test"):
        Logins([{"address": "e.test", "configFileContent": content}])


def test_output_frames_may_be_cut_anywhere() -> None:
    stream = b"".join(
        bytes([kind, 0, 0, 0]) + struct.pack(">I", len(text)) + text
        for kind, text in ((1, b"out\n"), (2, b"err\n"), (1, b""))
    )
    for size in (1, 3, 9, 100):
        chunks = [stream[start : start + size] for start in range(0, len(stream), size)]
        assert b"".join(frames(chunks)) == b"out\nerr\n"


def found_service(**status: str) -> dict[str, Any]:
    """A service of two replicas as the engine describes it."""
    task = {"ContainerSpec": {"Image": "web:2", "StopGracePeriod": 1}, "ForceUpdate": 0}
    spec = {"Name": "web", "TaskTemplate": task, "Mode": {"Replicated": {"Replicas": 2}}}
    return {"Spec": spec, "UpdateStatus": status}


def found_task(image: str, state: str, desired: str = "running") -> dict[str, Any]:
    """A task as the engine describes it: without the grace period."""
    spec = {"ContainerSpec": {"Image": image}, "ForceUpdate": 0}
    return {"Spec": spec, "Status": {"State": state}, "DesiredState": desired}


@pytest.mark.parametrize(
    ("service", "tasks", "done"),
    [
        (found_service(), [found_task("web:2", "running")] * 2, True),
        (found_service(), [found_task("web:2", "running"), found_task("web:2", "starting")], False),
        (found_service(), [found_task("web:1", "running")] * 2, False),
        (
            found_service(),
            [found_task("web:2", "running")] * 2 + [found_task("web:1", "running", "shutdown")],
            True,
        ),
        (found_service(State="updating"), [found_task("web:2", "running")] * 2, False),
        (found_service(State="completed"), [found_task("web:2", "running")] * 2, True),
        (found_service(State="rollback_started"), [found_task("web:2", "running")] * 2, False),
        (found_service(), [found_task("web:2", "complete")] * 2, False),
    ],
)
def test_a_roll_out_is_done_when_all_tasks_of_the_new_version_run(
    service: dict[str, Any], tasks: list[dict[str, Any]], done: bool
) -> None:
    assert progress_of(service, tasks).done is done


class SlowEngine:
    """Tells of an update later than it takes it; its tasks look the same before and after."""

    def __init__(self, *states: str) -> None:
        self.states = list(states)

    def get(self, path: str, **_: Any) -> Any:
        if path == "/tasks":
            return [found_task("web:2", "running")] * 2
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return found_service(**({"State": state} if state else {}))


@pytest.mark.parametrize(("new_version", "left"), [(True, 1), (False, 3)])
def test_a_roll_out_is_not_done_before_the_engine_has_noticed_it(
    new_version: bool, left: int
) -> None:
    engine = SlowEngine("", "", "updating", "completed")
    call = Call("urn", "web", 0, threading.Event(), lambda *_: None)
    converge(call, engine, "id", 30, new_version=new_version)  # type: ignore[arg-type]
    assert len(engine.states) == left
