"""The private registry on Swarm."""

from pulumi import ComponentResource, Input, Output, Resource, ResourceOptions

from components.registry import (
    GRACE_PERIOD,
    HEALTH_CHECK,
    RegistryArgs,
    RegistryClusterArgs,
    RegistryEndpoint,
)
from components.swarm.network import predefined
from components.swarm.service import Service, ServiceArgs
from components.swarm.volume import volume
from components.workload import Mount, Network, SecretFile, Update, Workload

DATA = "/var/lib/registry"
USER = 999  # docker-registry in the image


class Registry(ComponentResource):
    """A registry as a service; its volume keeps the images.

    Swarm publishes ports on all addresses. So that nobody but the node itself reaches it, it
    joins the node's own network and binds the loopback address.
    """

    endpoint: RegistryEndpoint
    """Address to push to and pull from."""

    def __init__(self, name: str, args: RegistryArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("studip:swarm:Registry", name, None, opts)
        address = f"127.0.0.1:{args.port}"
        data = volume(name, args.labels, self)
        service = Service(
            name,
            ServiceArgs(
                workload=Workload(
                    image=args.image,
                    labels=args.labels,
                    networks=[predefined("host", self)],
                    resources=args.resources,
                    env={"REGISTRY_HTTP_ADDR": address},
                    mounts=[
                        Mount(target=DATA, kind="volume", source=data.name, labels=args.labels),
                        Mount(target="/tmp", kind="tmpfs"),
                    ],
                    logging=args.logging,
                ),
                health_check=HEALTH_CHECK,
                update=Update(order="stop-first"),
            ),
            ResourceOptions(parent=self),
        )
        self.endpoint = RegistryEndpoint(address=service.name.apply(lambda _: address))
        self.register_outputs({"address": self.endpoint.address})


class RegistryCluster(ComponentResource):
    """A registry on every node, each on the node's own network, all on one shared folder.

    Every engine finds the images at the same loopback address, and depends on its own node alone.
    They are replaced one after the other.
    """

    endpoint: RegistryEndpoint
    """Address to push to and pull from on any node, with the login."""

    def __init__(
        self, name: str, args: RegistryClusterArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("studip:swarm:RegistryCluster", name, None, opts)
        host = predefined("host", self)
        names: list[Output[str]] = []
        before: list[Resource] = []
        for number, node in enumerate(args.nodes, 1):
            service = Service(
                f"{name}-{number}",
                ServiceArgs(
                    workload=_workload(args, args.images[node.name], host),
                    constraints=[node.constraint],
                    health_check=HEALTH_CHECK,
                    # The node has the port once.
                    update=Update(order="stop-first"),
                    stop_grace_period=GRACE_PERIOD,
                ),
                ResourceOptions(parent=self, depends_on=before),
            )
            before = [service]
            names.append(service.name)
        self.endpoint = RegistryEndpoint(
            address=Output.all(*names).apply(lambda _: f"127.0.0.1:{args.port}"),
            user=args.user,
            password=args.password,
        )
        self.register_outputs({"address": self.endpoint.address})


def _workload(args: RegistryClusterArgs, image: Input[str], host: Network) -> Workload:
    certificate = SecretFile(name="certificate.pem", content=args.certificate.certificate)
    key = SecretFile(name="key.pem", content=args.certificate.key)
    login = SecretFile(
        name="htpasswd", content=Output.concat(args.user, ":", args.password_hash, "\n")
    )
    return Workload(
        image=image,
        labels=args.labels,
        networks=[host],
        resources=args.resources,
        user=USER,
        env={
            "REGISTRY_HTTP_ADDR": f":{args.port}",
            "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": args.data.target,
            "REGISTRY_CERTIFICATE_FILE": certificate.path,
            "REGISTRY_KEY_FILE": key.path,
            "REGISTRY_HTPASSWD_FILE": login.path,
        },
        secrets=[certificate, key, login],
        mounts=[args.data, Mount(target="/tmp", kind="tmpfs")],
        logging=args.logging,
    )
