"""The volume as this member has it on its disks, read without asking anybody."""

import os
from dataclasses import dataclass
from pathlib import Path

STATE = Path("/var/lib/glusterd")
DISK = Path("/bricks")
BRICK = DISK / "brick"  # below the mount: an empty mount point is no brick
INDEX = BRICK / ".glusterfs"
RUN = Path("/var/run/gluster")
VOLUME_ID = "trusted.glusterfs.volume-id"


@dataclass(frozen=True)
class Volume:
    """What the members have agreed on."""

    id: str  # UUID without dashes
    started: bool
    settings: dict[str, str]  # options among them

    @classmethod
    def read(cls, name: str) -> "Volume | None":
        """None as long as this member knows no such volume."""
        try:
            lines = (STATE / "vols" / name / "info").read_text().splitlines()
        except FileNotFoundError:
            return None
        found = dict(line.split("=", 1) for line in lines if "=" in line)
        if "volume-id" not in found:
            return None  # being written
        return cls(
            id=found["volume-id"].replace("-", ""),
            started=found.get("status") == "1",
            settings=found,
        )


def brick_id() -> str | None:
    """UUID of the volume that the brick belongs to, None if to none."""
    try:
        return os.getxattr(BRICK, VOLUME_ID).hex()
    except OSError:
        return None


def brick_holds_data() -> bool:
    """Whether anything lies on the brick; the empty index of a creation that failed is nothing."""
    if not BRICK.exists():
        return False
    return any(entry != INDEX or any(INDEX.iterdir()) for entry in BRICK.iterdir())


def forget_brick_id() -> None:
    """Make an empty brick nobody's again."""
    os.removexattr(BRICK, VOLUME_ID)
    if INDEX.exists():
        INDEX.rmdir()


def brick_process(volume: str, member: str) -> int | None:
    """Process id of the running brick."""
    name = f"{member}{BRICK}".replace("/", "-")
    try:
        pid = int((RUN / "vols" / volume / f"{name}.pid").read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if words[0].endswith(b"glusterfsd") else None


def owed() -> int:
    """Entries that other members have not got from this one yet."""
    pending = INDEX / "indices/xattrop"
    if not pending.exists():
        return 0
    return sum(not entry.name.startswith("xattrop-") for entry in pending.iterdir())


def is_on_own_disk() -> bool:
    """Whether brick and state lie on different file systems."""
    return DISK.stat().st_dev != STATE.stat().st_dev
