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
ELECTION = 2.0  # s in which Ceph's monitors elect a leader
TICK = 1.0  # s between two looks of Ceph's monitors at who is silent, and between two maps
TAKE_OVER = 3.0  # s in which another metadata server reads the journal and lets clients in
NODES = "/var/lib/studip"  # folder of every node below which shared storage is mounted
CLOSED = 1.0  # s until a connection that is closed was noticed, and its request sent elsewhere

Kind = Literal["local", "nfs", "glusterfs", "cephfs", "external"]


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
class MountedArgs:
    """Storage that a container of each node's engine mounts there."""

    images: Mapping[str, Input[str]]  # by name of the node that has it
    folder: str  # absolute path on the nodes below which it is mounted
    quotas: Mapping[str, str] = field(default_factory=dict)  # `500GB` by folder's slug
    client_resources: Resources  # of a node's mount
    logging: Logging


@dataclass(frozen=True, kw_only=True)
class GlusterfsArgs(MountedArgs):
    """GlusterFS on three nodes, mounted on all."""

    members: Sequence[Node]  # three; their order never changes
    certificate: Certificate | None  # everything is encrypted with it; none: the network is safe
    arbiter: bool = False  # the last member keeps no contents
    disks: Mapping[str, str] = field(default_factory=dict)  # mounted disk by node; else a volume
    split_brain: Literal["none", "mtime", "ctime", "size", "majority"] = "mtime"
    ping_timeout: int = 10  # s until a member that does not answer is left out
    resources: Resources  # of a member


@dataclass(frozen=True, kw_only=True)
class CephMembersArgs:
    """Ceph on three nodes: a monitor, a manager, an object store and a metadata server on each."""

    members: Sequence[Node]  # three; their order never changes
    secret: Input[str]  # what all keys are made from
    disks: Mapping[str, str] = field(default_factory=dict)  # mounted disk by node; else a volume
    size: int = 100  # GiB that a store may hold; its file grows as it is filled
    grace: int = 6  # s until who is silent is missed
    resources: Resources  # of a store
    daemon_resources: Resources  # of each other daemon


@dataclass(frozen=True, kw_only=True)
class CephClusterArgs:
    """A cluster that the site has."""

    monitors: Sequence[str]  # hosts, with port where it is not the usual one
    user: str  # without `client.`
    key: Input[str]
    filesystem: str
    path: str = "/"  # folder of the file system that is mounted


@dataclass(frozen=True, kw_only=True)
class CephfsArgs(MountedArgs):
    """CephFS, mounted on all nodes: on members of our own, or of a cluster that the site has."""

    source: CephMembersArgs | CephClusterArgs


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
    cephfs: CephfsArgs | None = None

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
    if args.glusterfs is not None:
        return _glusterfs_budgets(args.glusterfs)
    if args.cephfs is not None and isinstance(args.cephfs.source, CephMembersArgs):
        return _ceph_budgets(args.cephfs.source)
    return []


def _glusterfs_budgets(glusterfs: GlusterfsArgs) -> list[Budget]:
    # A client asks only where nothing was heard for a ping-timeout, and waits for one more.
    missed, formula = 2.0 * glusterfs.ping_timeout, "2 x ping-timeout"
    return [
        _budget("storage brick killed", CLOSED, "closed connection"),
        _budget("network of a storage node cut", missed, formula),
        _budget("storage node killed", missed, formula),
    ]


def _ceph_budgets(ceph: CephMembersArgs) -> list[Budget]:
    # Beacons are counted anew after an election; the lost node's mount is waited for.
    lost = 3 * ceph.grace + ELECTION + TICK + TAKE_OVER
    formula = "leader missed + election + beacon grace + tick + reconnect + take-over"
    return [
        _budget(
            "storage OSD killed", CLOSED + 2 * TICK, "closed connection + report + map of the rest"
        ),
        _budget(
            "storage metadata server killed",
            ceph.grace + TICK + TAKE_OVER,
            "beacon grace + tick + take-over",
        ),
        _budget("network of a storage node cut", lost, formula),
        _budget("storage node killed", lost, formula),
    ]


def _budget(fault: str, outage: float, formula: str) -> Budget:
    return Budget(part="storage", fault=fault, outage=outage, formula=formula)
