"""A container that stays on its node: what Swarm's services can't do, as they get no devices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi_docker as docker
from pulumi import ComponentResource, Input, Output, Resource, ResourceOptions

from components.node import Node
from components.swarm.service import duration
from components.workload import HealthCheck, Mount, Workload


@dataclass(frozen=True, kw_only=True)
class NodeContainerArgs:
    """A workload that one node's engine keeps running, without Swarm."""

    workload: Workload
    node: Node
    health_check: HealthCheck
    devices: Sequence[str] = ()  # such as /dev/fuse
    hosts: Mapping[str, str] = field(default_factory=dict)  # names it knows: their addresses
    # Contents by absolute path, kept secret; root alone can read them.
    files: Mapping[str, Input[str]] = field(default_factory=dict)
    stop_grace_period: int = 10  # s from SIGTERM to SIGKILL
    start_timeout: int = 300  # s until it must be healthy
    after: Sequence[Resource] = ()  # what must be well before it changes


class NodeContainer(ComponentResource):
    """A container on the node's own network, started again whenever it ends.

    A change stops the old one first; whoever comes after it waits until the new one is healthy.
    Its root file system is writable, as the engine puts `files` into it. Networks, secrets and
    configs of the workload are Swarm's, and not for it.
    """

    id: Output[str]
    """The container, known only once it is healthy."""

    def __init__(
        self, name: str, args: NodeContainerArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("studip:swarm:NodeContainer", name, None, opts)
        workload, check = args.workload, args.health_check
        container = docker.Container(
            f"{name}-container",
            name=name,
            image=workload.image,
            command=list(workload.command),
            envs=[Output.concat(key, "=", value) for key, value in sorted(workload.env.items())],
            labels=[
                docker.ContainerLabelArgs(label=k, value=v) for k, v in workload.labels.items()
            ],
            restart="always",
            init=True,
            wait=True,
            wait_timeout=args.start_timeout,
            destroy_grace_seconds=args.stop_grace_period,
            network_mode="host",
            hosts=[
                docker.ContainerHostArgs(host=host, ip=address)
                for host, address in args.hosts.items()
            ],
            capabilities=docker.ContainerCapabilitiesArgs(
                adds=list(workload.capabilities), drops=["ALL"]
            ),
            devices=[
                docker.ContainerDeviceArgs(host_path=device, container_path=device)
                for device in args.devices
            ],
            # Its profile forbids mounts, which is what such a container is for.
            security_opts=["apparmor=unconfined"],
            mounts=[_mount(mount) for mount in workload.mounts if mount.kind != "tmpfs"],
            tmpfs={
                mount.target: f"size={mount.size or 64}m"
                for mount in workload.mounts
                if mount.kind == "tmpfs"
            },
            uploads=[
                docker.ContainerUploadArgs(
                    file=path, content=Output.secret(content), permissions="0400"
                )
                for path, content in sorted(args.files.items())
            ],
            healthcheck=docker.ContainerHealthcheckArgs(
                tests=check.test,
                interval=duration(check.interval),
                timeout=duration(check.longest),
                retries=check.retries,
                start_period=duration(check.start_period),
            ),
            memory=workload.resources.memory_limit,
            memory_reservation=workload.resources.memory_reservation,
            cpus=str(workload.resources.cpu_limit),
            log_driver="json-file",
            log_opts={
                "max-size": f"{workload.logging.max_size}m",
                "max-file": str(workload.logging.max_files),
            },
            opts=ResourceOptions(
                parent=self,
                provider=args.node.provider,
                depends_on=list(args.after),
                delete_before_replace=True,  # its name is taken until the old one is gone
            ),
        )
        self.id = container.id
        self.register_outputs({"id": self.id})


def _mount(mount: Mount) -> docker.ContainerMountArgs:
    return docker.ContainerMountArgs(
        target=mount.target,
        type=mount.kind,
        source=mount.source,
        read_only=mount.read_only,
        bind_options=(
            docker.ContainerMountBindOptionsArgs(propagation=mount.propagation)
            if mount.propagation
            else None
        ),
    )
