"""Which engines an environment is on."""

from operations import engine, listening
from operations.engine import Address, Engines
from stacks.settings.models import LOCAL_ENGINE, Settings
from toolchain import places


def engines(environment: str) -> Engines:
    """The engines of all nodes that answer; raises Failure where no manager does."""
    path = places.ROOT / f"Pulumi.{environment}.yaml"
    # Settings take time to be read, which an environment on this machine's engine need not pay.
    if not path.exists() or "studip:nodes" not in path.read_text():
        return engine.alone(engine.connect())
    return of(listening.settings(environment, deployable=False))


def of(settings: Settings) -> Engines:
    """The engines that settings name."""
    if len(settings.nodes) == 1 and settings.nodes[0].engine == LOCAL_ENGINE:
        return engine.alone(engine.connect())
    return engine.of_nodes(addresses(settings))


def addresses(settings: Settings) -> dict[str, Address]:
    """How each node's engine is reached."""
    return {node.name: Address(node.engine, node.certificates) for node in settings.nodes}
