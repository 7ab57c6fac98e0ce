"""An environment's resources, as its state has them, written down literally. Run by Pulumi.

What the same resources take without settings, components or policies: each input is a plain value,
so nothing waits for anything else.
"""

import json
import os
from pathlib import Path
from typing import Any

import pulumi
import pulumi_docker as docker
import pydantic
from pulumi import ComponentResource, CustomResource, Output, ProviderResource, ResourceOptions

__all__ = ["docker", "pydantic"]

ADDED = ("__defaults", "contextDigest")  # by Pulumi and by the plugin
SECRET = "4dabf18193072939515e22adb298388d"  # marks a wrapped value in Pulumi's states


def value(stored: Any) -> Any:
    """An input as a program says it."""
    if isinstance(stored, list):
        return [value(one) for one in stored]
    if isinstance(stored, dict):
        if SECRET in stored:
            return Output.secret(json.loads(stored["plaintext"]))
        return {key: value(one) for key, one in stored.items() if key not in ADDED}
    return stored


made: dict[str, pulumi.Resource] = {}
for one in json.loads(Path(os.environ["BENCH_STATE"]).read_text())["deployment"]["resources"]:
    urn, kind = one["urn"], one["type"]
    package, name = kind.partition(":")[0], urn.rpartition("::")[2]
    provider = made.get(one.get("provider", "").rpartition("::")[0])
    options = ResourceOptions(
        parent=made.get(one.get("parent", "")),
        provider=provider if isinstance(provider, ProviderResource) else None,
        depends_on=[made[other] for other in one.get("dependencies", ()) if other in made],
    )
    inputs = value(one.get("inputs", {}))
    if kind == "pulumi:pulumi:Stack" or name.startswith("default_"):
        continue  # Pulumi's own
    if package == "pulumi":
        made[urn] = ProviderResource(kind.rpartition(":")[2], name, inputs, options)
    elif one["custom"]:
        options.version = os.environ[f"BENCH_{package.upper()}"]
        made[urn] = CustomResource(kind, name, inputs, options)
    else:
        made[urn] = ComponentResource(kind, name, inputs, options)
