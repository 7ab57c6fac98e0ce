"""Which resource plugins the installed SDK packages need."""

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path


def required_plugins() -> Iterator[tuple[str, str]]:
    """Name and version (with a leading v) of each plugin that an installed package names.

    A package says so in its `pulumi-plugin.json`.
    """
    spec = find_spec("pulumi")
    assert spec
    assert spec.origin
    for path in sorted(Path(spec.origin).parent.parent.glob("pulumi_*/pulumi-plugin.json")):
        described = json.loads(path.read_text())
        if described.get("resource"):
            yield described["name"], f"v{described['version']}"
