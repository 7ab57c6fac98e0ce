"""`python3 -m storage server|client|health`."""

import sys

from . import client, server, status
from .settings import ClientSettings, ServerSettings, SettingError


def main(role: str) -> int:
    """Run a role until it ends: its exit code."""
    try:
        match role:
            case "server":
                return server.run(ServerSettings.read())
            case "client":
                return client.run(ClientSettings.read())
            case _:
                return status.health()
    except SettingError as error:
        print(f"storage: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
