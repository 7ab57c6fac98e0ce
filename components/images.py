"""Images: built from a folder of images/, published, and referenced by digest."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pulumi import Input

from components.node import Node
from components.registry import RegistryEndpoint


@dataclass(frozen=True, kw_only=True)
class ImageArgs:
    """One image of one recipe."""

    repository: str  # `studip/web`, without registry and tag
    context: Path  # folder that is sent to the builder
    dockerfile: Path
    target: str | None = None  # stage to build; none: the last one
    build_args: Mapping[str, Input[str]] = field(default_factory=dict)  # passed through
    registry: RegistryEndpoint | None = None  # none: the image stays on the engine that built it

    @property
    def tag(self) -> str:
        """Twelve hexadecimal digits that change with the recipe, so that old ones can be kept."""
        digest = hashlib.sha256(self.dockerfile.read_bytes())
        for path in sorted(path for path in self.context.rglob("*") if path.is_file()):
            digest.update(str(path.relative_to(self.context)).encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()[:12]


@dataclass(frozen=True, kw_only=True)
class SeedImageArgs:
    """An image that each node builds for itself, as what it holds runs before the registry does."""

    image: ImageArgs  # without registry
    nodes: Sequence[Node]
    # Build arguments beside the image's own, by node: what it stands on there.
    node_build_args: Mapping[str, Mapping[str, Input[str]]] = field(default_factory=dict)
    tag: str | None = None  # none: one that changes with the recipe
