"""What users talk to: load balancers, and the address that moves between them."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from pulumi import Output

from components import address
from components.address import VirtualAddressArgs
from components.application import ApplicationEndpoint
from components.certificate import Certificate
from components.load_balancer import Acme, LoadBalancerArgs
from components.node import apart_from
from components.registry import RegistryEndpoint
from components.storage import StorageEndpoint
from components.swarm.address import VirtualAddress
from components.swarm.load_balancer import LoadBalancer
from components.workload import Network
from stacks.recipes import Recipes
from stacks.swarm.environment import Environment
from stacks.swarm.state import ACCOUNT, CERTIFICATES
from stacks.swarm.values import resources


def entrance(
    environment: Environment,
    recipes: Recipes,
    registry: RegistryEndpoint,
    storage: StorageEndpoint,
    application_network: Network,
    backend: ApplicationEndpoint,
) -> None:
    """Our load balancers, on the first nodes where an address moves between them."""
    chosen = environment.settings.load_balancer
    vrrp = chosen.vrrp
    balanced = environment.nodes[: chosen.replicas]
    LoadBalancer(
        environment.names.part("load-balancer"),
        LoadBalancerArgs(
            kind="haproxy",
            image=recipes.service("haproxy", registry),
            edge_network=environment.network("edge"),
            application_network=application_network,
            backend=backend,
            http_port=chosen.http_port,
            https_port=chosen.https_port,
            certificate=_certificate(environment),
            acme=_acme(environment, recipes, registry, storage),
            replicas=chosen.replicas,
            constraints=apart_from(environment.nodes[chosen.replicas :]) if vrrp else (),
            monitor_port=vrrp.monitor_port if vrrp else None,
            handover=(
                address.handover(address.PROFILES[vrrp.profile], len(balanced)) if vrrp else 0.0
            ),
            labels=environment.labels("load-balancer"),
            resources=resources(chosen.resources),
            logging=environment.logging,
        ),
        environment.options(),
    )
    if vrrp is None:
        return
    VirtualAddress(
        environment.names.part("address"),
        VirtualAddressArgs(
            image=recipes.service("keepalived", registry),
            nodes=balanced,
            addresses=[f"{vrrp.address}/{vrrp.prefix_length}"],
            interface=vrrp.interface,
            on=vrrp.on,
            multicast=not vrrp.unicast,
            router_id=vrrp.router_id,
            timers=address.PROFILES[vrrp.profile],
            monitor_port=vrrp.monitor_port,
            labels=environment.labels("address"),
            resources=resources(vrrp.resources),
            logging=environment.logging,
        ),
        environment.options(),
    )


def _certificate(environment: Environment) -> Output[str] | Certificate | None:
    """Certificate, chain and key from a file, or of the site's own authority."""
    chosen = environment.settings.load_balancer
    if chosen.certificate is not None:
        return Output.secret(environment.file(chosen.certificate).read_text())
    if chosen.https_port is None or chosen.issuer != "authority":
        return None
    names, addresses = set(), set()
    hosts = [urlsplit(environment.settings.url).hostname or ""]
    for host in [*hosts, *([chosen.vrrp.address] if chosen.vrrp else [])]:
        try:
            addresses.add(str(ip_address(host)))
        except ValueError:
            names.add(host)
    return environment.authority.issue(
        "load-balancer", dns_names=sorted(names), ip_addresses=sorted(addresses)
    )


def _acme(
    environment: Environment, recipes: Recipes, registry: RegistryEndpoint, storage: StorageEndpoint
) -> Acme | None:
    """Who signs for the platform's host, where the settings name somebody outside."""
    chosen = environment.settings.load_balancer.acme
    if chosen is None:
        return None
    return Acme(
        image=recipes.service("acme", registry),
        directory=chosen.directory,
        email=chosen.email,
        domains=[urlsplit(environment.settings.url).hostname or ""],
        certificates=storage.folder(CERTIFICATES, ""),
        account=storage.folder(ACCOUNT, ""),
        authority=environment.file(chosen.authority).read_text() if chosen.authority else None,
        renew_before=chosen.renew_days,
    )
