"""The application on Swarm."""

from collections.abc import Sequence

from pulumi import ComponentResource, Output, ResourceOptions

from components.application import (
    TMP,
    USER,
    ApplicationArgs,
    ApplicationEndpoint,
    environment,
    secrets,
)
from components.swarm.job import SECRETS, Job, JobArgs
from components.swarm.service import Service, ServiceArgs
from components.workload import HealthCheck, Mount, Network, Port, Resources, Update, Workload

PORT = 80
HEALTH_CHECK = HealthCheck(command=["healthcheck"])


class Application(ComponentResource):
    """Install and migrate once; then the web replicas and the one cron worker.

    A job that fails stops the roll-out: what runs goes on running.
    """

    endpoint: ApplicationEndpoint
    """What the load balancer forwards to."""

    def __init__(
        self, name: str, args: ApplicationArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("studip:swarm:Application", name, None, opts)
        both = [args.application_network, args.data_network]
        job = Job(
            f"{name}-migrate",
            JobArgs(
                workload=_workload(args, "migrate", [args.data_network], args.resources, SECRETS),
                timeout=args.migrate_timeout,
            ),
            ResourceOptions(parent=self),
        )
        web = f"{name}-web"
        Service(
            web,
            ServiceArgs(
                workload=_workload(args, "web", both, args.resources),
                replicas=args.replicas,
                health_check=HEALTH_CHECK,
                update=args.update,
                ports=[Port(target=PORT, published=args.backend.port)] if args.backend else [],
                # Draining, and then the requests that are still under way.
                stop_grace_period=args.drain + 30.0,
                after=[job],
            ),
            ResourceOptions(parent=self),
        )
        Service(
            f"{name}-cron",
            ServiceArgs(
                workload=_workload(args, "cron", both, args.cron_resources),
                health_check=HEALTH_CHECK,
                # Its lock is a file of its own: there must never be two.
                update=Update(order="stop-first"),
                stop_grace_period=args.cron_grace_period,
                after=[job],
            ),
            ResourceOptions(parent=self),
        )
        # Known before there are replicas: the load balancer starts beside them and waits for them.
        self.endpoint = ApplicationEndpoint(
            host=Output.from_input(f"tasks.{web}"), port=PORT, slots=2 * args.replicas
        )
        self.register_outputs({"host": self.endpoint.host, "port": PORT})


def _workload(
    args: ApplicationArgs,
    role: str,
    networks: Sequence[Network],
    resources: Resources,
    secrets_folder: str = "/run/secrets",
) -> Workload:
    """The one image in one of its roles; environment and mounts are the same for all."""
    return Workload(
        image=args.image,
        command=[role],
        env=environment(args, secrets_folder),
        secrets=secrets(args),
        user=USER,
        labels=args.labels[role],
        networks=networks,
        resources=resources,
        mounts=[
            *args.storage.mounts,
            *args.mounts,
            Mount(target="/tmp", kind="tmpfs", size=TMP),
        ],
        logging=args.logging,
    )
