"""The private registry on Swarm."""

from pulumi import ComponentResource, ResourceOptions

from components.registry import RegistryArgs, RegistryEndpoint
from components.swarm.network import predefined
from components.swarm.service import Service, ServiceArgs
from components.swarm.volume import volume
from components.workload import HealthCheck, Mount, Update, Workload

DATA = "/var/lib/registry"


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
                    networks=[predefined("host")],
                    resources=args.resources,
                    env={"REGISTRY_HTTP_ADDR": address},
                    mounts=[
                        Mount(target=DATA, kind="volume", source=data.name),
                        Mount(target="/tmp", kind="tmpfs"),
                    ],
                    logging=args.logging,
                ),
                health_check=HealthCheck(command=["healthcheck"]),
                update=Update(order="stop-first"),
            ),
            ResourceOptions(parent=self),
        )
        self.endpoint = RegistryEndpoint(address=service.name.apply(lambda _: address))
        self.register_outputs({"address": self.endpoint.address})
