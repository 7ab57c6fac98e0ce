"""The plugin's program: `python -m toolchain.plugins.random`."""

import sys
from importlib.metadata import version

from ..common import server
from ..common.provider import Provider
from .password import RandomPassword

if __name__ == "__main__":
    sys.exit(
        server.main(
            Provider("random", version("pulumi-random"), {RandomPassword.token: RandomPassword})
        )
    )
