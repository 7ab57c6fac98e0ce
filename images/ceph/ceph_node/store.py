"""An object store (OSD) in a file of the member's disk or volume; one copy of everything."""

from pathlib import Path

from .commands import ask, ceph, run
from .daemon import DATA, Daemon, Refused
from .settings import Settings

DISK = Path("/store")  # a disk or volume of its own
BLOCK = DISK / "block"
READY = DISK / "ready"  # Ceph writes it when the store was made as a whole
JOINED = DISK / "was-up"
OWN_DISK = DATA / "store-on-its-own-disk"


class Store(Daemon):
    """Healthy once every copy is where it belongs, so that members are replaced one by one."""

    kind = "osd"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.whole = False  # this run has seen everything in its place

    @property
    def id(self) -> str:
        return str(self.settings.number)

    @property
    def command(self) -> list[str]:
        return [*super().command, "--osd-data", str(DISK)]

    def prepare(self) -> None:
        """An empty store, where there is none; the others fill it."""
        self.whole = False
        if not DISK.is_mount():
            raise Refused(f"{DISK} is not a disk or volume of its own")
        known = self._known()
        if READY.exists():
            if JOINED.exists() and not known:
                raise Refused(
                    f"{DISK} holds data of a cluster that the monitors don't know: see "
                    "docs/storage.md, All monitors lost"
                )
            return
        if OWN_DISK.exists() and not _is_on_own_disk():
            raise Refused(
                f"the store's disk is not mounted; for a member without one of its own remove "
                f"{OWN_DISK}"
            )
        for file in DISK.iterdir():  # of a making that was interrupted
            if file.is_file() or file.is_symlink():
                file.unlink()
        run(
            [
                *("ceph-osd", "--mkfs", "--id", self.id, "--osd-data", str(DISK)),
                *("--osd-uuid", self.settings.identity(f"store.{self.settings.member}")),
                *("--bluestore-block-size", str(self.settings.size * 1024**3)),
            ],
            timeout=120,
        )
        if _is_on_own_disk():
            OWN_DISK.touch()

    def look(self) -> tuple[str, str]:
        state = ask("status")["state"]
        if state != "active":
            return "joining", state
        JOINED.touch()
        if not self.whole:
            waits = self._waits()
            if waits:
                return "joining", waits
            self.whole = True
        return "serving", ""

    def _stores(self) -> dict[int, dict[str, int]]:
        found = ceph(self.entity, "osd", "dump")["osds"]
        return {one["osd"]: one for one in found}

    def _known(self) -> bool:
        """Whether this store was ever up, as the monitors know it."""
        return self._stores().get(self.settings.number, {}).get("up_from", 0) > 0

    def _waits(self) -> str:
        """What is not in its place yet; empty where the cluster is being made."""
        ever_up = sum(one["up_from"] > 0 for one in self._stores().values())
        if ever_up < len(self.settings.members):
            return ""
        counted = ceph(self.entity, "pg", "stat")["pg_summary"]
        clean = sum(
            one["num"] for one in counted["num_pg_by_state"] if one["name"] == "active+clean"
        )
        if not counted["num_pgs"]:
            return "no manager has counted the placement groups yet"
        left = counted["num_pgs"] - clean
        return f"{left} placement groups are not whole" if left else ""


def _is_on_own_disk() -> bool:
    """Whether the store and the member's state lie on different file systems."""
    return DISK.stat().st_dev != DATA.stat().st_dev
