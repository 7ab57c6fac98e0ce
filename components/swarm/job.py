"""A one-shot container whose exit code gates what follows; Swarm has no job mode for services."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi_docker as docker
from pulumi import ComponentResource, CustomTimeouts, Output, ResourceOptions

from components.workload import Mount, Workload

# Uploaded before the container starts, so not below /run, which is a tmpfs by then.
SECRETS = "/etc/studip/secrets"


@dataclass(frozen=True, kw_only=True)
class JobArgs:
    """A workload that ends; its secrets are found in `SECRETS`."""

    workload: Workload
    timeout: int  # s until it counts as failed


class Job(ComponentResource):
    """A container that runs once for each change of its arguments, before its dependents.

    Its root file system is writable, as the engine uploads the secrets into it; it never serves.
    """

    logs: Output[str]
    """What it wrote; known only once it ended well."""

    def __init__(self, name: str, args: JobArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("studip:swarm:Job", name, None, opts)
        workload = args.workload
        container = docker.Container(
            f"{name}-container",
            # The engine names it: the next one is made before this one goes.
            image=workload.image,
            command=list(workload.command),
            envs=[Output.concat(key, "=", value) for key, value in sorted(workload.env.items())],
            attach=True,
            must_run=False,
            logs=True,
            init=True,
            labels=[
                docker.ContainerLabelArgs(label=k, value=v) for k, v in workload.labels.items()
            ],
            networks_advanced=[
                docker.ContainerNetworksAdvancedArgs(name=network.name)
                for network in workload.networks
            ],
            uploads=[
                docker.ContainerUploadArgs(
                    file=f"{SECRETS}/{file.name}",
                    content=Output.secret(file.content),
                    permissions="0400",
                    owner=str(workload.user or 0),
                )
                for file in workload.secrets
            ],
            mounts=_volumes(workload.mounts),
            tmpfs={
                mount.target: f"size={mount.size or 64}m"
                for mount in workload.mounts
                if mount.kind == "tmpfs"
            },
            capabilities=docker.ContainerCapabilitiesArgs(drops=["ALL"]),
            memory=workload.resources.memory_limit,
            log_driver="json-file",
            log_opts={
                "max-size": f"{workload.logging.max_size}m",
                "max-file": str(workload.logging.max_files),
            },
            opts=ResourceOptions(
                parent=self,
                custom_timeouts=CustomTimeouts(create=f"{args.timeout}s"),
            ),
        )
        self.logs = container.container_logs
        self.register_outputs({"logs": self.logs})


def _volumes(mounts: Sequence[Mount]) -> list[docker.ContainerMountArgs]:
    return [
        docker.ContainerMountArgs(
            target=mount.target, type=mount.kind, source=mount.source, read_only=mount.read_only
        )
        for mount in mounts
        if mount.kind != "tmpfs"
    ]
