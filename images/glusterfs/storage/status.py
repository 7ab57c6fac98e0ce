"""What a role's supervisor knows, in a file; health checks and operators read it."""

import json
import sys
import time
from pathlib import Path
from typing import Any

FILE = Path("/run/studip/status.json")
STALE = 30.0  # s without news until a supervisor counts as hung


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


def _read() -> dict[str, Any]:
    try:
        found = json.loads(FILE.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def health() -> int:
    """0 if the role is well; says why where not."""
    known = _read()
    late = time.time() - known.get("time", 0)
    if late > STALE:
        print(f"no news for {late:.0f} s" if known else "not started yet")
        return 1
    if not known.get("healthy"):
        print(f"{known.get('state')}: {known.get('reason') or 'not ready'}")
        return 1
    return 0
