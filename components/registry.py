"""The private registry: what it takes, what it tells the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pulumi import Input

from components.workload import Logging, Resources


@dataclass(frozen=True, kw_only=True)
class RegistryArgs:
    """A registry on the loopback address of the node, without login."""

    kind: Literal["distribution"]
    image: Input[str]  # passed through; an image id, as it can't come from itself
    port: int  # TCP on the loopback address
    labels: Mapping[str, str]
    resources: Resources
    logging: Logging


@dataclass(frozen=True, kw_only=True)
class RegistryEndpoint:
    """Where images are pushed to and pulled from."""

    address: Input[str]  # host:port, known only once it answers
    user: str | None = None
    password: Input[str] | None = None  # secret
