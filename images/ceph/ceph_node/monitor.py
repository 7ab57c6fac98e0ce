"""A monitor. All start from the same map, so that most of them are a quorum; nobody is first.

The first member's monitor also registers the stores and makes the file system, once.
"""

from .commands import CommandError, ask, ceph, run
from .daemon import DATA, KEYRING, Daemon
from .settings import PORT, Settings

MAP = DATA / "first.map"
STORE = DATA / "mon"
MADE = STORE / "store.db"
SEEN = DATA / "was-in-a-quorum"  # a monitor that was in one is well in one only
ADMIN = "client.admin"
FILESYSTEM = "shared"
POOLS = {"shared-metadata": 16, "shared-data": 32}  # placement groups; for a few stores


class Monitor(Daemon):
    """Keeps the maps of the cluster, with the other two."""

    kind = "mon"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.settled = False  # this run has seen stores and file system

    @property
    def command(self) -> list[str]:
        return [*super().command, "--mon-data", str(STORE)]

    def prepare(self) -> None:
        """An empty monitor: it takes over what the others know, if they know anything."""
        if MADE.exists():
            return
        SEEN.unlink(missing_ok=True)
        STORE.mkdir(exist_ok=True)
        every = zip(self.settings.members, self.settings.addresses, strict=True)
        members = [word for name, at in every for word in ("--addv", name, f"[v2:{at}:{PORT}]")]
        fsid = self.settings.identity("cluster")
        run(["monmaptool", "--create", "--clobber", "--fsid", fsid, *members, str(MAP)])
        run(
            [
                *("ceph-mon", "--mkfs", "--id", self.id, "--mon-data", str(STORE)),
                *("--monmap", str(MAP), "--keyring", str(KEYRING)),
            ],
            timeout=60,
        )

    def look(self) -> tuple[str, str]:
        state = ask("mon_status")["state"]
        if state not in ("leader", "peon"):
            return ("joining" if SEEN.exists() else "serving"), f"{state}: no quorum"
        SEEN.touch()
        if self.settings.is_first and not self.settled:
            self._settle()
            self.settled = True
        return "serving", ""

    def _settle(self) -> None:
        """Stores get their numbers and the file system is made; what is there stays."""
        # It would make a pool for the disks' own reports, which these stores don't give.
        # Forced: the option is a manager's, and managers come later.
        option = "mgr/devicehealth/enable_monitoring"
        ceph(ADMIN, "config", "set", "mgr", option, "false", "--force")
        for number, member in enumerate(self.settings.members):
            given = ceph(ADMIN, "osd", "new", self.settings.identity(f"store.{member}"))
            if given["osdid"] != number:
                raise CommandError(f"the store of {member} is number {given['osdid']}")
        pools = ceph(ADMIN, "osd", "pool", "ls")
        for pool, groups in POOLS.items():
            if pool not in pools:
                ceph(ADMIN, "osd", "pool", "create", pool, str(groups), str(groups), "replicated")
        if not any(one["name"] == FILESYSTEM for one in ceph(ADMIN, "fs", "ls")):
            ceph(ADMIN, "fs", "new", FILESYSTEM, *POOLS)
            ceph(ADMIN, "fs", "set", FILESYSTEM, "allow_standby_replay", "true")
