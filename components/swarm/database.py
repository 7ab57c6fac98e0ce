"""MariaDB or MySQL on Swarm."""

from collections.abc import Mapping

from pulumi import ComponentResource, Input, Output, ResourceOptions, RunError

from components.certificate import Certificate
from components.database import (
    PORT,
    DatabaseClusterArgs,
    DatabaseEndpoint,
    GaleraArgs,
    InnodbClusterArgs,
)
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
    """A single MariaDB server, or a cluster of MariaDB or MySQL; no port is published."""

    endpoint: DatabaseEndpoint
    """Where the application writes; with `members`, where a proxy finds who takes the writes."""

    def __init__(
        self, name: str, args: DatabaseClusterArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("studip:swarm:DatabaseCluster", name, None, opts)
        cluster = _cluster(name, args)
        if cluster is None:
            hosts = [self._single(name, args)]
        else:
            hosts = list(self._members(name, args, cluster).hosts)
        self.endpoint = DatabaseEndpoint(
            host=hosts[0],
            port=PORT,
            database=args.database,
            user=args.user,
            password=args.password,
            authority=cluster.certificate.authority if cluster else None,
            members=hosts if cluster else (),
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
                    mounts=[
                        Mount(target=DATA, kind="volume", source=data.name, labels=args.labels),
                        *SCRATCH,
                    ],
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

    def _members(
        self, name: str, args: DatabaseClusterArgs, cluster: GaleraArgs | InnodbClusterArgs
    ) -> Members:
        files = _certificate_files(cluster.certificate)
        if isinstance(cluster, GaleraArgs):
            own = {**_environment(args), **_galera(name, cluster)}
        else:
            own = {**_environment(args, "MYSQL"), **_group(cluster)}
        return Members(
            name,
            MembersArgs(
                count=cluster.members,
                nodes=cluster.nodes,
                data=DATA,
                user=USER,
                image=args.image,
                network=args.network,
                env={**own, **{f"TLS_{file.name.upper()}_FILE": file.path for file in files}},
                secrets=[*_passwords(args), *files],
                configs=_parameters(args),
                mounts=SCRATCH,
                timers=cluster.member_timers,
                stop_grace_period=STOP_GRACE_PERIOD,
                labels=args.labels,
                resources=args.resources,
                logging=args.logging,
            ),
            ResourceOptions(parent=self),
        )


def _cluster(name: str, args: DatabaseClusterArgs) -> GaleraArgs | InnodbClusterArgs | None:
    if args.kind == "single":
        return None
    given: GaleraArgs | InnodbClusterArgs | None = (
        args.galera if args.kind == "galera" else args.innodb_cluster
    )
    if given is None:
        field = args.kind.replace("-", "_")
        raise RunError(f"{name}: {field}: must be given for the kind {args.kind}")
    return given


def _certificate_files(certificate: Certificate) -> list[SecretFile]:
    return [
        SecretFile(name="certificate", content=certificate.certificate),
        SecretFile(name="key", content=certificate.key),
        SecretFile(name="authority", content=certificate.authority),
    ]


def _galera(name: str, galera: GaleraArgs) -> Mapping[str, str]:
    return {
        "GALERA_CACHE": str(galera.cache),
        "GALERA_CLUSTER": name[-32:],
        "GALERA_KEEPALIVE": f"{galera.timers.keepalive:g}",
        "GALERA_SUSPECT_TIMEOUT": f"{galera.timers.suspect:g}",
        "GALERA_INACTIVE_TIMEOUT": f"{galera.timers.inactive:g}",
    }


def _group(cluster: InnodbClusterArgs) -> Mapping[str, str]:
    return {
        "GROUP_CACHE": str(cluster.cache),
        "GROUP_CLONE_THRESHOLD": str(cluster.clone_threshold),
        "GROUP_EXPEL_TIMEOUT": str(cluster.timers.expel),
    }


def _passwords(args: DatabaseClusterArgs) -> list[SecretFile]:
    return [
        SecretFile(name="root-password", content=args.root_password),
        SecretFile(name="password", content=args.password),
    ]


def _environment(args: DatabaseClusterArgs, prefix: str = "MARIADB") -> Mapping[str, Input[str]]:
    root_password, password = _passwords(args)
    return {
        f"{prefix}_DATABASE": args.database,
        f"{prefix}_USER": args.user,
        f"{prefix}_PASSWORD_FILE": password.path,
        f"{prefix}_ROOT_PASSWORD_FILE": root_password.path,
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
