"""Which environments this checkout has."""

from toolchain import places
from toolchain.failure import Failure


def environments() -> list[str]:
    """Names of all environments, one for each `Pulumi.<environment>.yaml`."""
    return sorted(path.name.split(".")[1] for path in places.ROOT.glob("Pulumi.*.yaml"))


def require_environment(name: str) -> None:
    """Raise Failure where there is no settings file of this environment."""
    known = environments()
    if name not in known:
        raise Failure(
            f"there is no Pulumi.{name}.yaml, so no environment {name!r}; "
            f"environments: {', '.join(known) or 'none'}"
        )
