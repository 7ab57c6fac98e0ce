"""GlusterFS on the nodes: members, and a mount on every node."""

from collections.abc import Mapping, Sequence

import pulumi_docker as docker
from pulumi import ComponentResource, Input, Output, Resource, ResourceOptions, RunError

from components.node import Node
from components.storage import MEMBERS, GlusterfsArgs, StorageArgs
from components.swarm.node_container import NodeContainer, NodeContainerArgs
from components.swarm.volume import volume
from components.workload import HealthCheck, Mount, Workload

STATE = "/var/lib/glusterd"
BRICKS = "/bricks"
NODE = "/node"
TLS = "/etc/studip/tls"
MOUNTED = "shared"  # folder of the mount, which the image makes
MEMBER_CAPABILITIES = (
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
CLIENT_CAPABILITIES = ("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_SYS_ADMIN")
CHECK = HealthCheck(command=["healthcheck"], start_period=300.0)


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
            made.append(self._client(node, made[-1:]))
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
            "QUOTAS": _words(chosen.quotas),
        }
        mounts = [Mount(target=STATE, kind="volume", source=state.name), brick]
        return self._container(name, "server", node, env, mounts, before)

    def _client(self, node: Node, before: Sequence[Resource]) -> NodeContainer:
        chosen = self._chosen
        name = f"{self._name}-mount-{node.name}"
        # A bind's source must be there; only this older way of saying it makes it.
        folder = docker.Container(
            f"{name}-folder",
            name=f"{name}-folder",
            image=chosen.images[node.name],
            command=["true"],
            labels=[
                docker.ContainerLabelArgs(label=k, value=v) for k, v in self._args.labels.items()
            ],
            attach=True,
            must_run=False,
            capabilities=docker.ContainerCapabilitiesArgs(drops=["ALL"]),
            volumes=[
                docker.ContainerVolumeArgs(host_path=chosen.folder, container_path=NODE),
            ],
            network_mode="none",
            memory=chosen.client_resources.memory_limit,
            log_driver="json-file",
            log_opts={"max-size": "1m"},
            opts=ResourceOptions(parent=self, provider=node.provider, delete_before_replace=True),
        )
        source = folder.id.apply(lambda _: chosen.folder)
        mounts = [Mount(target=NODE, kind="bind", source=source, propagation="rshared")]
        env = {
            "MEMBERS": ",".join(self._hosts),
            "FOLDERS": _words({slug: str(uid) for slug, uid in self._args.owners.items()}),
        }
        return self._container(name, "client", node, env, mounts, [*before, folder])

    def _container(
        self,
        name: str,
        role: str,
        node: Node,
        env: Mapping[str, str],
        mounts: Sequence[Mount],
        after: Sequence[Resource],
    ) -> NodeContainer:
        chosen = self._chosen
        server = role == "server"
        return NodeContainer(
            name,
            NodeContainerArgs(
                workload=Workload(
                    image=chosen.images[node.name],
                    labels=self._args.labels,
                    networks=[],
                    resources=chosen.resources if server else chosen.client_resources,
                    command=[role],
                    env=env,
                    mounts=mounts,
                    capabilities=MEMBER_CAPABILITIES if server else CLIENT_CAPABILITIES,
                    logging=chosen.logging,
                ),
                node=node,
                health_check=CHECK,
                devices=["/dev/fuse"],
                hosts=self._hosts,
                files=_files(chosen),
                stop_grace_period=15,
                start_timeout=600,
                after=after,
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


def _words(values: Mapping[str, str]) -> str:
    return " ".join(f"{key}={value}" for key, value in values.items())
