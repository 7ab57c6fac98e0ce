"""A metadata server: folders, names and who has which file open. One serves, one follows it."""

from .commands import ask
from .daemon import Daemon

WELL = ("up:active", "up:standby", "up:standby-replay")


class Metadata(Daemon):
    """It keeps nothing itself: everything is in the stores."""

    kind = "mds"

    def look(self) -> tuple[str, str]:
        state = ask("status")["state"]
        return ("serving" if state in WELL else "joining"), state
