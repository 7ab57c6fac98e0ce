"""`python3 -m gluster server|client`."""

import sys

from storage.role import main

from . import client, server
from .settings import ClientSettings, ServerSettings

if __name__ == "__main__":
    sys.exit(
        main(
            {
                "server": lambda: server.run(ServerSettings.read()),
                "client": lambda: client.run(ClientSettings.read()),
            }
        )
    )
