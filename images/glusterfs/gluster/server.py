"""A member: starts glusterd, joins or makes the volume, takes an empty disk back in, and watches.

Members know each other from the start: identities come from names, so nobody is probed, and a
member that lost all its disks is the same member again. The first one creates the volume, once
all of them are connected and none of them knows one.
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from storage import status
from storage.role import ends_with_signals
from storage.status import log

from . import volume
from .commands import CommandError, Heals, gluster, peers, volumes
from .settings import ServerSettings, has_certificate
from .volume import BRICK, STATE, Volume

TEMPLATES = Path("/etc/studip/glusterfs")
CONFIGURATION = Path("/etc/glusterfs/glusterd.vol")
LOGS = Path("/var/log/glusterfs")
OWN_DISK = STATE / "brick-on-its-own-disk"
OP_VERSION = 100000  # of a storage that is made today; members raise it themselves later

GRACE = 15.0  # s without a volume until a member counts as well: somebody has to be the first
LOOK = 2.0  # s between two looks, as long as there is something to do
CALM = 5.0  # s between two looks, when there is not
HEALS = 60.0  # s between two looks at what is to be healed, where nothing is expected
PATIENCE = 10.0  # s until an action that did not help is tried again
FORMING = 30.0  # s that a creation may take
LOG_SIZE = 8 * 1024 * 1024  # bytes


class Refused(Exception):
    """Going on could destroy data; its text says what an operator must do."""


class Server:
    """The supervisor of one member."""

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.stop = threading.Event()
        self.started = time.monotonic()
        self.daemon: subprocess.Popen[bytes] | None = None
        self.knew_volume = False  # when glusterd was started
        self.joined = False  # this run has seen nothing left to heal
        self.marked: float | None = None  # since when an empty brick belongs to an unknown volume
        self.heals: Heals | None = None
        self.limited: set[str] = set()  # folders whose quota this run has set
        self._due: dict[str, float] = {}

    def run(self) -> int:
        """Until SIGTERM."""
        self._prepare()
        self._start()
        while not self.stop.wait(CALM if self.joined else LOOK):
            self._look()
        self._end()
        return 0

    # --- before and after ------------------------------------------------------------------------

    def _prepare(self) -> None:
        settings = self.settings
        (STATE / "peers").mkdir(parents=True, exist_ok=True)
        own = STATE / "glusterd.info"
        if not own.exists():
            identity = settings.identity(settings.member)
            own.write_text(f"UUID={identity}\noperating-version={OP_VERSION}\n")
        for member in settings.others:
            peer = STATE / "peers" / settings.identity(member)
            if not peer.exists():
                # 3: befriended. Said by both sides, it needs no probe.
                peer.write_text(f"uuid={peer.name}\nstate=3\nhostname1={member}\n")
        secure = STATE / "secure-access"
        if has_certificate():
            secure.touch()
        else:
            secure.unlink(missing_ok=True)
        CONFIGURATION.write_text(self._filled("glusterd.vol"))
        LOGS.mkdir(parents=True, exist_ok=True)

    def _filled(self, template: str) -> str:
        settings = self.settings
        text = (TEMPLATES / template).read_text()
        for name, value in {
            "MEMBER": settings.member,
            "PING_TIMEOUT": str(settings.ping_timeout),
            "SPLIT_BRAIN": settings.split_brain,
            "ALLOW": ",".join(settings.allow),
            "SSL": "on" if has_certificate() else "off",
            "SSL_ALLOW": settings.common_name or "*",
        }.items():
            text = text.replace(f"@{name}@", value)
        return text

    def _start(self) -> None:
        self.knew_volume = Volume.read(self.settings.volume) is not None
        command = ["glusterd", "--no-daemon", "--log-level=WARNING", "--log-file=/dev/stderr"]
        self.daemon = subprocess.Popen(command)

    def _end(self) -> None:
        """Bricks first: clients must see them go, not miss them."""
        if pid := volume.brick_process(self.settings.volume, self.settings.member):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        self._end_daemon()

    def _end_daemon(self) -> None:
        assert self.daemon is not None
        self.daemon.terminate()
        try:
            self.daemon.wait(5)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()

    # --- one look --------------------------------------------------------------------------------

    def _look(self) -> None:
        assert self.daemon is not None
        if self.daemon.poll() is not None:
            log(
                f"glusterd ended with {self.daemon.returncode}; its bricks go on, starting it again"
            )
            self._start()
        connected: dict[str, bool] = {}
        try:
            connected = peers()
            state, reason = self._act(connected)
        except CommandError as error:
            state, reason = "joining" if self._volume() else "waiting", str(error)
        except Refused as error:
            state, reason = "refused", str(error)
        grace = time.monotonic() - self.started < GRACE
        status.write(
            {
                "member": self.settings.member,
                "state": state,
                "reason": reason,
                "healthy": state == "serving" or (state == "waiting" and not grace),
                "peers": connected,
                "owed": volume.owed(),
                "pending": self.heals.pending if self.heals else None,
                "split_brain": self.heals.split_brain if self.heals else None,
            }
        )
        self._trim_logs()

    def _act(self, connected: dict[str, bool]) -> tuple[str, str]:
        """Do what brings this member further: its state and why."""
        known = self._volume()
        missing = [member for member, here in connected.items() if not here]
        if known is None:
            return "waiting", self._form(missing)
        if self.settings.is_first:
            self._settle(known)
        if not known.started:
            return "waiting", "the volume is not started yet"
        if volume.brick_id() != known.id:
            return "joining", self._take_in(known, missing)
        self._remember_disk()
        if volume.brick_process(self.settings.volume, self.settings.member) is None:
            return self._wake_brick(missing)
        return self._watch_heals()

    def _volume(self) -> Volume | None:
        return Volume.read(self.settings.volume)

    def _form(self, missing: list[str]) -> str:
        """Create the volume if that is this member's part: what is waited for."""
        if not volume.DISK.is_mount():
            raise Refused(f"{volume.DISK} is not a disk or volume of its own")
        BRICK.mkdir(exist_ok=True)
        if volume.brick_holds_data():
            raise Refused(
                f"{BRICK} holds data, but no member knows the volume: see docs/storage.md, "
                "All states lost"
            )
        if volume.brick_id() is None:
            self.marked = None
        elif self.marked is None:
            self.marked = time.monotonic()
        elif time.monotonic() > self.marked + FORMING:
            volume.forget_brick_id()  # a creation that failed has left it
        if missing:
            return f"not connected: {', '.join(missing)}"
        if not self.settings.is_first:
            return f"{self.settings.members[0]} creates the volume"
        for member in self.settings.others:
            if known := volumes(member):
                return f"{member} knows {', '.join(known)}"
        self._create()
        return "created"

    def _create(self) -> None:
        settings = self.settings
        kind = ["replica", "2", "arbiter", "1"] if settings.arbiter else ["replica", "3"]
        bricks = [f"{member}:{BRICK}" for member in settings.members]
        gluster("volume", "create", settings.volume, *kind, *bricks)
        log(f"created the volume {settings.volume}: {' '.join(kind)}")

    def _settle(self, known: Volume) -> None:
        """Options, start, quotas: whatever is not yet as the settings say."""
        name = self.settings.volume
        lines = [line.split() for line in self._filled("volume.options").splitlines()]
        wanted = {line[0]: line[1] for line in lines if line and line[0] != "#"}
        changed = [
            (option, value)
            for option, value in wanted.items()
            if known.settings.get(option) != value
        ]
        if changed:
            gluster("volume", "set", name, *(word for pair in changed for word in pair))
            log(f"set {', '.join(f'{option} {value}' for option, value in changed)}")
        if not known.started:
            gluster("volume", "start", name)
            log(f"started the volume {name}")
            return
        for folder, limit in self.settings.quotas.items():
            if folder in self.limited or not (BRICK / folder).is_dir():
                continue
            if known.settings.get("features.quota") != "on":
                gluster("volume", "quota", name, "enable")
            gluster("volume", "quota", name, "limit-usage", f"/{folder}", limit)
            self.limited.add(folder)
            log(f"{folder} may hold {limit}")

    def _take_in(self, known: Volume, missing: list[str]) -> str:
        """Put an empty disk into the place of the one that was lost."""
        name, member = self.settings.volume, self.settings.member
        BRICK.mkdir(exist_ok=True)
        if found := volume.brick_id():
            raise Refused(f"{BRICK} belongs to another volume ({found}, this one is {known.id})")
        if volume.brick_holds_data():
            raise Refused(f"{BRICK} holds data of no volume; empty it or mount the right disk")
        if OWN_DISK.exists() and not volume.is_on_own_disk():
            raise Refused(
                f"the brick's disk is not mounted; for a member without one of its own remove "
                f"{OWN_DISK}"
            )
        if len(missing) > 1:
            return "no other member is connected"
        if not self.knew_volume:
            # glusterd counts a brick as its own only if it has read it from its own disk.
            self._end_daemon()
            self._start()
            return "learned of the volume"
        if self._is_due("reset"):
            brick = f"{name}", f"{member}:{BRICK}"
            gluster("volume", "reset-brick", *brick, "start")
            gluster("volume", "reset-brick", *brick, brick[1], "commit", "force")
            log("took an empty disk in; the others fill it")
        return "an empty disk comes in"

    def _wake_brick(self, missing: list[str]) -> tuple[str, str]:
        self.joined = False
        if len(missing) > 1:
            return "joining", "no quorum: no other member is connected, nobody may write"
        if self._is_due("wake"):
            gluster("volume", "start", self.settings.volume, "force")
            log("the brick was down; it was started again")
        return "joining", "the brick is down"

    def _watch_heals(self) -> tuple[str, str]:
        calm = self.joined and not volume.owed() and not (self.heals and self.heals.owing)
        if self._is_due("heals", HEALS if calm else PATIENCE if self.joined else LOOK):
            heals = Heals.read(self.settings.volume)
            self.heals = heals
            if not heals.pending and self.settings.member in heals.connected:
                self.joined = True
        if self.joined:
            return "serving", ""
        pending = self.heals.pending if self.heals else "some"
        return "joining", f"{pending} entries to heal"

    def _remember_disk(self) -> None:
        if volume.is_on_own_disk():
            OWN_DISK.touch()

    def _is_due(self, what: str, seconds: float = PATIENCE) -> bool:
        """Whether something may be done now: not again within `seconds`."""
        now = time.monotonic()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + seconds
        return True

    def _trim_logs(self) -> None:
        """Bricks write files, which nobody else rotates."""
        for file in LOGS.rglob("*.log"):
            if file.stat().st_size > LOG_SIZE:
                os.truncate(file, 0)


def run(settings: ServerSettings) -> int:
    """Be a member until SIGTERM: the exit code."""
    server = Server(settings)
    ends_with_signals(server.stop)
    return server.run()
