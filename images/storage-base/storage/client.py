"""A node's mount: mounts the storage below /node, where the node sees it, and keeps it there."""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import status
from .role import ends_with_signals
from .status import log

MOUNT = Path("/node/shared")  # /node is shared with the node: what is mounted below it shows there
MARK = Path("/node/mounted")  # the node's boot in which something was mounted
BOOT = Path("/proc/sys/kernel/random/boot_id")
LOOK = 2.0  # s between two looks
SETTLE = 30.0  # s in which containers that have an older mount are replaced; then others may follow
ANSWER = 20.0  # s a look may take; longer than a member is waited for
PATIENCE = 10.0  # s until a mount that never served is made anew: the volume's options may be newer
SHUT_OUT = "the servers shut this mount out"  # only a new one comes back


@dataclass(frozen=True)
class Mount:
    """What is mounted."""

    command: Sequence[str]  # mounts at MOUNT, and stays until it is unmounted
    folders: Mapping[str, str]  # what services will ask for: uid of the owner
    # Extended attributes of folders, by folder and name.
    attributes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    patience: float = PATIENCE
    # Whether the servers gave this mount up, which asking it for what it knows does not tell.
    shut_out: Callable[[], bool] = lambda: False


class Client:
    """The supervisor of one mount."""

    def __init__(self, mount: Mount) -> None:
        self.mount = mount
        self.stop = threading.Event()
        self.daemon: subprocess.Popen[bytes] | None = None
        self.mounted = 0.0  # when its program was started
        self.asking: subprocess.Popen[str] | None = None  # whether this mount serves
        self.prepared = False  # this mount has served, and has all folders
        self.settled: float | None = None  # when this run's first mount counts as well

    def run(self) -> int:
        """Until SIGTERM."""
        while not self.stop.is_set():
            self._look()
            self.stop.wait(LOOK if self.prepared else LOOK / 4)
        self._unmount()
        return 0

    def _look(self) -> None:
        state, reason = "mounting", ""
        if self.daemon is None or self.daemon.poll() is not None:
            if self.daemon is not None:
                program = self.mount.command[0]
                log(f"{program} ended with {self.daemon.returncode}; mounting again")
            self._unmount()
            self._mount()
        elif reason := self._probe():
            state = "hanging" if self.prepared else "mounting"
            impatient = not self.prepared and time.monotonic() > self.mounted + self.mount.patience
            if impatient or reason == SHUT_OUT:
                self._unmount()
        else:
            if not self.prepared:
                self._prepare()
            state = "mounted" if self.prepared else "mounting"
            if self.settled is not None and time.monotonic() < self.settled:
                reason = "containers that had an older mount are being replaced"
        status.write(
            {"state": state, "reason": reason, "healthy": state == "mounted" and not reason}
        )

    def _mount(self) -> None:
        self.prepared, self.asking, self.mounted = False, None, time.monotonic()
        MOUNT.mkdir(exist_ok=True)
        # Whoever finds the folder while nothing is mounted must not write into it.
        MOUNT.chmod(0)
        self.daemon = subprocess.Popen(self.mount.command)

    def _probe(self) -> str:
        """Why the mount does not serve; empty when it does.

        Who asks a mount that hangs can't be killed: it is left behind, and not asked again before
        it has got its answer.
        """
        if self.asking is None:
            command = ["stat", "--file-system", "--format=%T", str(MOUNT)]
            self.asking = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        try:
            output, error = self.asking.communicate(timeout=ANSWER)
        except subprocess.TimeoutExpired:
            return f"no answer within {ANSWER:.0f} s"
        failed, self.asking = self.asking.returncode != 0, None
        if failed:
            return error.strip()
        if not output.startswith("fuse"):
            return "not mounted yet"
        return SHUT_OUT if self.mount.shut_out() else ""

    def _prepare(self) -> None:
        """Make the folders that services will ask for."""
        for name, uid in self.mount.folders.items():
            folder, owner = MOUNT / name, int(uid)
            try:
                folder.mkdir(exist_ok=True)
                if folder.stat().st_uid != owner:
                    os.chown(folder, owner, owner)
                    folder.chmod(0o750)
                for attribute, wanted in self.mount.attributes.get(name, {}).items():
                    os.setxattr(folder, attribute, wanted.encode())
            except OSError as error:
                log(f"{name}: {error.strerror}; trying again")
                return
        self.prepared = True
        if self.settled is None:
            boot = BOOT.read_text()
            again = MARK.exists() and MARK.read_text() == boot
            MARK.write_text(boot)
            self.settled = time.monotonic() + (SETTLE if again else 0.0)

    def _unmount(self) -> None:
        """Also what a killed run has left; whoever has files open keeps the dead mount."""
        if self.daemon is not None and self.daemon.poll() is None:
            subprocess.run(["umount", "--lazy", str(MOUNT)], capture_output=True)
            self.daemon.terminate()
            try:
                self.daemon.wait(5)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
        while subprocess.run(["umount", "--lazy", str(MOUNT)], capture_output=True).returncode == 0:
            time.sleep(0.05)


def run(mount: Mount) -> int:
    """Keep the mount until SIGTERM: the exit code."""
    client = Client(mount)
    ends_with_signals(client.stop)
    return client.run()
