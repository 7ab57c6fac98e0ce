"""HAProxy before the state, on Swarm."""

from dataclasses import replace

from pulumi import ComponentResource, Input, Output, ResourceOptions

from components.cache import CacheEndpoint
from components.database import DatabaseEndpoint
from components.proxy import CACHE, WRITER, ProxyArgs
from components.swarm.service import Service, ServiceArgs
from components.workload import HealthCheck, Mount, SecretFile, Update, Workload

USER = 999  # haproxy in the image


class Proxy(ComponentResource):
    """Replicas on the data network that all send to the same writer; no port is published."""

    database: DatabaseEndpoint
    """Where the application writes, known only once a writer is behind it."""

    cache: CacheEndpoint | None
    """The cache's master, where there are several."""

    def __init__(self, name: str, args: ProxyArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("studip:swarm:Proxy", name, None, opts)
        timers = args.timers
        env: dict[str, Input[str]] = {
            "MEMBERS": Output.all(*args.database.members).apply(",".join),
            "CHECK_INTERVAL": _milliseconds(timers.interval),
            "CHECK_FAST_INTERVAL": _milliseconds(timers.fast_interval),
            "CHECK_TIMEOUT": _milliseconds(timers.timeout),
            "CHECK_FALL": str(timers.fall),
        }
        secrets = []
        if args.cache_members:
            env["CACHE_MEMBERS"] = Output.all(*args.cache_members).apply(",".join)
            if args.cache and args.cache.password is not None:
                password = SecretFile(name="cache-password", content=args.cache.password)
                secrets.append(password)
                env["CACHE_PASSWORD_FILE"] = password.path
        service = Service(
            name,
            ServiceArgs(
                workload=Workload(
                    image=args.image,
                    labels=args.labels,
                    networks=[args.network],
                    resources=args.resources,
                    user=USER,
                    env=env,
                    secrets=secrets,
                    mounts=[Mount(target="/tmp", kind="tmpfs", size=16)],
                    logging=args.logging,
                ),
                replicas=args.replicas,
                per_node=1,
                # The first start waits for a writer. Whoever finds none for longer gets another
                # address: Docker 20.10 may keep sending to the node that had this one before.
                health_check=HealthCheck(command=["healthcheck"], start_period=120.0),
                # A node has room for one; whoever is cut off connects to another.
                update=Update(order="stop-first", timeout=600.0),
                stop_grace_period=30.0,
            ),
            ResourceOptions(parent=self),
        )
        self.database = replace(args.database, host=service.name, port=WRITER, members=())
        self.cache = (
            replace(args.cache, host=service.name, port=CACHE)
            if args.cache and args.cache_members
            else args.cache
        )
        self.register_outputs({"host": service.name, "port": WRITER})


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
