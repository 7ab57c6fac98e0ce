"""HAProxy on Swarm."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

from pulumi import ComponentResource, Input, ResourceOptions

from components.load_balancer import Acme, LoadBalancerArgs, pem
from components.swarm.service import Service, ServiceArgs
from components.workload import HealthCheck, Mount, Port, SecretFile, Update, Workload

HTTP = 8080  # in the container
HTTPS = 8443  # in the container
MONITOR = 8405  # in the container
CHALLENGES = 8402  # in the ACME client's container
LINGER = 25  # s that open requests are granted when it stops
WAIT = 40  # s, less than the start period of its health check, until it is healthy without replicas
USER = 999  # haproxy and acme in the images
CERTIFICATES = "/certificates"  # in the containers of HAProxy and the ACME client


class LoadBalancer(ComponentResource):
    """HAProxy that finds the replicas through Swarm's DNS.

    Its ports are the node's, unless the edge network gives it an address of its own.
    """

    def __init__(
        self, name: str, args: LoadBalancerArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("studip:swarm:LoadBalancer", name, None, opts)
        secrets = _secrets(args)
        mounts = [Mount(target="/tmp", kind="tmpfs", size=16)]
        if args.acme is not None:
            mounts.append(replace(args.acme.certificates, target=CERTIFICATES, read_only=True))
        balancer = Service(
            name,
            ServiceArgs(
                workload=Workload(
                    image=args.image,
                    labels=args.labels,
                    networks=[args.edge_network, args.application_network],
                    resources=args.resources,
                    user=USER,
                    env=_environment(f"{name}-acme", args, secrets),
                    secrets=secrets,
                    mounts=mounts,
                    logging=args.logging,
                ),
                replicas=args.replicas,
                per_node=1 if args.replicas > 1 else 0,
                constraints=args.constraints,
                ports=[] if args.edge_network.outside else _ports(args),
                health_check=HealthCheck(command=["healthcheck"]),
                # The node has each port once.
                update=Update(order="stop-first"),
                stop_grace_period=LINGER + ceil(args.handover) + 5.0,
            ),
            ResourceOptions(parent=self),
        )
        if args.acme is not None:
            # The authority asks through the load balancer.
            after = ResourceOptions(parent=self, depends_on=[balancer])
            Service(f"{name}-acme", _acme(args, args.acme), after)
        self.register_outputs({})


def _secrets(args: LoadBalancerArgs) -> list[SecretFile]:
    given = [*([] if args.certificate is None else [args.certificate]), *args.certificates]
    # HAProxy reads a folder in the order of names; who asks for no name gets the first.
    return [
        SecretFile(
            name=f"certificate-{number}.pem" if number > 1 else "certificate.pem",
            content=pem(certificate),
        )
        for number, certificate in enumerate(given, 1)
    ]


def _ports(args: LoadBalancerArgs) -> list[Port]:
    published = {HTTP: args.http_port, HTTPS: args.https_port, MONITOR: args.monitor_port}
    return [
        Port(target=target, published=port)
        for target, port in published.items()
        if port is not None
    ]


def _environment(
    acme: str, args: LoadBalancerArgs, secrets: Sequence[SecretFile]
) -> dict[str, Input[str]]:
    outside = args.edge_network.outside
    env: dict[str, Input[str]] = {
        "BACKEND_HOST": args.backend.host,
        "BACKEND_PORT": str(args.backend.port),
        "BACKEND_SLOTS": str(args.backend.slots),
        "BIND_HTTP": str(args.http_port if outside else HTTP),
        "BIND_MONITOR": str(MONITOR),
        "CHECK_FALL": str(args.checks.fall),
        "CHECK_INTER": str(round(args.checks.interval * 1000)),
        "CHECK_TIMEOUT": str(round(args.checks.timeout * 1000)),
        "HANDOVER_SECONDS": str(ceil(args.handover)),
        "LINGER_SECONDS": str(LINGER),
        "WAIT_SECONDS": str(WAIT),
    }
    if args.https_port is not None:
        env |= {
            "BIND_HTTPS": str(args.https_port if outside else HTTPS),
            "HTTPS_PORT": str(args.https_port),
        }
        if args.acme is not None:
            env |= {
                "ACME_HOST": acme,
                "ACME_PORT": str(CHALLENGES),
                "CERTIFICATES": CERTIFICATES,
            }
        elif secrets:
            env["CERTIFICATES"] = "/run/secrets"
    return env


def _acme(args: LoadBalancerArgs, acme: Acme) -> ServiceArgs:
    env: dict[str, Input[str]] = {
        "ACME_DIRECTORY": acme.directory,
        "ACME_EMAIL": acme.email,
        "ACME_DOMAINS": " ".join(acme.domains),
        "ACME_PORT": str(CHALLENGES),
        "RENEW_DAYS": str(acme.renew_before),
    }
    secrets = []
    if acme.authority is not None:
        secrets.append(SecretFile(name="authority.pem", content=acme.authority))
        env["LEGO_CA_CERTIFICATES"] = secrets[0].path
    return ServiceArgs(
        workload=Workload(
            image=acme.image,
            labels=args.labels,
            networks=[args.edge_network],
            resources=args.resources,
            user=USER,
            env=env,
            secrets=secrets,
            mounts=[
                Mount(target="/tmp", kind="tmpfs", size=16),
                replace(acme.certificates, target=CERTIFICATES),
                replace(acme.account, target="/var/lib/acme"),
            ],
            logging=args.logging,
        ),
        health_check=HealthCheck(command=["healthcheck"]),
        # The account has one client at a time.
        update=Update(order="stop-first"),
    )
