"""The application: web replicas, the one cron worker, and the job that installs and migrates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pulumi import Input, Output

from components.cache import CacheEndpoint
from components.database import DatabaseEndpoint
from components.storage import StorageEndpoint
from components.workload import Logging, Mount, Network, Resources, SecretFile, Update

USER = 33  # www-data in the images
TMP = 128  # MiB of each container's /tmp, where uploads arrive


@dataclass(frozen=True, kw_only=True)
class Backend:
    """How a load balancer that is not ours reaches the web replicas."""

    port: int  # TCP on each node, which therefore runs one replica at most
    trusted_proxies: Sequence[str]  # CIDR; whose forwarded headers are believed


@dataclass(frozen=True, kw_only=True)
class ApplicationArgs:
    """Everything the application needs; the rest is in its image."""

    image: Input[str]  # passed through
    application_network: Network
    data_network: Network
    database: DatabaseEndpoint
    cache: CacheEndpoint | None  # none: a file cache in the one replica
    storage: StorageEndpoint
    site_name: str
    url: str  # as users type it; forwarded headers are not trusted
    mail_transport: str
    demo_data: bool
    config: Mapping[str, str]  # STUDIP_CONFIG_*
    replicas: int
    drain: int  # s a stopping replica answers /health with 503 before it stops
    update: Update
    backend: Backend | None  # none: nobody but our own load balancer reaches the replicas
    resources: Resources
    cron_resources: Resources
    cron_grace_period: float  # s, longer than the longest job
    migrate_timeout: int  # s for install and migration together
    mounts: Sequence[Mount]  # beside those of the storage
    labels: Mapping[str, Mapping[str, str]]  # by role: web, cron, migrate
    logging: Logging


@dataclass(frozen=True, kw_only=True)
class ApplicationEndpoint:
    """What the load balancer forwards to."""

    host: Output[str]  # resolves to every replica
    port: int
    slots: int  # replicas there may be at most while a roll-out is under way


def secrets(args: ApplicationArgs) -> list[SecretFile]:
    """Files with the application's secrets."""
    files = [SecretFile(name="database-password", content=args.database.password)]
    if args.database.authority is not None:
        files.append(SecretFile(name="database-authority", content=args.database.authority))
    if args.cache and args.cache.password is not None:
        files.append(SecretFile(name="cache-password", content=args.cache.password))
    return files


def environment(args: ApplicationArgs, folder: str = "/run/secrets") -> dict[str, Input[str]]:
    """The application's environment, equal for all roles and on both orchestrators.

    `folder` is where its secrets are found.
    """
    env: dict[str, Input[str]] = {
        "MYSQL_HOST": args.database.host,
        "MYSQL_PORT": str(args.database.port),
        "MYSQL_DATABASE": args.database.database,
        "MYSQL_USER": args.database.user,
        "MYSQL_PASSWORD_FILE": f"{folder}/database-password",
        "AUTO_MIGRATE": "0",  # `cli/studip migrate` has no lock: the job does it, once
        "DEMO_DATA": "1" if args.demo_data else "0",
        "PROXY_URL": args.url,  # AUTO_PROXY would trust X-Forwarded-Host
        "STUDIP_NAME": args.site_name,
        "STUDIP_MAIL_TRANSPORT": args.mail_transport,
        "DRAIN_SECONDS": str(args.drain),
        "PHP_UPLOAD_LIMIT": f"{TMP * 3 // 4}M",
        **args.config,
    }
    if args.backend:
        env["TRUSTED_PROXIES"] = " ".join(args.backend.trusted_proxies) or "none"
    if args.database.authority is not None:
        env["MYSQL_SSL_CA_FILE"] = f"{folder}/database-authority"
    if args.cache:
        env |= {
            "STUDIP_CACHING_ENABLE": "1",
            "CACHE_KIND": args.cache.kind,
            "CACHE_HOST": args.cache.host,
            "CACHE_PORT": str(args.cache.port),
        }
        if args.cache.password is not None:
            env["CACHE_PASSWORD_FILE"] = f"{folder}/cache-password"
    return env
