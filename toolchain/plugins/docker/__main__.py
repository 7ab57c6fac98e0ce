"""`python -m toolchain.plugins.docker ENGINE_ADDRESS`: started by Pulumi's engine."""

from __future__ import annotations

from importlib.metadata import version

from ..common.server import main
from .provider import DockerProvider

main(DockerProvider(version("pulumi-docker")))
