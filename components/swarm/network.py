"""Networks on Swarm."""

import pulumi_docker as docker
from pulumi import ComponentResource, InvokeOptions, Resource, ResourceOptions

from components.network import NetworkArgs
from components.workload import Network


def predefined(name: str, parent: Resource) -> Network:
    """A network that every engine has, such as host; `parent` knows which engine is asked."""
    found = docker.get_network_output(name=name, opts=InvokeOptions(parent=parent))
    return Network(id=found.id, name=name, predefined=True)


class ClusterNetwork(ComponentResource):
    """An overlay network, or one that is there already: the plugin makes no other for a Swarm."""

    network: Network
    """What containers join."""

    def __init__(self, name: str, args: NetworkArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("studip:swarm:ClusterNetwork", name, None, opts)
        if args.existing is None:
            self.network = self._overlay(name, args)
        else:
            asked = InvokeOptions(parent=self)
            found = docker.get_network_output(name=args.existing, opts=asked)
            outside = args.driver == "macvlan"
            self.network = Network(id=found.id, name=args.existing, outside=outside)
        self.register_outputs({"id": self.network.id, "name": self.network.name})

    def _overlay(self, name: str, args: NetworkArgs) -> Network:
        options = {}
        if args.encrypted:
            options["encrypted"] = ""
        if args.mtu:
            options["com.docker.network.driver.mtu"] = str(args.mtu)
        made = docker.Network(
            f"{name}-network",
            name=name,
            driver="overlay",
            attachable=True,  # one-shot jobs are plain containers
            internal=args.internal,
            options=options or None,
            ipam_configs=(
                [docker.NetworkIpamConfigArgs(subnet=args.subnet)] if args.subnet else None
            ),
            labels=[docker.NetworkLabelArgs(label=k, value=v) for k, v in args.labels.items()],
            opts=ResourceOptions(parent=self),
        )
        return Network(id=made.id, name=made.name)
