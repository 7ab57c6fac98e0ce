"""What makes Pulumi's SDK quicker gives what the SDK itself gives."""

from collections.abc import Callable
from typing import Any

from pulumi.runtime import resource

from toolchain.language_host import shortcuts

SDK = resource._get_stack_trace


class Resource:
    """As Pulumi's own: the third constructor is that of the program's class."""

    def __init__(self, asked: Callable[[], Any]) -> None:
        self.trace = asked()


class CustomResource(Resource):
    def __init__(self, asked: Callable[[], Any]) -> None:
        super().__init__(asked)


class Volume(CustomResource):
    def __init__(self, asked: Callable[[], Any]) -> None:
        self._internal_init(asked)

    def _internal_init(self, asked: Callable[[], Any]) -> None:
        super().__init__(asked)


class Component(CustomResource):
    def __init__(self, asked: Callable[[], Any]) -> None:
        super().__init__(asked)
        self.child = Volume(asked)


def test_a_resource_is_registered_with_the_same_stack() -> None:
    ours, theirs = (Component(asked) for asked in (shortcuts.stack_trace, SDK))
    assert ours.trace == theirs.trace
    assert ours.child.trace == theirs.child.trace
    assert ours.trace.frames[0].pc.uri.endswith("/test_shortcuts.py")
    assert ours.child.trace.frames[1] == ours.trace.frames[0]


def test_code_without_a_file_has_no_position_as_in_the_sdk() -> None:
    traces = []
    for asked in (shortcuts.stack_trace, SDK):
        names: dict[str, Any] = {"Volume": Volume, "asked": asked}
        exec(compile("made = Volume(asked)", "<string>", "exec"), names)
        traces.append(names["made"].trace)
    assert traces[0] == traces[1]
    assert not traces[0].frames[0].HasField("pc")


def test_whoever_is_no_resource_has_no_stack() -> None:
    assert not shortcuts.stack_trace().frames
    assert not Resource(shortcuts.stack_trace).trace.frames
    assert not Resource(SDK).trace.frames
