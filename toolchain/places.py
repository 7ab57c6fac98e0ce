"""Folders that the toolchain uses."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCAL = ROOT / ".toolchain"  # this checkout's own: programs and plugins
BIN = LOCAL / "bin"
HOME = LOCAL / "home"  # PULUMI_HOME
AIR_GAPPED = LOCAL / "air-gapped"  # exists where Pulumi was built here
RESULTS = ROOT / "build"


def cache() -> Path:
    """What takes long to make, keyed by its inputs; may be removed at any time."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "studip-cluster"
    return Path(os.environ.get("STUDIP_CACHE") or default)


def state() -> Path:
    """Pulumi's state and its passphrase; whoever removes it loses the platform's passwords."""
    base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state")
    return Path(os.environ.get("STUDIP_STATE") or base / "studip-cluster")
