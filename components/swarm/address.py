"""The address that users know, on Swarm."""

from pulumi import ComponentResource, Resource, ResourceOptions, RunError

from components.address import VirtualAddressArgs, environment
from components.swarm.network import predefined
from components.swarm.service import Service, ServiceArgs
from components.workload import HealthCheck, Mount, Update, Workload

CAPABILITIES = ("CAP_NET_ADMIN", "CAP_NET_RAW")


class VirtualAddress(ComponentResource):
    """keepalived on each node of a load balancer: one service a node, changed one by one."""

    def __init__(
        self, name: str, args: VirtualAddressArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("studip:swarm:VirtualAddress", name, None, opts)
        if len(args.nodes) < 2:
            raise RunError(f"{name}: nodes: must be at least 2, got {len(args.nodes)}")
        host = predefined("host", self)
        before: list[Resource] = []
        for number, node in enumerate(args.nodes):
            service = Service(
                f"{name}-{number + 1}",
                ServiceArgs(
                    workload=Workload(
                        image=args.image,
                        labels=args.labels,
                        networks=[host],
                        resources=args.resources,
                        env=environment(args, number),
                        capabilities=CAPABILITIES,
                        mounts=[Mount(target="/run/keepalived", kind="tmpfs", size=4, mode=0o1777)],
                        logging=args.logging,
                    ),
                    health_check=HealthCheck(command=["healthcheck"]),
                    update=Update(order="stop-first"),
                    constraints=[node.constraint],
                ),
                ResourceOptions(parent=self, depends_on=before),
            )
            before = [service]
        self.register_outputs({"addresses": list(args.addresses)})
