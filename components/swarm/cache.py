"""Redis on Swarm."""

from collections.abc import Mapping

from pulumi import ComponentResource, Output, Resource, ResourceOptions

from components.cache import (
    HEALTH_CHECK,
    CacheArgs,
    CacheClusterArgs,
    CacheEndpoint,
    CacheMembers,
)
from components.swarm.service import Service, ServiceArgs
from components.workload import HealthCheck, Mount, Resources, SecretFile, Update, Workload

PORT = 6379
USER = 999  # redis in the image
SENTINEL_HEALTH_CHECK = HealthCheck(command=["healthcheck", "sentinel"])
UNKNOWN_NAMES = "127.0.0.1"  # in each container: says at once that a name does not exist
MEMBER_GRACE_PERIOD = 20.0  # s in which a master that stops hands over


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
                health_check=HEALTH_CHECK,
                update=Update(order="stop-first"),
            ),
            ResourceOptions(parent=self),
        )
        self.endpoint = CacheEndpoint(
            kind=args.kind, host=service.name, port=PORT, password=args.password
        )
        self.register_outputs({"host": self.endpoint.host, "port": PORT})


class CacheCluster(ComponentResource):
    """Redis members and sentinels, a service each, spread over the nodes.

    They find each other by their services' names. Members are replaced one after the other, each
    only when the one before has its copy of the data; then the sentinels.
    """

    members: CacheMembers
    """Where a load balancer finds the master."""

    def __init__(
        self, name: str, args: CacheClusterArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("studip:swarm:CacheCluster", name, None, opts)
        self._name = name
        self._args = args
        numbers = range(1, args.members + 1)
        self._env = {
            "MEMBERS": ",".join(f"{name}-{number}" for number in numbers),
            "SENTINELS": ",".join(f"{name}-sentinel-{number}" for number in numbers),
            "DOWN_AFTER": str(round(args.failover.down_after * 1000)),
            "FAILOVER_TIMEOUT": str(round(args.failover.timeout * 1000)),
            "MAXMEMORY": f"{args.memory}mb",
        }
        hosts: list[Output[str]] = []
        before: list[Resource] = []
        for number in numbers:
            member = self._service(
                number, "", "redis-server", {"MEMBER": str(number)}, args.resources, before
            )
            hosts.append(member.name)
            before = [member]
        for number in numbers:
            before = [
                self._service(
                    number,
                    "sentinel-",
                    "redis-sentinel",
                    {"SENTINEL": str(number)},
                    args.sentinel_resources,
                    before,
                )
            ]
        self.members = CacheMembers(hosts=hosts, port=PORT)
        self.register_outputs({"hosts": hosts, "port": PORT})

    def _service(
        self,
        number: int,
        role: str,
        command: str,
        env: Mapping[str, str],
        resources: Resources,
        before: list[Resource],
    ) -> Service:
        args = self._args
        password = SecretFile(name="password", content=args.password)
        return Service(
            f"{self._name}-{role}{number}",
            ServiceArgs(
                workload=Workload(
                    image=args.image,
                    command=[command],
                    labels=args.labels,
                    networks=[args.network],
                    resources=resources,
                    user=USER,
                    env={**self._env, **env, "REDIS_PASSWORD_FILE": password.path},
                    secrets=[password],
                    mounts=[Mount(target="/tmp", kind="tmpfs", size=16)],
                    logging=args.logging,
                ),
                health_check=SENTINEL_HEALTH_CHECK if role else HEALTH_CHECK,
                update=Update(order="stop-first"),
                constraints=[args.nodes[(number - 1) % len(args.nodes)].constraint],
                stop_grace_period=MEMBER_GRACE_PERIOD,
                name_servers=[UNKNOWN_NAMES],
            ),
            ResourceOptions(parent=self, depends_on=before),
        )
