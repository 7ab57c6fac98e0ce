"""`python3 -m ceph_node mon|mgr|osd|mds|client`."""

import sys

from storage.role import main

from . import client
from .daemon import run
from .manager import Manager
from .metadata import Metadata
from .monitor import Monitor
from .settings import ClientSettings, Settings
from .store import Store

if __name__ == "__main__":
    sys.exit(
        main(
            {
                "mon": lambda: run(Monitor(Settings.read())),
                "mgr": lambda: run(Manager(Settings.read())),
                "osd": lambda: run(Store(Settings.read())),
                "mds": lambda: run(Metadata(Settings.read())),
                "client": lambda: client.run(ClientSettings.read()),
            }
        )
    )
