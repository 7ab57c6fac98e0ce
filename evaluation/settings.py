"""A candidate as a settings file of this project.

What is offered becomes external, the rest one of the kinds that are deployed.
"""

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evaluation.candidates import as_if_offered, in_five_years, middle, missing
from evaluation.capacity import capacity
from evaluation.inventory.fields import quoted
from evaluation.inventory.models import Cluster, Inventory, Machines
from evaluation.results import Candidate, Message
from evaluation.texts import render
from stacks.settings.errors import SettingsError
from stacks.settings.load import read_settings

MIB = 1024  # of a GiB
MOST_REPLICAS = 64  # that the settings allow
WEB_MIB = 2048  # of 16 PHP processes
LEAST_BUFFER, MOST_BUFFER = 1.0, 16.0  # GiB of a database's buffer, as in `node_memory`
MEMBERS = 3  # of a database that runs on several nodes
NETWORK = "192.0.2"  # of documentation (RFC 5737): reaches nobody while it is not filled in
FIRST_HOST = 11
LETTERS = 26
PASSWORD = "password: FILL-IN"  # the check refuses it, and says how it is filled in
BESIDE_BUFFER = 512  # MiB: connections, logs, and what copies itself to a new member


class NothingToDeployError(Exception):
    """The candidate is no environment of this project."""


@dataclass(frozen=True, kw_only=True)
class SettingsFile:
    """A settings file, and why it can't be rolled out as it is."""

    text: str
    undeployed: tuple[str, ...]  # what it needs that this project does not deploy yet
    missing: tuple[Message, ...]  # what it needs that is not offered


def settings_file(inventory: Inventory, candidate: Candidate) -> SettingsFile:
    """The settings of a candidate; comments with `fill in` stand where only the site knows.

    Raises `NothingToDeployError` for staying.
    """
    if candidate.orchestrator == "none":
        raise NothingToDeployError(
            f"{candidate.name}: nothing is deployed, so there are no settings; name another "
            "candidate"
        )
    config = "\n".join(_Writer(inventory, candidate).lines()) + "\n"
    undeployed = _undeployed(config)
    lacking = missing(inventory, candidate)
    notes = [
        "# yaml-language-server: $schema=settings.schema.json",
        f"# {inventory.name}, candidate {candidate.name}.",
        "# Where a comment says `fill in`, the value only holds the place.",
        "# Save it as Pulumi.<environment>.yaml; then: make check STACK=<environment>",
        *(f"# NOT DEPLOYED YET: {note}" for note in undeployed),
        *(f"# NOT ON OFFER: {render(message, 'en')}" for message in lacking),
    ]
    return SettingsFile(
        text="\n".join(notes) + f"\n{config}", undeployed=undeployed, missing=lacking
    )


def sealed(text: str) -> str:
    """The settings once somebody has filled in the password, encrypted."""
    return text.replace(PASSWORD, "password: {secure: v1:as-pulumi-writes-it}")


def _undeployed(config: str) -> tuple[str, ...]:
    """What the settings check says of kinds that can't be deployed yet.

    Raises `SettingsError` where the settings are wrong in themselves.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "Pulumi.candidate.yaml"
        path.write_text(sealed(config), encoding="utf-8")
        read_settings(path, deployable=False)
        try:
            read_settings(path)
        except SettingsError as error:
            return tuple(
                message.removesuffix(f" ({path})").removeprefix("studip:")
                for message in error.messages
            )
    return ()


class _Writer:
    """The lines below `config:`."""

    def __init__(self, inventory: Inventory, candidate: Candidate) -> None:
        filled = _filled(inventory)
        carried = capacity(filled, candidate)
        self._site = inventory.name
        self._candidate = candidate
        self._offers = filled.offers
        self._nodes = _node_count(filled, candidate, float(carried.nodes[0]))
        self._needed = _whole(float(carried.replicas[0]), MOST_REPLICAS)
        # One on each node at least, so that its cores are used.
        self._replicas = max(self._needed, self._nodes)
        self._one_a_node = candidate.balancer == "offered" and candidate.orchestrator == "swarm"
        if self._one_a_node:
            self._replicas = self._nodes
        machines = filled.offers.machines or Machines()
        self._cores = middle(machines.cores)
        most = min(MOST_BUFFER, middle(machines.memory_gib) / 2)
        buffer = min(most, LEAST_BUFFER + in_five_years(inventory)[0] / 4)
        self._buffer_mib = int(buffer * MIB)

    def lines(self) -> Iterator[str]:
        kubernetes = self._candidate.orchestrator == "kubernetes"
        yield "config:"
        yield f"  studip:orchestrator: {'kubernetes' if kubernetes else 'swarm'}"
        yield from self._platform()
        yield from self._node_list()
        yield from self._registry()
        yield from self._images()
        yield from self._application()
        yield from self._database()
        yield from self._balancer()
        yield from self._storage()

    def _platform(self) -> Iterator[str]:
        plain = self._candidate.orchestrator == "docker" or self._without_tls()
        yield "  studip:platform:"
        yield f"    name: {quoted(self._site)}"
        scheme = "http" if plain else "https"
        yield f"    url: {scheme}://studip.example.org  # fill in: what users type"

    def _without_tls(self) -> bool:
        balancer = self._offers.load_balancer
        return self._candidate.balancer == "offered" and balancer is not None and not balancer.tls

    def _node_list(self) -> Iterator[str]:
        candidate = self._candidate
        if candidate.orchestrator == "docker" or (
            candidate.managed and candidate.orchestrator == "kubernetes"
        ):
            return
        offered = self._offers.swarm if candidate.managed else self._offers.machines
        zones = 1 if offered is None else int(middle(offered.zones))
        yield "  studip:nodes:  # fill in: name, engine and address of each"
        for index in range(self._nodes):
            yield f"    - name: node-{index + 1}"
            yield f"      engine: ssh://root@node-{index + 1}"
            yield f"      address: {NETWORK}.{FIRST_HOST + index}"
            yield f"      labels: {{zone: {chr(ord('a') + index % min(zones, LETTERS))}}}"

    def _registry(self) -> Iterator[str]:
        registry = self._offers.registry
        if registry is None:
            return
        yield "  studip:registry:"
        yield "    kind: external"
        yield from _given("address", registry.address, "registry.example.org", "host:port")
        yield "    # With a login: user, and the password by"
        yield "    # pulumi config set --secret --path 'studip:registry.password'"

    def _images(self) -> Iterator[str]:
        yield "  studip:images:"
        yield "    application: demo  # to try the platform with; then your Stud.IP:"
        yield "    # application: studip"
        yield "    # studip: {git: 'https://git.example.org/studip.git', revision: TAG}"

    def _application(self) -> Iterator[str]:
        yield "  studip:application:"
        yield "    web:"
        if self._one_a_node:
            yield "      # A node has the port of its replica once, so there is one on each node."
            if self._needed > self._nodes:
                yield f"      # Semester start would take {self._needed}: ask for more nodes."
        yield f"      replicas: {self._replicas}"
        yield "      resources:"
        yield f"        limits: {{cpus: {self._cores:g}, memory_mib: {WEB_MIB}}}"
        if self._one_a_node:
            yield "      update: {order: stop-first}"

    def _database(self) -> Iterator[str]:
        yield "  studip:database:"
        if self._candidate.database == "offered":
            database = self._offers.database
            host, _, port = ((database and database.address) or "").partition(":")
            yield "    kind: external"
            yield from _given("host", host, "db.example.org", "host name or address")
            yield f"    port: {port or 3306}"
            yield "    database: studip  # fill in, if it is called otherwise"
            yield "    user: studip  # fill in, if it is called otherwise"
            # Nothing can be encrypted with a passphrase that nobody has chosen yet.
            yield "    # fill in: pulumi config set --secret --path 'studip:database.password'"
            yield f"    {PASSWORD}"
            return
        galera = self._candidate.database == "galera"
        yield f"    kind: {'galera' if galera else 'single'}"
        if galera:
            yield f"    members: {MEMBERS}"
        yield f"    parameters: {{innodb_buffer_pool_size: {self._buffer_mib}M}}"
        memory = self._buffer_mib * 5 // 4 + BESIDE_BUFFER
        yield "    resources:"
        yield f"      limits: {{cpus: {self._cores:g}, memory_mib: {memory}}}"

    def _balancer(self) -> Iterator[str]:
        yield "  studip:load_balancer:"
        match self._candidate.balancer:
            case "offered":
                yield "    kind: external"
                yield "    backend_port: 8080  # where it finds a web replica on each node"
                yield f"    trusted_proxies: [{NETWORK}.0/24]  # fill in: from where it asks"
                if self._without_tls():
                    yield "    # It does not end TLS, so passwords would cross the network in plain"
                    yield "    # text: ask for TLS before users come, then make the url https."
            case "vrrp":
                yield "    kind: haproxy"
                yield "    replicas: 2"
                yield "    http_port: 80"
                yield "    https_port: 443"
                yield "    issuer: authority  # or a certificate: issuer file, certificate site.pem"
                yield f"    vrrp: {{address: {NETWORK}.10}}  # fill in: an address that no node has"
            case _:
                yield "    kind: haproxy"
                yield "    http_port: 80"
                yield "    # With a PEM file of certificate, chain and key; then the url is https:"
                yield "    # https_port: 443"
                yield "    # certificate: site.pem"

    def _storage(self) -> Iterator[str]:
        yield "  studip:storage:"
        kind = self._candidate.storage
        if kind != "offered":
            yield f"    kind: {kind}"
            return
        storage = self._offers.storage
        if storage is None or storage.kind == "nfs":
            yield "    kind: nfs"
            yield "    nfs:"
            address, path = (storage.address, storage.path) if storage else (None, None)
            yield from _given("server", address, "files.example.org", "its server", indent=6)
            yield from _given("path", path, "/export/studip", "what it exports", indent=6)
            return
        yield "    kind: external"
        yield "    driver: local"
        yield f"    # fill in: where the file system of the data centre ({storage.kind}) is mounted"
        yield "    # on each node. The platform takes a folder in it for each kind of files."
        yield "    driver_options: {type: none, o: bind, device: '/mnt/studip/{folder}'}"


def _filled(inventory: Inventory) -> Inventory:
    """The inventory with each offer that is made as it is, and the others as if they were made."""
    made = {name: offer for name, offer in inventory.offers if offer is not None}
    filled = as_if_offered(inventory).offers.model_copy(update=made)
    return inventory.model_copy(update={"offers": filled})


def _node_count(filled: Inventory, candidate: Candidate, needed: float) -> int:
    """Nodes to name: what the load needs, as far as they are offered; all of an offered cluster."""
    if candidate.managed:
        return int(middle((filled.offers.swarm or Cluster()).nodes))
    offered = int(middle((filled.offers.machines or Machines()).count))
    return max(candidate.nodes, _whole(needed, offered))


def _whole(number: float, most: int) -> int:
    """Rounded up; `most` where it is more than that, or infinite."""
    return math.ceil(number) if number <= most else most


def _given(
    key: str, value: str | None, placeholder: str, what: str, indent: int = 4
) -> Iterator[str]:
    """A key whose value the inventory may know."""
    start = " " * indent
    if value:
        yield f"{start}{key}: {quoted(value)}"
    else:
        yield f"{start}{key}: {placeholder}  # fill in: {what}"
