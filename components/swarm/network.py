"""Networks on Swarm."""

import pulumi_docker as docker
from pulumi import ComponentResource, ResourceOptions

from components.network import NetworkArgs
from components.workload import Network


def predefined(name: str) -> Network:
    """A network that every engine has: bridge, host or none."""
    found = docker.get_network_output(name=name)
    return Network(id=found.id, name=name, predefined=True)


def existing(name: str) -> Network:
    """A macvlan network that was made by hand: the plugin can't make one for a Swarm."""
    found = docker.get_network_output(name=name)
    return Network(id=found.id, name=name, outside=True)


class ClusterNetwork(ComponentResource):
    """An overlay network, one that is there already, or one of the engine's own."""

    network: Network
    """What containers join."""

    def __init__(self, name: str, args: NetworkArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("studip:swarm:ClusterNetwork", name, None, opts)
        if args.driver == "overlay":
            self.network = self._overlay(name, args)
        elif args.existing is not None:
            self.network = existing(args.existing)
        else:
            self.network = predefined(args.driver)
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
