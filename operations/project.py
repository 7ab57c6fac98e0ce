"""Which environments this checkout has."""

from pathlib import Path

from toolchain.failure import Failure
from toolchain.places import ROOT


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
