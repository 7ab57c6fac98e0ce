"""What a plugin implements: resources and functions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .changes import Difference
from .errors import Cancelled, PluginError
from .fields import Failure, Fields
from .values import Plain


@dataclass(frozen=True, slots=True)
class Call:
    """One running operation: whom it is about, how to talk, how long it may take."""

    urn: str
    name: str  # of the resource in the program
    timeout: float  # seconds that the user set for this operation, 0 for none
    cancelled: threading.Event
    send: Callable[[str, str, bool], None]  # severity, text, ephemeral
    started: float = field(default_factory=time.monotonic)

    def status(self, text: str) -> None:
        """Show progress: the newest line replaces the one before."""
        self.send("INFO", text, True)

    def info(self, text: str) -> None:
        """Say something that stays on the screen."""
        self.send("INFO", text, False)

    def warn(self, text: str) -> None:
        """Say something that the user should act on."""
        self.send("WARNING", text, False)

    def limit(self, default: float) -> float:
        """Seconds that are left of the user's limit, or of `default` when there is none."""
        return (self.timeout or default) - (time.monotonic() - self.started)

    def sleep(self, seconds: float) -> None:
        """Wait; raises `Cancelled` as soon as the user interrupts, PluginError out of time."""
        if self.timeout and self.limit(0) <= 0:
            raise PluginError(f"not done within the time limit of {self.timeout:.0f} s")
        if self.cancelled.wait(seconds):
            raise Cancelled("interrupted")

    @contextmanager
    def interruptible(self, stop: Callable[[], object]) -> Iterator[None]:
        """Run a block that can't look at `cancelled` itself; `stop` makes it end early.

        `stop` is called until the block has ended: it may have come too early.
        """
        done = threading.Event()

        def watch() -> None:
            while not done.wait(0.2):
                expired = bool(self.timeout) and self.limit(0) <= 0
                if self.cancelled.is_set() or expired:
                    stop()
                    done.wait(1)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        except PluginError:
            self.sleep(0)  # what is stopped from outside fails in its own way
            raise
        finally:
            done.set()
            watcher.join()
        self.sleep(0)  # tells an interrupted block from one that ended by itself


@dataclass(frozen=True, slots=True)
class Made:
    """A created object."""

    id: str
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Live:
    """An object as it was found; `id` may differ from the one asked for."""

    id: str
    outputs: Mapping[str, Any]


class Resource:
    """One resource type. All values are plain; see the package's docstring for the contract."""

    token: ClassVar[str]
    fields: ClassVar[Fields]
    schema_version: ClassVar[int] = 0  # of the official plugin's state
    delete_before_replace: ClassVar[bool] = False
    keeps_inputs: ClassVar[bool] = True  # are inputs part of the outputs?

    def derive(self, inputs: Plain) -> Plain:
        """Inputs completed by what follows from them; offline. Values may be `UNKNOWN`."""
        return inputs

    def validate(self, inputs: Plain) -> Iterable[Failure]:
        """Checks across properties; offline. Values may be `UNKNOWN`."""
        return ()

    def judge(self, old: Plain, new: Plain, differences: list[Difference]) -> list[Difference]:
        """The last word on what differs; offline."""
        return differences

    def overdue(self, state: Plain, new: Plain) -> Iterable[Difference]:
        """What must change although no input does, as time has passed; offline."""
        return ()

    def create(self, call: Call, inputs: Plain) -> Made:
        """Make it."""
        raise NotImplementedError

    def read(self, call: Call, id: str, inputs: Plain, state: Plain) -> Live | None:
        """Find it as it is, None if it is gone. `inputs` and `state` are empty at an import."""
        return Live(id, state)

    def update(self, call: Call, id: str, state: Plain, inputs: Plain) -> Mapping[str, Any]:
        """Change it; the outputs afterwards."""
        return state

    def delete(self, call: Call, id: str, state: Plain) -> None:
        """Remove it and wait until it is gone; succeed if it is gone already."""

    def extra_state(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """More to keep in the state, from sealed inputs."""
        return {}


class Function:
    """One function (data source)."""

    token: ClassVar[str]
    fields: ClassVar[Fields]

    def call(self, call: Call, inputs: Plain) -> Mapping[str, Any]:
        """Look it up."""
        raise NotImplementedError
