"""The whole tree of settings, one model a section."""

from typing import Annotated, Any, Literal

from pydantic import Field

from stacks.settings.base import Model, Secret
from stacks.settings.types import (
    Cidr,
    DatabaseName,
    Engine,
    Folder,
    HostName,
    HttpUrl,
    IpAddress,
    Mib,
    NetworkName,
    Parameter,
    Quota,
    Repository,
    Revision,
    Seconds,
    SiteUrl,
    TcpPort,
    UserName,
)

LOCAL_ENGINE = "unix:///var/run/docker.sock"

# Defaults are made by `model_construct`: they are right, and need no validator built for them.


class Amount(Model):
    """Processor time and memory."""

    cpus: float = Field(0.5, gt=0, description="cores")
    memory_mib: Mib = Field(128, description="MiB")


class Reservation(Model):
    """Processor time and memory that are promised."""

    cpus: float = Field(0.0, ge=0, description="cores")
    memory_mib: int = Field(0, ge=0, description="MiB")


class Resources(Model):
    """What one container may use (limits) and is promised (reservations)."""

    limits: Amount = Field(Amount.model_construct(), description="at most")
    reservations: Reservation = Field(Reservation.model_construct(), description="promised")


def _resources(
    cpus: float,
    memory_mib: int,
    reserved_mib: int,
    description: str = "what one container may use and is promised",
) -> Any:
    return Field(
        Resources.model_construct(
            limits=Amount.model_construct(cpus=cpus, memory_mib=memory_mib),
            reservations=Reservation.model_construct(memory_mib=reserved_mib),
        ),
        description=description,
    )


class Platform(Model):
    """The platform as its users see it."""

    name: str = Field("Stud.IP", description="name on the pages")
    url: SiteUrl | None = Field(
        None,
        description="address that users type; default: 127.0.0.1 with the load balancer's port",
    )
    mail_transport: Literal["none", "smtp", "sendmail", "debug"] = Field(
        "none", description="how mail leaves; none: it does not"
    )
    demo_data: bool = Field(False, description="install demonstration data")
    config: dict[str, str] = Field(
        default_factory=dict, description="STUDIP_CONFIG_* settings by their full name"
    )


class Node(Model):
    """A machine of the cluster."""

    name: HostName = Field(description="host name")
    engine: Engine = Field(LOCAL_ENGINE, description="how its Docker Engine is reached")
    certificates: str | None = Field(None, description="folder with TLS keys for a tcp engine")
    address: IpAddress | None = Field(
        None, description="IP address that other nodes use; needed where there are several"
    )
    role: Literal["manager", "worker"] = Field("manager", description="in the Swarm")
    labels: dict[str, str] = Field(default_factory=dict, description="labels such as zone")


class Network(Model):
    """One network."""

    driver: Literal["overlay", "bridge", "host", "macvlan", "none"] = Field(
        "overlay", description="kind of network"
    )
    name: NetworkName | None = Field(
        None, description="of one that was made by hand (bridge, macvlan)"
    )
    subnet: Cidr | None = Field(None, description="CIDR (overlay); default: the engine's pool")
    mtu: Annotated[int, Field(ge=576, le=9000)] | None = Field(None, description="bytes (overlay)")
    encrypted: bool = Field(False, description="IPsec between nodes (overlay)")


class Networks(Model):
    """Networks: users to load balancer, load balancer to web, web to data."""

    edge: Network = Field(
        Network.model_construct(), description="load balancer and what watches it"
    )
    application: Network = Field(Network.model_construct(), description="load balancer and web")
    data: Network = Field(Network.model_construct(), description="web, database and cache")


class Registry(Model):
    """Where images are published."""

    kind: Literal["distribution", "external"] = Field("distribution", description="how it is had")
    port: TcpPort = Field(
        5000,
        description="TCP on the loopback address; with several nodes on all of theirs, with TLS "
        "and a login",
    )
    address: str | None = Field(None, description="host:port of an external one")
    user: str | None = Field(None, description="login")
    password: Secret | None = Field(None, description="login, secret")
    keep: Annotated[int, Field(ge=1)] = Field(5, description="images kept per repository")
    resources: Resources = _resources(0.5, 128, 16)


class Source(Model):
    """Where Stud.IP's source is."""

    directory: str | None = Field(None, description="folder with the source")
    git: Repository | None = Field(None, description="repository")
    revision: Revision | None = Field(None, description="tag or commit in the repository")


class CustomImage(Model):
    """A Dockerfile FROM ours, used instead of it."""

    context: str = Field(description="folder with it")
    dockerfile: str = Field("Dockerfile", description="file in the folder")


class Images(Model):
    """What the images are built from."""

    source: Literal["debian", "upstream"] = Field(
        "debian", description="base images: made on the spot, or the official ones"
    )
    application: Literal["demo", "studip"] = Field("demo", description="what is run")
    runtime: Literal["php-apache", "php-fpm", "php-fpm-alpine"] = Field(
        "php-apache", description="PHP and its web server"
    )
    studip: Source = Field(Source.model_construct(), description="source of the application studip")
    custom: CustomImage | None = Field(None, description="an image of your own on top")


class Update(Model):
    """How new replicas take over."""

    order: Literal["start-first", "stop-first"] = Field("start-first", description="what is first")
    parallelism: Annotated[int, Field(ge=1)] = Field(1, description="replicas at a time")
    delay: Annotated[float, Field(ge=0)] = Field(0.0, description="s between batches")
    monitor: Annotated[float, Field(gt=0)] = Field(5.0, description="s a new replica is watched")
    timeout: Seconds = Field(180, description="s for the whole roll-out")


class Web(Model):
    """Replicas that answer requests."""

    replicas: Annotated[int, Field(ge=1, le=64)] = Field(2, description="number")
    drain_seconds: Annotated[int, Field(ge=0, le=600)] = Field(
        4, description="s a stopping replica says so before it stops"
    )
    update: Update = Field(Update.model_construct(), description="rolling update")
    resources: Resources = _resources(1.0, 256, 64)


class Cron(Model):
    """The one worker of scheduled jobs."""

    grace_period: Seconds = Field(60, description="s, longer than the longest job")
    resources: Resources = _resources(0.5, 256, 32)


class Migrate(Model):
    """The job that installs and migrates before a roll-out."""

    timeout: Seconds = Field(300, description="s")


class Mount(Model):
    """A further mount of the application's containers."""

    target: Folder = Field(description="path in the container")
    kind: Literal["volume", "tmpfs", "bind"] = Field("volume", description="what is mounted")
    source: str | None = Field(None, description="volume or folder of the node; not for tmpfs")
    size: Mib | None = Field(None, description="MiB, tmpfs only")
    read_only: bool = Field(False, description="no writing")


class Application(Model):
    """Stud.IP."""

    web: Web = Field(Web.model_construct(), description="replicas that answer requests")
    cron: Cron = Field(Cron.model_construct(), description="the one worker of scheduled jobs")
    migrate: Migrate = Field(Migrate.model_construct(), description="install and migrate")
    mounts: tuple[Mount, ...] = Field((), strict=False, description="beside those of the storage")


class Database(Model):
    """The database."""

    kind: Literal["single", "galera", "innodb-cluster", "external"] = Field(
        "single", description="how it is had"
    )
    members: Annotated[int, Field(ge=1, le=7)] | None = Field(
        None, description="3, 5 or 7 for galera and innodb-cluster"
    )
    database: DatabaseName = Field("studip", description="name of the database")
    user: UserName = Field("studip", description="who uses it")
    host: str | None = Field(None, description="of an external one")
    port: TcpPort = Field(3306, description="of an external one")
    password: Secret | None = Field(None, description="of an external one, secret")
    parameters: dict[str, Parameter] = Field(
        default_factory=dict, description="server variables; true and false become ON and OFF"
    )
    resources: Resources = _resources(
        1.0, 512, 128, "of each member; innodb-cluster needs a limit of at least 1024 MiB"
    )
    proxy_resources: Resources = _resources(
        0.5, 128, 16, "of what finds the member that takes the writes, one a node"
    )


class Cache(Model):
    """The cache that all replicas share."""

    kind: Literal["redis", "file", "external"] = Field(
        "redis", description="how it is had; file: each replica its own"
    )
    memory_mib: Mib = Field(64, description="MiB of values")
    host: str | None = Field(None, description="of an external one")
    port: TcpPort = Field(6379, description="of an external one")
    password: Secret | None = Field(None, description="of an external one, secret")
    resources: Resources = _resources(0.5, 128, 16)
    sentinel_resources: Resources = _resources(
        0.25, 64, 8, "of those that choose the master, where there are several servers"
    )


class Vrrp(Model):
    """An address that moves to the next load balancer when one dies."""

    address: IpAddress = Field(description="IPv4 address that no node has")
    prefix_length: Annotated[int, Field(ge=1, le=32)] = Field(
        32, description="of the address; 32: the nodes' own addresses lead into its network"
    )
    interface: str | None = Field(
        None, description="network interface of the nodes; default: the one with their address"
    )
    on: Literal["host", "macvlan"] = Field(
        "host", description="the node's MAC address, or one that moves along"
    )
    router_id: Annotated[int, Field(ge=1, le=255)] = Field(51, description="unique in its network")
    profile: Literal["standard", "fast"] = Field(
        "standard", description="advertisements each 1 s or each 0.2 s"
    )
    unicast: bool = Field(True, description="to the other nodes, not to a group")
    monitor_port: TcpPort = Field(
        8405, description="TCP on the nodes, where their load balancer says how it is"
    )
    resources: Resources = _resources(0.25, 64, 8)


class Acme(Model):
    """Who signs certificates by ACME (RFC 8555), and asks for their proof by HTTP."""

    directory: HttpUrl = Field(description="URL of its directory")
    email: str = Field(pattern=r"^\S+@\S+$", description="where it writes to")
    authority: str | None = Field(
        None,
        description="PEM file that the directory's own certificate is checked by; default: "
        "Debian's authorities",
    )
    renew_days: Annotated[int, Field(ge=1, le=90)] = Field(
        30, description="days before a certificate ends"
    )


class LoadBalancer(Model):
    """What users talk to."""

    kind: Literal["haproxy", "external"] = Field("haproxy", description="how it is had")
    replicas: Annotated[int, Field(ge=1, le=16)] = Field(1, description="number, one a node")
    http_port: TcpPort = Field(8080, description="TCP on the node")
    https_port: TcpPort | None = Field(None, description="TCP on the node, with a certificate")
    certificate: str | None = Field(None, description="PEM file with certificate, chain and key")
    issuer: Literal["file", "authority", "acme"] = Field(
        "file",
        description="where the certificate comes from; authority: the platform's own, for the "
        "host of platform.url; acme: the one in `acme`, for the same",
    )
    acme: Acme | None = Field(None, description="of the issuer acme")
    backend_port: TcpPort | None = Field(
        None, description="TCP on each node, where an external one finds a web replica"
    )
    trusted_proxies: tuple[Cidr, ...] = Field(
        (),
        strict=False,
        description="networks of an external one, whose forwarded headers are believed",
    )
    vrrp: Vrrp | None = Field(None, description="an address that moves between nodes")
    resources: Resources = _resources(0.5, 128, 16)


class Nfs(Model):
    """A file server of the site; each folder is a folder of its own there."""

    server: str = Field(description="host name or address")
    path: Folder = Field(description="what it exports")
    version: Literal["3", "4", "4.0", "4.1", "4.2"] = Field("4.2", description="of the protocol")


class Glusterfs(Model):
    """GlusterFS on the first three nodes, mounted on all."""

    disks: dict[str, Folder] = Field(
        default_factory=dict, description="mounted disk by node; default: a volume"
    )
    quotas: dict[str, Quota] = Field(
        default_factory=dict, description="by folder, such as upload-doc: 500GB"
    )
    split_brain: Literal["none", "mtime", "ctime", "size", "majority"] = Field(
        "mtime", description="which copy wins where they differ; none: an operator decides"
    )
    ping_timeout: Annotated[int, Field(ge=2, le=120)] = Field(
        10, description="s until a silent member is left out"
    )
    resources: Resources = _resources(1.0, 512, 128)
    client_resources: Resources = _resources(1.0, 256, 64, "of a node's mount")


class CephCluster(Model):
    """A cluster that the site has."""

    monitors: list[str] = Field(min_length=1, description="hosts, with port where unusual")
    user: str = Field("studip", description="without client.; it needs the right p for quotas")
    key: Secret = Field(description="of this user, secret")
    filesystem: str = Field("cephfs", description="name of the file system")
    path: Folder = Field("/", description="folder of the file system that is mounted")


class Cephfs(Model):
    """CephFS on the first three nodes, or of the site; mounted on all."""

    cluster: CephCluster | None = Field(
        None, description="the site's; default: members of our own on the first three nodes"
    )
    disks: dict[str, Folder] = Field(
        default_factory=dict, description="mounted disk by node; default: a volume"
    )
    size_gib: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        100, description="that each member may hold, fixed at its first start; it grows up to that"
    )
    quotas: dict[str, Quota] = Field(
        default_factory=dict, description="by folder, such as upload-doc: 500GB"
    )
    grace: Annotated[int, Field(ge=4, le=60)] = Field(
        6, description="s until a silent daemon is left out"
    )
    resources: Resources = _resources(1.0, 1024, 256, "of an object store")
    daemon_resources: Resources = _resources(
        1.0, 512, 64, "of each monitor, manager, metadata server"
    )
    client_resources: Resources = _resources(1.0, 512, 64, "of a node's mount")


class Storage(Model):
    """Where the shared state lies."""

    kind: Literal["local", "nfs", "glusterfs", "cephfs", "external"] = Field(
        "local", description="how it is had"
    )
    replicas: Literal[2, 3] = Field(
        3, description="copies, for glusterfs and cephfs; 2 (glusterfs only): and an arbiter"
    )
    nfs: Nfs | None = Field(None, description="the file server, for the kind nfs")
    glusterfs: Glusterfs = Field(Glusterfs.model_construct(), description="for the kind glusterfs")
    cephfs: Cephfs = Field(Cephfs.model_construct(), description="for the kind cephfs")
    driver: str = Field("local", description="volume driver of an external one")
    driver_options: dict[str, str] = Field(
        default_factory=dict,
        description="options of its volumes; {folder} is the folder's name",
    )


class Authority(Model):
    """Who signs the certificates of the platform's parts; default: an authority of its own."""

    certificate: str | None = Field(
        None, description="PEM file of the site's; with those up to the root"
    )
    key: Secret | None = Field(None, description="its key, PEM without passphrase, secret")
    root: str | None = Field(
        None, description="PEM file of what clients trust; default: the certificate"
    )


class Logging(Model):
    """Rotation of the containers' logs."""

    max_size: Annotated[int, Field(ge=1)] = Field(10, description="MiB a file")
    max_files: Annotated[int, Field(ge=1)] = Field(3, description="files a container")


class Gitlab(Model):
    """The GitLab project of the platform."""

    kind: Literal["none", "managed", "external"] = Field("none", description="how it is had")
    url: HttpUrl | None = Field(None, description="GitLab's address")
    project: str | None = Field(None, description="group/project")
    token: Secret | None = Field(None, description="access token, secret")


class Settings(Model):
    """Everything about one environment."""

    environment: str
    file: str
    orchestrator: Literal["swarm", "kubernetes"] = Field("swarm", description="what runs it")
    platform: Platform = Field(
        Platform.model_construct(), description="the platform as its users see it"
    )
    nodes: tuple[Node, ...] = Field(
        (Node.model_construct(name="local"),), description="machines of the cluster"
    )
    networks: Networks = Field(Networks.model_construct(), description="networks")
    registry: Registry = Field(Registry.model_construct(), description="where images are published")
    images: Images = Field(Images.model_construct(), description="what the images are built from")
    application: Application = Field(Application.model_construct(), description="Stud.IP")
    database: Database = Field(Database.model_construct(), description="the database")
    cache: Cache = Field(Cache.model_construct(), description="the cache that all replicas share")
    load_balancer: LoadBalancer = Field(
        LoadBalancer.model_construct(), description="what users talk to"
    )
    storage: Storage = Field(Storage.model_construct(), description="where the shared state lies")
    authority: Authority = Field(
        Authority.model_construct(), description="who signs certificates, with several nodes"
    )
    logging: Logging = Field(
        Logging.model_construct(), description="rotation of the containers' logs"
    )
    gitlab: Gitlab = Field(Gitlab.model_construct(), description="the GitLab project")

    @property
    def url(self) -> str:
        """Address that users type."""
        if self.platform.url:
            return self.platform.url
        balancer = self.load_balancer
        if balancer.https_port:
            return f"https://127.0.0.1:{balancer.https_port}"
        return f"http://127.0.0.1:{balancer.http_port}"


SECTIONS: dict[str, Any] = {
    name: field
    for name, field in Settings.model_fields.items()
    if name not in ("environment", "file")
}
