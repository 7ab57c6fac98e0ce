"""Names of everything that the program makes."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Names:
    """Names of one environment: `Names("dev").part("web")` is `studip-dev-web`."""

    environment: str

    @property
    def prefix(self) -> str:
        """What all names of the environment begin with."""
        return f"studip-{self.environment}"

    def part(self, part: str) -> str:
        """The name of a part, used for its Pulumi resource and for the thing on the engine."""
        return f"{self.prefix}-{part}"


def content_hash(content: str) -> str:
    """Eight hexadecimal digits that change with `content`; long enough within one environment."""
    return hashlib.sha256(content.encode()).hexdigest()[:8]
