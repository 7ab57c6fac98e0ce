"""Which resource plugins the installed SDK packages need."""

import json
import sysconfig
from collections.abc import Iterator
from pathlib import Path


def required_plugins() -> Iterator[tuple[str, str]]:
    """Name and version (with a leading v) of each plugin that an installed package names.

    A package says so in its `pulumi-plugin.json`.
    """
    packages = Path(sysconfig.get_path("purelib"))
    for path in sorted(packages.glob("pulumi_*/pulumi-plugin.json")):
        described = json.loads(path.read_text())
        if described.get("resource"):
            yield described["name"], f"v{described['version']}"
