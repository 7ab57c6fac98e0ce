"""MariaDB on Swarm."""

from pulumi import ComponentResource, ResourceOptions

from components.database import DatabaseClusterArgs, DatabaseEndpoint
from components.swarm.service import Service, ServiceArgs
from components.swarm.volume import volume
from components.workload import ConfigFile, HealthCheck, Mount, SecretFile, Update, Workload

PORT = 3306
USER = 999  # mysql in the image


class DatabaseCluster(ComponentResource):
    """A single MariaDB server with its volume; no port is published."""

    endpoint: DatabaseEndpoint
    """Where the application writes."""

    def __init__(
        self, name: str, args: DatabaseClusterArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("studip:swarm:DatabaseCluster", name, None, opts)
        data = volume(name, args.labels, self)
        root_password = SecretFile(name="root-password", content=args.root_password)
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
                    env={
                        "MARIADB_DATABASE": args.database,
                        "MARIADB_USER": args.user,
                        "MARIADB_PASSWORD_FILE": password.path,
                        "MARIADB_ROOT_PASSWORD_FILE": root_password.path,
                    },
                    secrets=[root_password, password],
                    configs=[_parameters(args)] if args.parameters else [],
                    mounts=[
                        Mount(target="/var/lib/mysql", kind="volume", source=data.name),
                        Mount(target="/run/mysqld", kind="tmpfs"),
                        Mount(target="/tmp", kind="tmpfs", size=256),
                    ],
                    logging=args.logging,
                ),
                health_check=HealthCheck(command=["healthcheck"]),
                # Two servers must never share the data.
                update=Update(order="stop-first"),
                stop_grace_period=60.0,
            ),
            ResourceOptions(parent=self),
        )
        self.endpoint = DatabaseEndpoint(
            host=service.name,
            port=PORT,
            database=args.database,
            user=args.user,
            password=args.password,
        )
        self.register_outputs({"host": self.endpoint.host, "port": PORT})


def _parameters(args: DatabaseClusterArgs) -> ConfigFile:
    lines = [f"{name} = {value}" for name, value in sorted(args.parameters.items())]
    return ConfigFile(
        path="/etc/mysql/studip.d/parameters.cnf", content="\n".join(["[mysqld]", *lines, ""])
    )
