"""A mount of shared storage on a node, kept by a container of the node's engine."""

from collections.abc import Mapping, Sequence

import pulumi_docker as docker
from pulumi import Input, Resource, ResourceOptions

from components.node import Node
from components.storage import MountedArgs, StorageArgs
from components.swarm.node_container import NodeContainer, NodeContainerArgs
from components.workload import HealthCheck, Mount, Workload

NODE = "/node"
MOUNTED = "shared"  # folder of the mount, which the image makes
CAPABILITIES = ("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_SYS_ADMIN")
CHECK = HealthCheck(command=["healthcheck"], start_period=300.0)
FUSE = "/dev/fuse"


def node_mount(
    name: str,
    node: Node,
    storage: StorageArgs,
    chosen: MountedArgs,
    *,
    env: Mapping[str, str],
    hosts: Mapping[str, str],
    files: Mapping[str, Input[str]],
    after: Sequence[Resource],
    parent: Resource,
) -> NodeContainer:
    """Mounts the storage at `<folder>/shared` of a node, and makes the shared folders there.

    `env`, `hosts` and `files` tell the image's role `client` what to mount. Healthy once it serves.
    """
    # A bind's source must be there; only this older way of saying it makes it.
    folder = docker.Container(
        f"{name}-folder",
        name=f"{name}-folder",
        image=chosen.images[node.name],
        command=["true"],
        labels=[docker.ContainerLabelArgs(label=k, value=v) for k, v in storage.labels.items()],
        attach=True,
        must_run=False,
        capabilities=docker.ContainerCapabilitiesArgs(drops=["ALL"]),
        volumes=[docker.ContainerVolumeArgs(host_path=chosen.folder, container_path=NODE)],
        network_mode="none",
        memory=chosen.client_resources.memory_limit,
        log_driver="json-file",
        log_opts={"max-size": "1m"},
        opts=ResourceOptions(parent=parent, provider=node.provider, delete_before_replace=True),
    )
    source = folder.id.apply(lambda _: chosen.folder)
    owners = {slug: str(uid) for slug, uid in storage.owners.items()}
    return NodeContainer(
        name,
        NodeContainerArgs(
            workload=Workload(
                image=chosen.images[node.name],
                labels=storage.labels,
                networks=[],
                resources=chosen.client_resources,
                command=["client"],
                env={**env, "FOLDERS": words(owners)},
                mounts=[Mount(target=NODE, kind="bind", source=source, propagation="rshared")],
                capabilities=CAPABILITIES,
                logging=chosen.logging,
            ),
            node=node,
            health_check=CHECK,
            devices=[FUSE],
            hosts=hosts,
            files=files,
            stop_grace_period=15,
            start_timeout=600,
            after=[*after, folder],
        ),
        ResourceOptions(parent=parent),
    )


def words(values: Mapping[str, str]) -> str:
    """As the images take pairs in a variable."""
    return " ".join(f"{key}={value}" for key, value in values.items())
