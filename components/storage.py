"""Storage for the application's state: which folders are shared, which can be rebuilt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.workload import Mount

ROOT = "/var/www/studip"


@dataclass(frozen=True, kw_only=True)
class State:
    """A folder that the application writes to, relative to its root."""

    path: str
    shared: bool  # false: can be rebuilt, so it stays in the replica's memory
    size: int | None = None  # MiB, where it stays in memory

    @property
    def target(self) -> str:
        """Absolute path in the container."""
        return f"{ROOT}/{self.path}"

    @property
    def slug(self) -> str:
        """The last folder's name, fit for names of volumes."""
        return self.path.rsplit("/", 1)[-1].replace("_", "-")


# Read in Stud.IP's source: what must be seen by all replicas, and what each may have for itself.
STATE: Sequence[State] = (
    State(path="data/upload_doc", shared=True),
    State(path="data/archiv", shared=True),
    State(path="data/oer", shared=True),
    State(path="data/oer_logos", shared=True),
    State(path="public/pictures", shared=True),
    State(path="public/plugins_packages", shared=True),
    State(path="data/media_cache", shared=False, size=64),
    State(path="data/assets_cache", shared=False, size=64),
)


@dataclass(frozen=True, kw_only=True)
class StorageArgs:
    """Volumes for the shared folders."""

    labels: Mapping[str, str]
    driver: str = "local"  # volume driver
    # Options of one folder's volume, by `State.slug`; none for the engine's own disk.
    driver_options: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class StorageEndpoint:
    """Mounts that an application's container needs, shared and own."""

    mounts: Sequence[Mount]
