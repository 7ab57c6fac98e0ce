"""`gc`: takes old images out of the registry, and gives their room back."""

import argparse
import time
from collections import Counter
from collections.abc import Collection, Iterable
from functools import cache

from components.naming import Names
from components.registry import REGISTRY_USER
from operations import cluster, engine, listening, parts, pulumi, shell
from operations.distribution import Access, Registry, Version
from operations.engine import Client, Engines
from toolchain.failure import Failure

ADDRESS = "REGISTRY_HTTP_ADDR"  # tells the registry where to listen, and us where to ask
CERTIFICATE = "REGISTRY_CERTIFICATE_FILE"  # of one that speaks TLS, and wants a login
PASSWORD = "random:index/randomPassword:RandomPassword"
COLLECT = "docker-registry garbage-collect /etc/docker/registry/config.yml"
REPOSITORIES = "/var/lib/registry/docker/registry/v2/repositories"
PATIENCE = 60.0  # s for the registry to come back


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments beside `--stack`."""
    parser.add_argument(
        "--keep",
        type=int,
        metavar="N",
        help="versions to keep of each image, beside those in use (default: registry.keep)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Delete what is neither in use nor among the newest, then collect the garbage."""
    keep = arguments.keep
    if keep is None:
        keep = listening.settings(arguments.stack).registry.keep
    if keep < 1:
        raise Failure(f"--keep {keep}: must be at least 1")
    engines = cluster.engines(arguments.stack)
    part = parts.find(engines, arguments.stack, "registry")
    found = shell.find_container(engines, part)
    client, container = engines.nodes[found.node], found.id
    registry = reach(client, container, found.node, arguments.stack)
    versions = [registry.version(*revision) for revision in revisions(client, container)]
    used = digests(engines) | recorded(pulumi.state(arguments.stack))
    old = superfluous(versions, used, keep)
    for version in old:
        registry.delete(version)
        print(f"deleted {version}")
    if old:
        inside(client, container, COLLECT)
        renew(engines, arguments.stack)
    print(f"Removed {len(old)} of {len(versions)} images from the registry.")
    return 0


def superfluous(versions: Iterable[Version], used: Collection[str], keep: int) -> list[Version]:
    """Versions that are neither used, nor among the `keep` newest of their repository."""
    kept: list[Version] = []
    rest: list[Version] = []
    counted: Counter[str] = Counter()
    for version in sorted(versions, key=lambda version: version.created, reverse=True):
        counted[version.repository] += 1
        newest = counted[version.repository] <= keep
        (kept if newest or version.digest in used else rest).append(version)
    parts = {child for version in kept for child in version.children}
    return [version for version in rest if version.digest not in parts]


def revisions(client: Client, container: str) -> list[tuple[str, str]]:
    """Repository and digest of every image in the registry.

    Read from its folder: what lost its tag to a newer image, no request lists.
    """
    listed = inside(client, container, f"find {REPOSITORIES} -path '*/_manifests/revisions/*/link'")
    return [parse(line) for line in sorted(listed.splitlines())]


def parse(link: str) -> tuple[str, str]:
    """Repository and digest for the path of an image's link file."""
    repository, _, rest = link.removeprefix(f"{REPOSITORIES}/").partition("/_manifests/revisions/")
    algorithm, digest, _ = rest.split("/")
    return repository, f"{algorithm}:{digest}"


def reach(client: Client, container: str, node: str, stack: str) -> Registry:
    """The registry in a container, asked where its environment says that it listens."""
    with engine.refusals():
        inspected = client.api.inspect_container(container)
        # On the loopback address only the node itself finds it.
        default = client.info()["Swarm"]["NodeAddr"] if node else "127.0.0.1"
    env = dict(pair.split("=", 1) for pair in inspected["Config"]["Env"] if "=" in pair)
    if ADDRESS not in env:
        raise Failure(f"the registry's container has no {ADDRESS}")
    host, _, port = env[ADDRESS].rpartition(":")
    if node and host in ("127.0.0.1", "0.0.0.0"):
        host = ""
    place = f"{host or default}:{port}"
    if not env.get(CERTIFICATE):
        return Registry(f"http://{place}")
    return Registry(f"https://{place}", _known_access(stack))


@cache
def _known_access(stack: str) -> Access:
    """`access`, once for a command: each look at the state starts Pulumi."""
    return access(stack)


def access(stack: str) -> Access:
    """How the registry of a cluster lets us in; the password is in the state."""
    state = pulumi.state(stack, secrets=True)
    name = Names(stack).part("registry-password")
    passwords = [one for one in state.resources if one.type == PASSWORD and one.name == name]
    if not passwords or "authority" not in state.outputs:
        raise Failure(f"the state of {stack} has no login of the registry: `make up` writes it")
    password = str(passwords[0].properties["result"])
    return Access(REGISTRY_USER, password, str(state.outputs["authority"]))


def digests(engines: Engines) -> set[str]:
    """Digests of all images that a service or a container of these engines refers to."""
    with engine.refusals():
        images = [
            raw["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]
            for raw in engines.manager.api.services()
        ]
        for client in engines.nodes.values():
            images += [raw["Image"] for raw in client.api.containers(all=True)]
    return {digest for image in images if (digest := image.partition("@")[2])}


def recorded(state: pulumi.State) -> set[str]:
    """Digests of all images that the state names; after `down` no service does."""
    names = [str(resource.properties.get("repoDigest", "")) for resource in state.resources]
    return {digest for name in names if (digest := name.partition("@")[2])}


def renew(engines: Engines, stack: str) -> None:
    """New registries, one after the other, as the old ones remember what is gone."""
    for part in parts.members(engines, stack, "registry"):
        for old in shell.find_containers(engines, part):
            client = engines.nodes[old.node]
            with engine.refusals():
                client.api.stop(old.id)  # Swarm starts the next one
            wait(engines, part, old.id, stack)


def inside(client: Client, container: str, script: str) -> str:
    """Standard output of a script in the registry's container; raises Failure if it fails."""
    with engine.refusals():
        process = client.api.exec_create(container, ["sh", "-c", script])["Id"]
        output, errors = client.api.exec_start(process, demux=True)
        if client.api.exec_inspect(process)["ExitCode"] != 0:
            raise Failure(f"the registry failed: {(errors or b'').decode(errors='replace')}")
    return (output or b"").decode(errors="replace")


def wait(engines: Engines, part: parts.Running, old: str, stack: str) -> None:
    """Wait until another container of the registry answers."""
    deadline = time.monotonic() + PATIENCE
    while True:
        for found in shell.find_containers(engines, part):
            if (
                found.id != old
                and reach(engines.nodes[found.node], found.id, found.node, stack).answers()
            ):
                return
        if time.monotonic() > deadline:
            raise Failure(
                f"{part.name} does not answer after {PATIENCE:.0f} s: make logs PART=registry"
            )
        time.sleep(0.5)
