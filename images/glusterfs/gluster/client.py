"""A node's mount of the volume."""

from pathlib import Path

from storage import client
from storage.client import MOUNT, Mount

from .settings import ClientSettings, has_certificate

SECURE = Path("/var/lib/glusterd/secure-access")


def run(settings: ClientSettings) -> int:
    """Keep the mount until SIGTERM: the exit code."""
    if has_certificate():
        SECURE.parent.mkdir(parents=True, exist_ok=True)
        SECURE.touch()
    servers = [f"--volfile-server={server}" for server in settings.servers]
    command = [
        "glusterfs",
        "--no-daemon",
        "--log-level=WARNING",
        "--log-file=/dev/stderr",
        "--process-name=fuse",
        *servers,
        f"--volfile-id={settings.volume}",
        str(MOUNT),
    ]
    return client.run(Mount(command=command, folders=settings.folders))
