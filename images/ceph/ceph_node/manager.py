"""A manager: keeps count of what the stores hold. One is active, the others wait."""

from .commands import ask, ceph
from .daemon import Daemon
from .settings import Settings


class Manager(Daemon):
    """Without one, nobody knows what is still to be copied; data is served all the same."""

    kind = "mgr"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.known = False  # the monitors have counted this run

    def prepare(self) -> None:
        self.known = False

    def look(self) -> tuple[str, str]:
        if self.known:
            ask("version")  # it answers
            return "serving", ""
        counted = ceph(self.entity, "mgr", "dump")
        names = [counted["active_name"], *(one["name"] for one in counted["standbys"])]
        self.known = self.id in names
        return ("serving", "") if self.known else ("joining", "the monitors don't know it")
