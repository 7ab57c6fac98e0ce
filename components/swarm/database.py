"""MariaDB on Swarm."""

from collections.abc import Mapping

from pulumi import ComponentResource, Input, Output, ResourceOptions, RunError

from components.database import PORT, DatabaseClusterArgs, DatabaseEndpoint, GaleraArgs
from components.members import MembersArgs
from components.swarm.members import Members
from components.swarm.service import Service, ServiceArgs
from components.swarm.volume import volume
from components.workload import ConfigFile, HealthCheck, Mount, SecretFile, Update, Workload

USER = 999  # mysql in the image
DATA = "/var/lib/mysql"
SCRATCH = (Mount(target="/run/mysqld", kind="tmpfs"), Mount(target="/tmp", kind="tmpfs", size=256))
STOP_GRACE_PERIOD = 60.0  # s for what is still in memory


class DatabaseCluster(ComponentResource):
    """A single MariaDB server, or a Galera cluster; no port is published."""

    endpoint: DatabaseEndpoint
    """Where the application writes; with `members`, where a proxy finds who takes the writes."""

    def __init__(
        self, name: str, args: DatabaseClusterArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("studip:swarm:DatabaseCluster", name, None, opts)
        if args.kind == "single":
            hosts = [self._single(name, args)]
        else:
            if args.galera is None:
                raise RunError(f"{name}: galera: must be given for the kind galera")
            hosts = list(self._galera(name, args, args.galera).hosts)
        self.endpoint = DatabaseEndpoint(
            host=hosts[0],
            port=PORT,
            database=args.database,
            user=args.user,
            password=args.password,
            authority=args.galera.certificate.authority if args.galera else None,
            members=hosts if args.galera else (),
        )
        self.register_outputs({"hosts": hosts, "port": PORT})

    def _single(self, name: str, args: DatabaseClusterArgs) -> Output[str]:
        data = volume(name, args.labels, self)
        service = Service(
            name,
            ServiceArgs(
                workload=Workload(
                    image=args.image,
                    labels=args.labels,
                    networks=[args.network],
                    resources=args.resources,
                    user=USER,
                    env=_environment(args),
                    secrets=_passwords(args),
                    configs=_parameters(args),
                    mounts=[Mount(target=DATA, kind="volume", source=data.name), *SCRATCH],
                    logging=args.logging,
                ),
                health_check=HealthCheck(command=["healthcheck"]),
                # Two servers must never share the data.
                update=Update(order="stop-first"),
                stop_grace_period=STOP_GRACE_PERIOD,
            ),
            ResourceOptions(parent=self),
        )
        return service.name

    def _galera(self, name: str, args: DatabaseClusterArgs, galera: GaleraArgs) -> Members:
        certificate = SecretFile(name="certificate", content=galera.certificate.certificate)
        key = SecretFile(name="key", content=galera.certificate.key)
        authority = SecretFile(name="authority", content=galera.certificate.authority)
        return Members(
            name,
            MembersArgs(
                count=galera.members,
                nodes=galera.nodes,
                data=DATA,
                user=USER,
                image=args.image,
                network=args.network,
                env={
                    **_environment(args),
                    "GALERA_CACHE": str(galera.cache),
                    "GALERA_CLUSTER": name[-32:],
                    "GALERA_KEEPALIVE": f"{galera.timers.keepalive:g}",
                    "GALERA_SUSPECT_TIMEOUT": f"{galera.timers.suspect:g}",
                    "GALERA_INACTIVE_TIMEOUT": f"{galera.timers.inactive:g}",
                    "TLS_CERTIFICATE_FILE": certificate.path,
                    "TLS_KEY_FILE": key.path,
                    "TLS_AUTHORITY_FILE": authority.path,
                },
                secrets=[*_passwords(args), certificate, key, authority],
                configs=_parameters(args),
                mounts=SCRATCH,
                timers=galera.member_timers,
                stop_grace_period=STOP_GRACE_PERIOD,
                labels=args.labels,
                resources=args.resources,
                logging=args.logging,
            ),
            ResourceOptions(parent=self),
        )


def _passwords(args: DatabaseClusterArgs) -> list[SecretFile]:
    return [
        SecretFile(name="root-password", content=args.root_password),
        SecretFile(name="password", content=args.password),
    ]


def _environment(args: DatabaseClusterArgs) -> Mapping[str, Input[str]]:
    root_password, password = _passwords(args)
    return {
        "MARIADB_DATABASE": args.database,
        "MARIADB_USER": args.user,
        "MARIADB_PASSWORD_FILE": password.path,
        "MARIADB_ROOT_PASSWORD_FILE": root_password.path,
    }


def _parameters(args: DatabaseClusterArgs) -> list[ConfigFile]:
    if not args.parameters:
        return []
    lines = [f"{name} = {value}" for name, value in sorted(args.parameters.items())]
    return [
        ConfigFile(
            path="/etc/mysql/studip.d/parameters.cnf", content="\n".join(["[mysqld]", *lines, ""])
        )
    ]
