"""What a role's supervisor knows, in files; health checks and operators read them."""

import json
import sys
import time
from pathlib import Path
from typing import Any

FILE = Path("/run/studip/status.json")
HEALTHY = Path("/run/studip/healthy")  # touched while the role is well; its age tells a hung one


def log(text: str) -> None:
    """One line for the container's log."""
    print(f"storage: {text}", file=sys.stderr, flush=True)


def write(known: dict[str, Any]) -> None:
    """Replace the file; logs what is new about the state and what operators must know."""
    before = _read()
    said = ("state", "reason", "peers", "split_brain")
    if any(before.get(key) != known.get(key) for key in said):
        log(" ".join(f"{key}={json.dumps(known.get(key))}" for key in said if known.get(key)))
    FILE.parent.mkdir(parents=True, exist_ok=True)
    new = FILE.with_suffix(".new")
    new.write_text(json.dumps({**known, "time": round(time.time(), 1)}) + "\n")
    new.replace(FILE)
    if known.get("healthy"):
        HEALTHY.touch()
    else:
        HEALTHY.unlink(missing_ok=True)


def _read() -> dict[str, Any]:
    try:
        found = json.loads(FILE.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
