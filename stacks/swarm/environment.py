"""What all parts of one environment are made with: names, nodes, passwords, certificates."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import pulumi_docker as docker
import pulumi_random as random
from pulumi import Output, ResourceOptions

from components import labels, workload
from components.authority import AuthorityArgs, GivenAuthority
from components.naming import Names
from components.network import NetworkArgs
from components.node import Node
from components.registry import REGISTRY_USER
from components.swarm.authority import Authority
from components.swarm.network import ClusterNetwork
from stacks.settings import models
from stacks.settings.models import Settings
from stacks.swarm.values import given, secret


class Environment:
    """One environment while it is wired."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.names = Names(settings.environment)
        self.logging = workload.Logging(
            max_size=settings.logging.max_size, max_files=settings.logging.max_files
        )

    @cached_property
    def nodes(self) -> Sequence[Node]:
        """The machines, each with its engine; none where there is only the default one."""
        chosen = self.settings.nodes
        if len(chosen) == 1:
            return []
        logins = self._logins()
        return [self._node(node, logins) for node in chosen]

    @property
    def manager(self) -> Node | None:
        """Whose engine knows the whole Swarm, and builds the images; none: the default one."""
        roles = {node.name: node.role for node in self.settings.nodes}
        return next((node for node in self.nodes if roles[node.name] == "manager"), None)

    def options(self) -> ResourceOptions:
        """For each part that is not on one node alone."""
        if self.manager is None:
            return ResourceOptions()
        return ResourceOptions(providers=[given(self.manager.provider)])

    def labels(self, part: str) -> dict[str, str]:
        """Labels of everything that belongs to `part`."""
        return labels.labels(self.settings.environment, part)

    def network(self, name: str, *, internal: bool = False) -> workload.Network:
        """One of the three networks; from an `internal` one nothing leads out of the cluster."""
        chosen = getattr(self.settings.networks, name)
        return ClusterNetwork(
            self.names.part(name),
            NetworkArgs(
                driver=chosen.driver,
                labels=self.labels("network"),
                internal=internal,
                existing=chosen.name,
                encrypted=chosen.encrypted,
                subnet=chosen.subnet,
                mtu=chosen.mtu,
            ),
            self.options(),
        ).network

    def password(self, name: str) -> Output[str]:
        """A password that is generated once; letters and digits need no quoting anywhere."""
        return self._password(name).result

    @cached_property
    def registry_password(self) -> random.RandomPassword:
        """Of `REGISTRY_USER`."""
        return self._password("registry")

    @cached_property
    def authority(self) -> Authority:
        """The platform's own authority or the site's, where anybody asks for it."""
        # Not the platform's own name: whoever changes that wants no new certificates everywhere.
        name = f"Stud.IP {self.settings.environment}"
        args = AuthorityArgs(common_name=name, given=self._given_authority())
        return Authority(self.names.part("authority"), args)

    def _given_authority(self) -> GivenAuthority | None:
        chosen = self.settings.authority
        if chosen.certificate is None:
            return None
        return GivenAuthority(
            certificate=self.file(chosen.certificate).read_text(),
            key=given(secret(chosen.key)),
            root=None if chosen.root is None else self.file(chosen.root).read_text(),
        )

    def file(self, path: str) -> Path:
        """A file or folder that the settings name."""
        return Path(self.settings.file).parent / path

    def _password(self, name: str) -> random.RandomPassword:
        return random.RandomPassword(self.names.part(f"{name}-password"), length=32, special=False)

    def _node(self, chosen: models.Node, logins: Sequence[docker.ProviderRegistryAuthArgs]) -> Node:
        certificates = chosen.certificates and str(self.file(chosen.certificates).absolute())
        engine = docker.Provider(
            self.names.part(f"engine-{chosen.name}"),
            host=chosen.engine,
            cert_path=certificates,
            registry_auth=logins,
        )
        return Node(
            name=chosen.name,
            address=given(chosen.address),
            provider=engine,
            labels=chosen.labels,
        )

    def _logins(self) -> list[docker.ProviderRegistryAuthArgs]:
        """Engines pull with it; what was scheduled elsewhere too."""
        chosen = self.settings.registry
        if chosen.kind == "external":
            if chosen.user is None:
                return []
            address, user, password = given(chosen.address), chosen.user, secret(chosen.password)
        else:
            address, user = f"127.0.0.1:{chosen.port}", REGISTRY_USER
            password = Output.secret(self.registry_password.result)
        return [docker.ProviderRegistryAuthArgs(address=address, username=user, password=password)]
