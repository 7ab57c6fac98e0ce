"""A Swarm service as all parts have it: hardened, limited, health-checked, rolled out safely."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi_docker as docker
from pulumi import ComponentResource, Output, Resource, ResourceOptions

from components.swarm import files
from components.workload import (
    RESTART_DELAY,
    HealthCheck,
    Mount,
    Port,
    Resources,
    Update,
    Workload,
)

MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class ServiceArgs:
    """A workload that runs for ever."""

    workload: Workload
    health_check: HealthCheck
    update: Update
    replicas: int = 1
    ports: Sequence[Port] = ()
    stop_grace_period: float = 10.0  # s from SIGTERM to SIGKILL
    constraints: Sequence[str] = ()  # placement, e.g. `node.labels.zone == a`
    spread: Sequence[str] = ()  # node labels over whose values replicas are spread evenly
    per_node: int = 0  # replicas at most on one node; 0: any number
    name_servers: Sequence[str] = ()  # addresses; asked for names that the engine doesn't know
    after: Sequence[Resource] = ()  # what its tasks wait for; its secrets do not


class Service(ComponentResource):
    """A Swarm service, its secrets and its configs.

    Creating and updating it waits until all tasks of the new version run and are healthy, and
    fails, with the old version serving again, when they do not.
    """

    name: Output[str]
    """Name of the service, known only once its tasks are healthy."""

    def __init__(self, name: str, args: ServiceArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("studip:swarm:Service", name, None, opts)
        workload = args.workload
        service = docker.Service(
            f"{name}-service",
            name=name,
            labels=[docker.ServiceLabelArgs(label=k, value=v) for k, v in workload.labels.items()],
            task_spec=docker.ServiceTaskSpecArgs(
                container_spec=self._container(name, args),
                resources=_resources(workload.resources),
                networks_advanceds=[
                    docker.ServiceTaskSpecNetworksAdvancedArgs(id=network.id)
                    for network in workload.networks
                ],
                restart_policy=docker.ServiceTaskSpecRestartPolicyArgs(
                    condition="any", delay=duration(RESTART_DELAY), window="0s"
                ),
                placement=docker.ServiceTaskSpecPlacementArgs(
                    constraints=args.constraints,
                    prefs=[f"spread={label}" for label in args.spread] or None,
                    max_replicas=args.per_node or None,
                ),
                log_driver=docker.ServiceTaskSpecLogDriverArgs(
                    name="json-file",
                    options={
                        "max-size": f"{workload.logging.max_size}m",
                        "max-file": str(workload.logging.max_files),
                    },
                ),
            ),
            mode=docker.ServiceModeArgs(
                replicated=docker.ServiceModeReplicatedArgs(replicas=args.replicas)
            ),
            # Clients keep their addresses in host mode, and names need no IPVS.
            endpoint_spec=docker.ServiceEndpointSpecArgs(
                mode="dnsrr",
                ports=[
                    docker.ServiceEndpointSpecPortArgs(
                        target_port=port.target,
                        published_port=port.published,
                        publish_mode="host",
                    )
                    for port in args.ports
                ],
            ),
            update_config=docker.ServiceUpdateConfigArgs(
                order=args.update.order,
                parallelism=args.update.parallelism,
                delay=duration(args.update.delay),
                monitor=duration(args.update.monitor),
                failure_action="rollback",
            ),
            rollback_config=docker.ServiceRollbackConfigArgs(
                order=args.update.order,
                parallelism=args.update.parallelism,
                monitor=duration(args.update.monitor),
                failure_action="pause",
            ),
            converge_config=docker.ServiceConvergeConfigArgs(
                delay="500ms", timeout=duration(args.update.timeout)
            ),
            opts=ResourceOptions(
                parent=self, depends_on=args.after, ignore_changes=_unstable(workload)
            ),
        )
        self.name = service.name
        self.register_outputs({"name": self.name})

    def _container(self, name: str, args: ServiceArgs) -> docker.ServiceTaskSpecContainerSpecArgs:
        check = args.health_check
        workload = args.workload
        return docker.ServiceTaskSpecContainerSpecArgs(
            image=workload.image,
            args=list(workload.command) or None,
            env=workload.env,
            labels=[
                docker.ServiceTaskSpecContainerSpecLabelArgs(label=k, value=v)
                for k, v in workload.labels.items()
            ],
            secrets=[
                files.secret(name, file, workload.labels, workload.user, self)
                for file in workload.secrets
            ],
            configs=[files.config(name, file, self) for file in workload.configs],
            mounts=[_mount(mount) for mount in workload.mounts],
            read_only=True,
            init=True,
            dns_config=(
                docker.ServiceTaskSpecContainerSpecDnsConfigArgs(
                    nameservers=list(args.name_servers)
                )
                if args.name_servers
                else None
            ),
            cap_adds=list(workload.capabilities) or None,
            cap_drops=["ALL"],
            stop_grace_period=duration(args.stop_grace_period),
            healthcheck=docker.ServiceTaskSpecContainerSpecHealthcheckArgs(
                tests=check.test,
                interval=duration(check.interval),
                timeout=duration(check.longest),
                retries=check.retries,
                start_period=duration(check.start_period),
            ),
        )


def _unstable(workload: Workload) -> list[str]:
    # For the engine's own networks Swarm answers with an id that it makes up itself.
    predefined = any(network.predefined for network in workload.networks)
    return ["taskSpec.networksAdvanceds"] if predefined else []


def duration(seconds: float) -> str:
    """Go's notation of a duration, as the engine gives it back: `90s` is `1m30s`."""
    if seconds != int(seconds) or seconds == 0:
        return f"{round(seconds * 1000)}ms" if seconds else "0s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _resources(resources: Resources) -> docker.ServiceTaskSpecResourcesArgs:
    return docker.ServiceTaskSpecResourcesArgs(
        limits=docker.ServiceTaskSpecResourcesLimitsArgs(
            nano_cpus=round(resources.cpu_limit * 1e9), memory_bytes=resources.memory_limit * MIB
        ),
        reservation=docker.ServiceTaskSpecResourcesReservationArgs(
            nano_cpus=round(resources.cpu_reservation * 1e9),
            memory_bytes=resources.memory_reservation * MIB,
        ),
    )


def _mount(mount: Mount) -> docker.ServiceTaskSpecContainerSpecMountArgs:
    return docker.ServiceTaskSpecContainerSpecMountArgs(
        target=mount.target,
        type=mount.kind,
        source=mount.source,
        read_only=mount.read_only,
        bind_options=(
            docker.ServiceTaskSpecContainerSpecMountBindOptionsArgs(propagation=mount.propagation)
            if mount.propagation
            else None
        ),
        tmpfs_options=(
            docker.ServiceTaskSpecContainerSpecMountTmpfsOptionsArgs(
                size_bytes=(mount.size or 64) * MIB, mode=mount.mode or 0o1777
            )
            if mount.kind == "tmpfs"
            else None
        ),
        volume_options=(
            docker.ServiceTaskSpecContainerSpecMountVolumeOptionsArgs(
                labels=[
                    docker.ServiceTaskSpecContainerSpecMountVolumeOptionsLabelArgs(label=k, value=v)
                    for k, v in mount.labels.items()
                ]
            )
            if mount.labels
            else None
        ),
    )
