"""`gc`: takes old images out of the registry, and gives their room back."""

import argparse
import time
from collections.abc import Collection, Iterable

from operations import engine, parts, pulumi, shell
from operations.distribution import Registry, Version
from operations.engine import Client
from operations.failure import Failure

ADDRESS = "REGISTRY_HTTP_ADDR"  # tells the registry where to listen, and us where to ask
COLLECT = "docker-registry garbage-collect /etc/docker/registry/config.yml"
PATIENCE = 60.0  # s for the registry to come back


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments beside `--stack`."""
    parser.add_argument(
        "--keep",
        type=int,
        default=3,
        metavar="N",
        help="versions to keep of each image, beside those in use (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Delete what is neither in use nor among the newest, then collect the garbage."""
    if arguments.keep < 1:
        raise Failure(f"--keep {arguments.keep}: must be at least 1")
    client = engine.connect()
    container = shell.find_container(client, parts.find(client, arguments.stack, "registry"))
    registry = Registry(f"http://{address(client, container)}")
    used = digests(client) | recorded(pulumi.state(arguments.stack))
    old = [
        version
        for repository in registry.repositories()
        for version in superfluous(registry.versions(repository), used, arguments.keep)
    ]
    for version in old:
        registry.delete(version)
        print(f"deleted {version.repository}:{', '.join(version.tags)} ({version.digest[:19]})")
    if old:
        collect(client, container)
        wait(registry)
    print(f"Removed {len(old)} images from the registry.")
    return 0


def superfluous(versions: Iterable[Version], used: Collection[str], keep: int) -> list[Version]:
    """Versions of one repository that are neither used nor among the `keep` newest."""
    newest_first = sorted(versions, key=lambda version: version.created, reverse=True)
    return [version for version in newest_first[keep:] if version.digest not in used]


def address(client: Client, container: str) -> str:
    """Where the registry in this container listens, as its environment says."""
    with engine.refusals():
        inspected = client.api.inspect_container(container)
    env = dict(pair.split("=", 1) for pair in inspected["Config"]["Env"] if "=" in pair)
    if ADDRESS not in env:
        raise Failure(f"the registry's container has no {ADDRESS}")
    host, _, port = env[ADDRESS].rpartition(":")
    return f"{host or '127.0.0.1'}:{port}"


def digests(client: Client) -> set[str]:
    """Digests of all images that a service or a container of this engine refers to."""
    with engine.refusals():
        images = [
            raw["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] for raw in client.api.services()
        ]
        images += [raw["Image"] for raw in client.api.containers(all=True)]
    return {digest for image in images if (digest := image.partition("@")[2])}


def recorded(state: pulumi.State) -> set[str]:
    """Digests of all images that the state names; after `down` no service does."""
    names = [str(resource.properties.get("repoDigest", "")) for resource in state.resources]
    return {digest for name in names if (digest := name.partition("@")[2])}


def collect(client: Client, container: str) -> None:
    """Remove what no manifest refers to; then a new registry, whose memory knows of nothing."""
    with engine.refusals():
        process = client.api.exec_create(container, ["sh", "-c", COLLECT])["Id"]
        output = client.api.exec_start(process)
        code = client.api.exec_inspect(process)["ExitCode"]
        if code != 0:
            raise Failure(f"the registry's collection failed: {output.decode(errors='replace')}")
        client.api.stop(container)  # Swarm starts the next one


def wait(registry: Registry) -> None:
    """Wait until the registry answers again."""
    deadline = time.monotonic() + PATIENCE
    while not registry.answers():
        if time.monotonic() > deadline:
            raise Failure(
                f"the registry does not answer after {PATIENCE:.0f} s: make logs PART=registry"
            )
        time.sleep(0.5)
