"""Images that each node builds for itself, through the real engine and Pulumi."""

from collections.abc import Iterator

import docker
import pytest

from tests.images.conftest import ROOT
from tests.toolchain.test_language_host import Project
from tests.toolchain.test_language_host import project as project
from toolchain import rootfs

pytestmark = pytest.mark.live

PROGRAM = """
import os
from pathlib import Path
import pulumi, pulumi_docker as docker
from components.images import ImageArgs, SeedImageArgs
from components.node import Node
from components.swarm.images import SeedImage

host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
nodes = [Node(name="one", address="127.0.0.1", provider=docker.Provider("one", host=host))]
images = Path({images!r})
base = SeedImage("rootfs", SeedImageArgs(nodes=nodes, tag="1", image=ImageArgs(
    repository="studip-test/seed-rootfs",
    context=Path({context!r}),
    dockerfile=images / "rootfs" / "Dockerfile",
)))
made = SeedImage("registry", SeedImageArgs(
    nodes=nodes,
    node_build_args={{node.name: {{"BASE": base.names[node.name]}} for node in nodes}},
    image=ImageArgs(
        repository="studip-test/seed-registry",
        context=images / "registry",
        dockerfile=images / "registry" / "Dockerfile",
        target="debian",
    ),
))
pulumi.export("rootfs", base.references["one"])
pulumi.export("registry", made.references["one"])
"""


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    """The engine of this machine, without the images of the test afterwards."""
    client = docker.from_env()
    yield client
    for image in client.images.list("studip-test/seed-*"):
        client.images.remove(image.id, force=True)
    client.close()


def listed(client: docker.DockerClient, image: str) -> str:
    """Every path in an image with its kind, owner and mode; not what the engine mounts."""
    script = (
        "find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /etc/hosts "
        "-o -path /etc/hostname -o -path /etc/resolv.conf -o -path /.dockerenv \\) -prune "
        "-o -printf '%p %y %U:%G %m %l\\n' | sort"
    )
    command = ["sh", "-c", script]
    return str(client.containers.run(image, command, remove=True, labels=["studip.test"]).decode())


def test_an_image_stands_on_another_one_that_the_node_has_built(
    project: Project, client: docker.DockerClient
) -> None:
    context = str(rootfs.context())
    project.program(PROGRAM.format(images=str(ROOT / "images"), context=context))
    done = project.up()
    assert done.returncode == 0, done.stdout + done.stderr
    outputs = {name: str(value) for name, value in project.outputs().items()}
    assert listed(client, outputs["rootfs"]) == listed(client, rootfs.ensure())
    (base,) = client.images.get("studip-test/seed-rootfs:1").attrs["RootFS"]["Layers"]
    assert client.images.get(outputs["registry"]).attrs["RootFS"]["Layers"][0] == base
    said = client.containers.run(
        outputs["registry"], ["docker-registry", "--version"], remove=True, labels=["studip.test"]
    )
    assert b"docker-registry" in said

    again = project.up().stdout
    assert "unchanged" in again
    assert not any(word in again for word in ("created", "updated", "replaced"))
    assert {name: str(value) for name, value in project.outputs().items()} == outputs
