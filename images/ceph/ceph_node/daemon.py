"""The supervisor of a daemon: makes its data, starts it, watches it, and starts it again."""

import subprocess
import threading
from abc import ABC, abstractmethod
from pathlib import Path

from storage import status
from storage.role import ends_with_signals
from storage.status import log

from .commands import SOCKET, CommandError
from .settings import Settings

TEMPLATES = Path("/etc/studip/ceph")
CONFIGURATION = Path("/etc/ceph/ceph.conf")
KEYRING = Path("/etc/studip/key/keyring")  # what the platform lets this daemon show
DATA = Path("/var/lib/ceph")

LOOK = 1.0  # s between two looks, until it is well
CALM = 5.0  # s between two looks afterwards
END = 10.0  # s that a daemon may take to end


class Refused(Exception):
    """Going on could destroy data; its text says what an operator must do."""


class Daemon(ABC):
    """What kinds of daemons differ in."""

    kind: str  # mon, mgr, osd or mds

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @property
    def id(self) -> str:
        """What it is called among those of its kind."""
        return self.settings.member

    @property
    def entity(self) -> str:
        """What it is called in the cluster."""
        return f"{self.kind}.{self.id}"

    @property
    def command(self) -> list[str]:
        """How it is started."""
        return [f"ceph-{self.kind}", "--foreground", "--id", self.id]

    def prepare(self) -> None:  # noqa: B027, most have nothing to make
        """Make its data, where there is none; CommandError: not yet, Refused: not like this."""

    @abstractmethod
    def look(self) -> tuple[str, str]:
        """Its state, `serving` when it is well, and what it waits for."""


def configure(template: str, filled: dict[str, str]) -> None:
    """Write the configuration."""
    text = (TEMPLATES / template).read_text()
    for name, value in filled.items():
        text = text.replace(f"@{name}@", value)
    CONFIGURATION.parent.mkdir(exist_ok=True)
    CONFIGURATION.write_text(text)


class Supervisor:
    """Keeps one daemon running."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.stop = threading.Event()
        self.process: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        """Until SIGTERM."""
        configure("daemon.conf", dict(self.daemon.settings.filled))
        state = ""
        while not self.stop.is_set():
            state, reason = self._look()
            status.write(
                {
                    "member": self.daemon.settings.member,
                    "daemon": self.daemon.entity,
                    "state": state,
                    "reason": reason,
                    "healthy": state == "serving",
                }
            )
            self.stop.wait(CALM if state == "serving" else LOOK)
        self._end()
        return 0

    def _look(self) -> tuple[str, str]:
        try:
            if self.process is None or self.process.poll() is not None:
                if self.process is not None:
                    log(f"{self.daemon.entity} ended with {self.process.returncode}")
                self.daemon.prepare()
                SOCKET.unlink(missing_ok=True)
                self.process = subprocess.Popen(self.daemon.command)
                return "starting", ""
            return self.daemon.look()
        except CommandError as error:
            return "joining" if self.process else "waiting", str(error)
        except Refused as error:
            return "refused", str(error)

    def _end(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(END)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def run(daemon: Daemon) -> int:
    """Keep a daemon running until SIGTERM: the exit code."""
    supervisor = Supervisor(daemon)
    ends_with_signals(supervisor.stop)
    return supervisor.run()
