"""Plugins that are started while the program is still being imported."""

from importlib import import_module
from typing import Any

import pytest

from stacks import ahead


class Monitor:
    """Writes down what the engine is asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.Invoke = self

    def future(self, request: Any) -> object:
        self.asked.append(request)
        return request


@pytest.fixture
def monitor(monkeypatch: pytest.MonkeyPatch) -> Monitor:
    made = Monitor()
    monkeypatch.setattr(ahead, "get_monitor", lambda: made)
    return made


def test_the_plugins_of_an_orchestrator_are_asked_for_as_the_program_will(monitor: Monitor) -> None:
    # gRPC ends a call that nobody holds.
    assert ahead.start("swarm") == monitor.asked
    asked = {request.tok.split(":")[0]: request.version for request in monitor.asked}
    # Another version would be another plugin to the engine.
    assert asked == {
        name: import_module(f"pulumi_{name}._utilities").get_version()
        for name in ("docker", "random")
    }


def test_an_orchestrator_without_plugins_of_ours_starts_none(monitor: Monitor) -> None:
    assert ahead.start("kubernetes") == []
    assert monitor.asked == []
