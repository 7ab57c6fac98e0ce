"""Where things lie in this checkout, and which environments it has."""

import os
from pathlib import Path

from operations.failure import Failure

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"


def environments(root: Path = ROOT) -> list[str]:
    """Names of all environments, one for each `Pulumi.<environment>.yaml`."""
    return sorted(path.name.split(".")[1] for path in root.glob("Pulumi.*.yaml"))


def require_environment(name: str, root: Path = ROOT) -> str:
    """`name`, when there is a settings file for it; raises Failure otherwise."""
    known = environments(root)
    if name in known:
        return name
    raise Failure(
        f"there is no Pulumi.{name}.yaml, so no environment {name!r}; "
        f"environments: {', '.join(known) or 'none'}"
    )


def cache_folder() -> Path:
    """Folder outside the checkout for what can be made again at any time."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("STUDIP_CACHE") or Path(base) / "studip-cluster")


def state_folder() -> Path:
    """Folder outside the checkout for what must not be lost: Pulumi's state and its passphrase."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(os.environ.get("STUDIP_STATE") or Path(base) / "studip-cluster")
