"""CephFS on the nodes: three members of four daemons each, and a mount on every node."""

from collections.abc import Sequence

from pulumi import ComponentResource, Output, Resource, ResourceOptions, RunError

from components import cephx
from components.node import Node
from components.storage import (
    MEMBERS,
    CephClusterArgs,
    CephfsArgs,
    CephMembersArgs,
    StorageArgs,
)
from components.swarm.node_container import NodeContainer, NodeContainerArgs
from components.swarm.node_mount import CHECK, MOUNTED, node_mount, words
from components.swarm.volume import volume
from components.workload import Mount, Workload

DATA = "/var/lib/ceph"
STORE = "/store"
KEYRING = "/etc/studip/key/keyring"


class Cephfs(ComponentResource):
    """Monitors, managers, stores, metadata servers, mounts: of each kind one after the other.

    All of them are containers of the nodes' engines, as GlusterFS's are: a mount needs /dev/fuse,
    and nothing here waits for Swarm when everything starts again. Only mounts where the site has a
    cluster.
    """

    path: Output[str]
    """Folder on each node with the shared folders, known only once all nodes have it."""

    def __init__(self, name: str, args: StorageArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("studip:swarm:Cephfs", name, None, opts)
        if args.cephfs is None:
            raise RunError(f"{name}: cephfs needs members or a cluster")
        self._name, self._args, self._chosen = name, args, args.cephfs
        source = args.cephfs.source
        if isinstance(source, CephClusterArgs):
            last = self._mounts(_of_cluster(source), {}, _client_keyring(source), [])
        else:
            last = self._members(source)
        self.path = last.id.apply(lambda _: f"{self._chosen.folder}/{MOUNTED}")
        self.register_outputs({"path": self.path})

    def _members(self, source: CephMembersArgs) -> NodeContainer:
        if len(source.members) != MEMBERS:
            got = len(source.members)
            raise RunError(f"{self._name}: cephfs needs {MEMBERS} members, got {got}")
        ceph = _Members(self, self._name, self._args, self._chosen, source)
        monitors = ceph.daemons("mon", [])
        managers = ceph.daemons("mgr", monitors[-1:])
        stores = ceph.daemons("osd", monitors[-1:])
        metadata = ceph.daemons("mds", stores[-1:])
        keyring = Output.from_input(source.secret).apply(
            lambda secret: cephx.entry(secret, cephx.CLIENT)
        )
        env = {"MEMBERS": ",".join(ceph.hosts)}
        return self._mounts(env, ceph.hosts, keyring, [managers[-1], metadata[-1]])

    def _mounts(
        self,
        env: dict[str, str],
        hosts: dict[str, str],
        keyring: Output[str],
        after: Sequence[Resource],
    ) -> NodeContainer:
        """The last of all nodes' mounts, which waits for the others."""
        made: list[NodeContainer] = []
        for node in self._args.nodes:
            made.append(
                node_mount(
                    f"{self._name}-mount-{node.name}",
                    node,
                    self._args,
                    self._chosen,
                    env={**env, "QUOTAS": words(self._chosen.quotas)},
                    hosts=hosts,
                    files={KEYRING: keyring},
                    after=made[-1:] or after,
                    parent=self,
                )
            )
        return made[-1]


class _Members:
    """Our own cluster's daemons."""

    def __init__(
        self,
        parent: Resource,
        name: str,
        args: StorageArgs,
        chosen: CephfsArgs,
        source: CephMembersArgs,
    ) -> None:
        self._parent, self._name, self._args = parent, name, args
        self._chosen, self._source = chosen, source
        self._names = [f"{name}-{number}" for number in range(1, len(source.members) + 1)]
        self.hosts = {
            member: node.address for member, node in zip(self._names, source.members, strict=True)
        }
        self._data = [
            self._disks(member, node)
            for member, node in zip(self._names, source.members, strict=True)
        ]

    def daemons(self, kind: str, after: Sequence[Resource]) -> list[NodeContainer]:
        """One a member, each after the one before it."""
        made: list[NodeContainer] = []
        for number in range(len(self._names)):
            made.append(self._daemon(kind, number, made[-1:] or after))
        return made

    def _disks(self, member: str, node: Node) -> dict[str, list[Mount]]:
        """What a member's daemons keep, by kind of daemon."""
        labels, parent = self._args.labels, self._parent
        state = volume(f"{member}-state", labels, parent, provider=node.provider)
        kept = Mount(target=DATA, kind="volume", source=state.name)
        if disk := self._source.disks.get(node.name):
            store = Mount(target=STORE, kind="bind", source=disk)
        else:
            made = volume(f"{member}-store", labels, parent, provider=node.provider)
            store = Mount(target=STORE, kind="volume", source=made.name)
        return {"mon": [kept], "osd": [kept, store]}

    def _daemon(self, kind: str, number: int, after: Sequence[Resource]) -> NodeContainer:
        member, node, source = self._names[number], self._source.members[number], self._source
        return NodeContainer(
            f"{member}-{kind}",
            NodeContainerArgs(
                workload=Workload(
                    image=self._chosen.images[node.name],
                    labels=self._args.labels,
                    networks=[],
                    resources=source.resources if kind == "osd" else source.daemon_resources,
                    command=[kind],
                    env={
                        "MEMBER": member,
                        "MEMBERS": ",".join(self._names),
                        "CLUSTER": self._name,
                        "GRACE": str(source.grace),
                        "SIZE": str(source.size),
                    },
                    mounts=self._data[number].get(kind, []),
                    logging=self._chosen.logging,
                ),
                node=node,
                health_check=CHECK,
                hosts=self.hosts,
                files={KEYRING: self._keyring(kind, number)},
                stop_grace_period=15,
                start_timeout=600,
                after=after,
            ),
            ResourceOptions(parent=self._parent),
        )

    def _keyring(self, kind: str, number: int) -> Output[str]:
        """What a daemon shows; monitors know the keys of all."""
        names = self._names

        def written(secret: str) -> str:
            if kind == "mon":
                return cephx.monitor_keyring(secret, names)
            return cephx.entry(secret, cephx.entity(kind, number, names))

        return Output.from_input(self._source.secret).apply(written)


def _of_cluster(source: CephClusterArgs) -> dict[str, str]:
    return {
        "MONITORS": ",".join(source.monitors),
        "CEPH_USER": source.user,
        "FILESYSTEM": source.filesystem,
        "FOLDER": source.path,
    }


def _client_keyring(source: CephClusterArgs) -> Output[str]:
    return Output.concat("[client.", source.user, "]\n\tkey = ", source.key, "\n")
