"""Redis on Swarm."""

from pulumi import ComponentResource, ResourceOptions

from components.cache import CacheArgs, CacheEndpoint
from components.swarm.service import Service, ServiceArgs
from components.workload import HealthCheck, Mount, SecretFile, Update, Workload

PORT = 6379
USER = 999  # redis in the image


class Cache(ComponentResource):
    """A Redis server that keeps nothing on disk."""

    endpoint: CacheEndpoint
    """Where the replicas find it."""

    def __init__(self, name: str, args: CacheArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("studip:swarm:Cache", name, None, opts)
        password = SecretFile(name="password", content=args.password)
        service = Service(
            name,
            ServiceArgs(
                workload=Workload(
                    image=args.image,
                    labels=args.labels,
                    networks=[args.network],
                    resources=args.resources,
                    user=USER,
                    env={"REDIS_PASSWORD_FILE": password.path, "MAXMEMORY": f"{args.memory}mb"},
                    secrets=[password],
                    mounts=[Mount(target="/tmp", kind="tmpfs", size=16)],
                    logging=args.logging,
                ),
                health_check=HealthCheck(command=["healthcheck"]),
                update=Update(order="stop-first"),
            ),
            ResourceOptions(parent=self),
        )
        self.endpoint = CacheEndpoint(
            kind=args.kind, host=service.name, port=PORT, password=args.password
        )
        self.register_outputs({"host": self.endpoint.host, "port": PORT})
