"""The package registries and proxies that this machine uses, for builds of images.

Nothing of it is written into a file of the project: whoever builds elsewhere uses other ones.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from shutil import which
from typing import Any

# What BuildKit takes without a declaration in the Dockerfile, and keeps out of the image.
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY")
PATIENCE = 20  # s that npm gets for its answer


def proxies() -> dict[str, str]:
    """Build arguments of every image: the proxies of the environment, upper or lower case."""
    found = {name: os.environ.get(name) or os.environ.get(name.lower()) for name in PROXIES}
    return {name: value for name, value in found.items() if value}


def registries() -> dict[str, str]:
    """Build arguments of Stud.IP, NPM_REGISTRY and COMPOSER_REGISTRY: what the machine says."""
    found = {"NPM_REGISTRY": _npm(), "COMPOSER_REGISTRY": _composer()}
    return {name: value for name, value in found.items() if value}


def _npm() -> str | None:
    """npm's own answer, or its variable where there is no npm."""
    variable = "npm_config_registry"  # in either case
    said = os.environ.get(variable) or os.environ.get(variable.upper())
    if said or which("npm") is None:
        return said
    try:
        asked = ["npm", "config", "get", "registry"]
        done = subprocess.run(
            asked, cwd="/", capture_output=True, text=True, check=False, timeout=PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _composer() -> str | None:
    """The first Composer repository of the user's configuration; no Composer is needed."""
    for folder in _composer_homes():
        try:
            read = json.loads((folder / "config.json").read_text())
        except (OSError, ValueError):
            continue
        repositories: Any = read.get("repositories") if isinstance(read, dict) else None
        for repository in _values(repositories):
            if isinstance(repository, Mapping) and repository.get("type") == "composer":
                return str(repository.get("url", ""))
    return None


def _composer_homes() -> list[Path]:
    if home := os.environ.get("COMPOSER_HOME"):
        return [Path(home)]
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return [config / "composer", Path.home() / ".composer"]


def _values(repositories: Any) -> list[Any]:
    """Composer writes them as an object or as a list."""
    if isinstance(repositories, Mapping):
        return list(repositories.values())
    return repositories if isinstance(repositories, list) else []
