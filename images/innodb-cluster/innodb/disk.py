"""What a data directory says before a server runs on it, and whose it is."""

import re
from pathlib import Path

from member.files import write_durably
from member.report import State

# InnoDB's own marks in `#clone`: data of a donor have come in part, or failed to.
INTERRUPTED = ("#status_in_progress", "#status_error")


def held(data: Path) -> State:
    """`empty`, `broken`, or `waiting` where only the server can tell more."""
    if not data.is_dir() or not any(data.iterdir()):
        return "empty"
    whole = (data / "mysql.ibd").is_file() and (data / "ibdata1").is_file()
    if not whole or any((data / "#clone" / name).exists() for name in INTERRUPTED):
        return "broken"
    return "waiting"


def cluster(path: Path) -> str:
    """The UUID of the group that the data belong to; empty where there is none."""
    try:
        text = path.read_text().strip()
    except FileNotFoundError:
        return ""
    return text if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) else ""


def belong(path: Path, uuid: str) -> None:
    """Write down whose the data are, before there are any."""
    write_durably(path, f"{uuid}\n")
