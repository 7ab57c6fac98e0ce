"""A node's mount of CephFS, of our own cluster or of the site's."""

from storage import client
from storage.client import MOUNT, Mount

from .commands import SOCKET, CommandError, ask
from .daemon import configure
from .settings import ClientSettings

BYTES = {"MB": 10**6, "GB": 10**9, "TB": 10**12}
PATIENCE = 90.0  # s until a mount that never served is made anew; Ceph gives up after 60


def run(settings: ClientSettings) -> int:
    """Keep the mount until SIGTERM: the exit code."""
    mode = "secure" if settings.secure else "secure crc"
    configure("client.conf", {"MONITORS": settings.monitors, "MODE": mode})
    command = [
        *("ceph-fuse", "--foreground", "--id", settings.user),
        f"--admin_socket={SOCKET}",
        *("--client_fs", settings.filesystem, "--client_mountpoint", settings.path),
        str(MOUNT),
    ]
    quotas = {
        folder: {"ceph.quota.max_bytes": str(int(limit[:-2]) * BYTES[limit[-2:]])}
        for folder, limit in settings.quotas.items()
    }
    return client.run(
        Mount(
            command=command,
            folders=settings.folders,
            attributes=quotas,
            patience=PATIENCE,
            shut_out=_shut_out,
        )
    )


def _shut_out() -> bool:
    """Whether the stores take nothing from this mount any more; names and folders still work."""
    try:
        return bool(ask("status").get("blocklisted"))
    except CommandError:
        return False  # it is just starting or ending
