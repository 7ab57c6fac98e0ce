"""`python3 -m storage server|client`."""

import sys

from . import client, server
from .settings import ClientSettings, ServerSettings, SettingError


def main(role: str) -> int:
    """Run a role until it ends: its exit code."""
    try:
        if role == "server":
            return server.run(ServerSettings.read())
        return client.run(ClientSettings.read())
    except SettingError as error:
        print(f"storage: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
