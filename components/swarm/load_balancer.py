"""HAProxy on Swarm."""

from pulumi import ComponentResource, Input, ResourceOptions

from components.load_balancer import LoadBalancerArgs
from components.swarm.service import Service, ServiceArgs
from components.workload import HealthCheck, Mount, Port, SecretFile, Update, Workload

HTTP = 8080  # in the container
HTTPS = 8443  # in the container
USER = 999  # haproxy in the image


class LoadBalancer(ComponentResource):
    """HAProxy that finds the replicas through Swarm's DNS.

    Its ports are the node's, unless the edge network gives it an address of its own.
    """

    def __init__(
        self, name: str, args: LoadBalancerArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("studip:swarm:LoadBalancer", name, None, opts)
        outside = args.edge_network.outside
        http = args.http_port if outside else HTTP
        env: dict[str, Input[str]] = {
            "BACKEND_HOST": args.backend.host,
            "BACKEND_PORT": str(args.backend.port),
            "BACKEND_SLOTS": str(args.backend.slots),
            "BIND_HTTP": str(http),
        }
        ports = [Port(target=http, published=args.http_port)]
        secrets = []
        if args.certificate is not None and args.https_port is not None:
            certificate = SecretFile(name="certificate.pem", content=args.certificate)
            secrets.append(certificate)
            https = args.https_port if outside else HTTPS
            env |= {
                "BIND_HTTPS": str(https),
                "HTTPS_PORT": str(args.https_port),
                "CERTIFICATE_FILE": certificate.path,
            }
            ports.append(Port(target=https, published=args.https_port))
        Service(
            name,
            ServiceArgs(
                workload=Workload(
                    image=args.image,
                    labels=args.labels,
                    networks=[args.edge_network, args.application_network],
                    resources=args.resources,
                    user=USER,
                    env=env,
                    secrets=secrets,
                    mounts=[Mount(target="/tmp", kind="tmpfs", size=16)],
                    logging=args.logging,
                ),
                ports=[] if outside else ports,
                health_check=HealthCheck(command=["healthcheck"]),
                # The node has each port once.
                update=Update(order="stop-first"),
                stop_grace_period=30.0,
            ),
            ResourceOptions(parent=self),
        )
        self.register_outputs({})
