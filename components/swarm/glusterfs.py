"""GlusterFS on the nodes: members, and a mount on every node."""

from collections.abc import Sequence

from pulumi import ComponentResource, Input, Output, Resource, ResourceOptions, RunError

from components.node import Node
from components.storage import MEMBERS, GlusterfsArgs, StorageArgs
from components.swarm.node_container import NodeContainer, NodeContainerArgs
from components.swarm.node_mount import CHECK, FUSE, MOUNTED, node_mount, words
from components.swarm.volume import volume
from components.workload import Mount, Workload

STATE = "/var/lib/glusterd"
BRICKS = "/bricks"
TLS = "/etc/studip/tls"
CAPABILITIES = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_MKNOD",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SYS_ADMIN",  # attributes of the trusted class, in which copies keep count of each other
)


class Glusterfs(ComponentResource):
    """Three members on the nodes' own network, one after the other, then the mounts.

    All of them are containers of the nodes' engines: a quota and a mount need /dev/fuse, and
    nothing here waits for Swarm when everything starts again.
    """

    path: Output[str]
    """Folder on each node with the shared folders, known only once all nodes have it."""

    def __init__(self, name: str, args: StorageArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("studip:swarm:Glusterfs", name, None, opts)
        chosen = args.glusterfs
        if chosen is None or len(chosen.members) != MEMBERS:
            got = len(chosen.members) if chosen else 0
            raise RunError(f"{name}: glusterfs needs {MEMBERS} members, got {got}")
        self._name, self._args, self._chosen = name, args, chosen
        self._hosts = {
            self._member(number): node.address for number, node in enumerate(chosen.members, 1)
        }
        made: list[NodeContainer] = []
        for number, node in enumerate(chosen.members, 1):
            made.append(self._server(number, node, made[-1:]))
        for node in args.nodes:
            made.append(
                node_mount(
                    f"{name}-mount-{node.name}",
                    node,
                    args,
                    chosen,
                    env={"MEMBERS": ",".join(self._hosts)},
                    hosts=self._hosts,
                    files=_files(chosen),
                    after=made[-1:],
                    parent=self,
                )
            )
        mounted = Output.all(*(one.id for one in made))
        self.path = mounted.apply(lambda _: f"{chosen.folder}/{MOUNTED}")
        self.register_outputs({"path": self.path})

    def _member(self, number: int) -> str:
        return f"{self._name}-{number}"

    def _server(self, number: int, node: Node, before: Sequence[Resource]) -> NodeContainer:
        name, chosen = self._member(number), self._chosen
        state = volume(f"{name}-state", self._args.labels, self, provider=node.provider)
        if disk := chosen.disks.get(node.name):
            brick = Mount(target=BRICKS, kind="bind", source=disk)
        else:
            made = volume(f"{name}-brick", self._args.labels, self, provider=node.provider)
            brick = Mount(target=BRICKS, kind="volume", source=made.name)
        env = {
            "MEMBER": name,
            "MEMBERS": ",".join(self._hosts),
            "CLUSTER": self._name,
            "ARBITER": "1" if chosen.arbiter else "0",
            "PING_TIMEOUT": str(chosen.ping_timeout),
            "SPLIT_BRAIN": chosen.split_brain,
            "ALLOW": ",".join(
                sorted({one.address for one in (*self._args.nodes, *chosen.members)})
            ),
            "QUOTAS": words(chosen.quotas),
        }
        return NodeContainer(
            name,
            NodeContainerArgs(
                workload=Workload(
                    image=chosen.images[node.name],
                    labels=self._args.labels,
                    networks=[],
                    resources=chosen.resources,
                    command=["server"],
                    env=env,
                    mounts=[Mount(target=STATE, kind="volume", source=state.name), brick],
                    capabilities=CAPABILITIES,
                    logging=chosen.logging,
                ),
                node=node,
                health_check=CHECK,
                devices=[FUSE],
                hosts=self._hosts,
                files=_files(chosen),
                stop_grace_period=15,
                start_timeout=600,
                after=before,
            ),
            ResourceOptions(parent=self),
        )


def _files(chosen: GlusterfsArgs) -> dict[str, Input[str]]:
    if chosen.certificate is None:
        return {}
    return {
        f"{TLS}/certificate.pem": chosen.certificate.certificate,
        f"{TLS}/key.pem": chosen.certificate.key,
        f"{TLS}/authority.pem": chosen.certificate.authority,
    }
