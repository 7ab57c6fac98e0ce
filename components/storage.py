"""Storage for the application's state: which folders are shared, and how they are had."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pulumi import Input, RunError

from components.budget import Budget
from components.certificate import Certificate
from components.node import Node
from components.workload import Logging, Mount, Resources

ROOT = "/var/www/studip"
APPLICATION_USER = 33  # uid that the application writes as
MEMBERS = 3  # copies, or two copies and an arbiter
NODES = "/var/lib/studip"  # folder of every node below which shared storage is mounted
CLOSED = 1.0  # s until a connection that is closed was noticed, and its request sent elsewhere

Kind = Literal["local", "nfs", "glusterfs", "external"]


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
class NfsArgs:
    """A file server that the site has; each folder is a folder of its own below `path`."""

    server: str  # host name or address
    path: str  # what it exports
    version: str = "4.2"
    timeout: float = 15.0  # s until a request is sent again
    retries: int = 2  # times until that is logged; it never fails: mounts are hard


@dataclass(frozen=True, kw_only=True)
class GlusterfsArgs:
    """GlusterFS on three nodes, mounted on all."""

    images: Mapping[str, Input[str]]  # image of images/glusterfs by name of the node that has it
    folder: str  # absolute path on the nodes below which it is mounted
    members: Sequence[Node]  # three; their order never changes
    certificate: Certificate | None  # everything is encrypted with it; none: the network is safe
    arbiter: bool = False  # the last member keeps no contents
    disks: Mapping[str, str] = field(default_factory=dict)  # mounted disk by node; else a volume
    quotas: Mapping[str, str] = field(default_factory=dict)  # `500GB` by folder's slug
    split_brain: Literal["none", "mtime", "ctime", "size", "majority"] = "mtime"
    ping_timeout: int = 10  # s until a member that does not answer is left out
    resources: Resources  # of a member
    client_resources: Resources  # of a node's mount
    logging: Logging


@dataclass(frozen=True, kw_only=True)
class StorageArgs:
    """Shared folders."""

    labels: Mapping[str, str]
    kind: Kind = "local"
    nodes: Sequence[Node] = ()  # all that run services; none: the one of the default provider
    # Beside the application's: uid of the owner by slug, for those who ask for them.
    folders: Mapping[str, int] = field(default_factory=dict)
    driver: str = "local"  # volume driver of an external one
    # Its options of one folder's volume, by slug; none for the engine's own disk.
    driver_options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    nfs: NfsArgs | None = None
    glusterfs: GlusterfsArgs | None = None

    @property
    def owners(self) -> Mapping[str, int]:
        """Uid of the owner of every shared folder, by slug."""
        application = {state.slug: APPLICATION_USER for state in STATE if state.shared}
        return application | dict(self.folders)


@dataclass(frozen=True, kw_only=True)
class Folder:
    """Where a shared folder is found, the same on every node."""

    kind: Literal["volume", "bind"]
    source: Input[str]  # name or path, known only once it is there


@dataclass(frozen=True, kw_only=True)
class StorageEndpoint:
    """Mounts that an application's container needs, shared and own."""

    mounts: Sequence[Mount]
    folders: Mapping[str, Folder] = field(default_factory=dict)  # all shared ones, by slug

    def folder(self, slug: str, target: str) -> Mount:
        """One more shared folder, at `target` in a container; RunError if there is none."""
        if slug not in self.folders:
            known = ", ".join(sorted(self.folders))
            raise RunError(f"storage: there is no folder {slug}; there are {known}")
        found = self.folders[slug]
        return Mount(target=target, kind=found.kind, source=found.source)


def budgets(args: StorageArgs) -> list[Budget]:
    """Outages that a storage's faults may cause; none where it survives no fault by itself."""
    if args.glusterfs is None:
        return []
    timeout = args.glusterfs.ping_timeout

    def missed(fault: str) -> Budget:
        # A client asks only where nothing was heard for a ping-timeout, and waits for one more.
        formula = "2 x ping-timeout"
        return Budget(part="storage", fault=fault, outage=2.0 * timeout, formula=formula)

    return [
        Budget(
            part="storage",
            fault="storage brick killed",
            outage=CLOSED,
            formula="closed connection",
        ),
        missed("network of a storage node cut"),
        missed("storage node killed"),
    ]
