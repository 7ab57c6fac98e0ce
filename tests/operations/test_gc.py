"""`gc` keeps the newest images and those in use, and gives the others' room back."""

import argparse
import io
import json
import os
import socket
import tarfile
from collections.abc import Iterator

import pytest

from components.labels import labels
from operations import gc, parts, pulumi, shell
from operations.distribution import Access, Registry, Version
from operations.engine import Client, Engines
from operations.pulumi import Resource, State
from tests.images.conftest import Built, built, session_client
from tests.operations.conftest import ENVIRONMENT, Start, wait
from toolchain.failure import Failure

__all__ = ["built", "session_client"]  # fixtures


def version(repository: str, day: int, *children: str) -> Version:
    return Version(repository, f"sha256:{day}", f"2026-01-{day:02}T08:00:00Z", frozenset(children))


def test_the_newest_of_each_repository_and_the_used_ones_stay() -> None:
    versions = [*(version("web", day) for day in (1, 2, 3, 4)), version("haproxy", 1)]
    assert gc.superfluous(versions, {"sha256:1"}, keep=2) == [version("web", 2)]
    assert gc.superfluous(versions, set(), keep=4) == []


def test_the_images_of_an_index_stay_with_it() -> None:
    versions = [version("web", 1), version("web", 2, "sha256:1"), version("web", 3)]
    assert gc.superfluous(versions, set(), keep=2) == []


def test_repository_and_digest_are_read_from_the_path() -> None:
    link = f"{gc.REPOSITORIES}/studip/web/_manifests/revisions/sha256/abcdef/link"
    assert gc.parse(link) == ("studip/web", "sha256:abcdef")


def test_images_that_only_the_state_names_are_used() -> None:
    image = Resource("urn::image", "image", "", {"repoDigest": "127.0.0.1:1/web@sha256:1"})
    assert gc.recorded(State(resources=[image])) == {"sha256:1"}


def test_the_login_of_a_clusters_registry_is_read_from_the_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    urn = f"urn:pulumi:{ENVIRONMENT}::studip::{gc.PASSWORD}::studip-{ENVIRONMENT}-registry-password"
    sealed = {pulumi.SECRET_MARK: pulumi.SECRET, "plaintext": '"let me in"'}
    resources = [
        {"urn": urn, "type": gc.PASSWORD, "id": "none", "outputs": {"result": sealed}},
        {"urn": "stack", "type": "pulumi:pulumi:Stack", "outputs": {"authority": "PEM"}},
    ]
    exported = {"deployment": {"resources": resources}}
    asked: list[tuple[str, ...]] = []

    def capture(*arguments: str) -> str:
        asked.append(arguments)
        return json.dumps(exported)

    monkeypatch.setattr(pulumi, "stacks", lambda: [ENVIRONMENT])
    monkeypatch.setattr(pulumi, "capture", capture)
    assert gc.access(ENVIRONMENT) == Access("studip", "let me in", "PEM")
    assert "--show-secrets" in asked[0]
    # What only looks never asks for secrets.
    pulumi.state(ENVIRONMENT)
    assert "--show-secrets" not in asked[1]
    exported["deployment"]["resources"] = resources[1:]
    with pytest.raises(Failure, match="has no login of the registry: `make up` writes it"):
        gc.access(ENVIRONMENT)


def test_at_least_one_version_is_kept() -> None:
    with pytest.raises(Failure, match="--keep 0: must be at least 1"):
        gc.run(argparse.Namespace(stack=ENVIRONMENT, keep=0))


@pytest.fixture
def registry(client: Client, start: Start, built: Built) -> Iterator[str]:
    """Address of a registry that runs as the component runs it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    volume = client.volumes.create(
        f"studip-{ENVIRONMENT}-registry", labels=labels(ENVIRONMENT, "registry")
    )
    start(
        "registry",
        image=built("registry"),
        networks=["host"],
        env=[f"REGISTRY_HTTP_ADDR={address}"],
        mounts=[f"{volume.name}:/var/lib/registry:rw"],
    )
    wait(Registry(f"http://{address}").answers)
    yield address
    forget(client, address)


def forget(client: Client, address: str) -> None:
    """Remove all images of a registry from the engine."""
    for image in client.images.list():
        if any(digest.startswith(f"{address}/") for digest in image.attrs["RepoDigests"]):
            client.images.remove(image.id, force=True)


def make(client: Client, repository: str, tag: str) -> None:
    """Make a new image of 1 MiB that does not compress."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo("content")
        entry.size = 2**20
        tar.addfile(entry, io.BytesIO(os.urandom(entry.size)))
    client.api.import_image_from_data(archive.getvalue(), repository=repository, tag=tag)


def push(client: Client, repository: str, tag: str) -> str:
    """Push an image: its digest."""
    pushed = list(client.api.push(repository, tag, stream=True, decode=True))
    return str(next(line["aux"]["Digest"] for line in pushed if "aux" in line))


@pytest.mark.live
def test_gc_gives_the_room_of_old_images_back(
    client: Client, engines: Engines, registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = f"{registry}/studip/web"

    def new(tag: str) -> str:
        make(client, web, tag)
        return push(client, web, tag)

    used, old, untagged, newest = (new(tag) for tag in ("1", "2", "3", "3"))
    state = State(resources=[Resource("urn::web", "image", "", {"repoDigest": f"{web}@{used}"})])
    monkeypatch.setattr(pulumi, "state", lambda stack: state)

    def container() -> str:
        return shell.find_container(engines, parts.find(engines, ENVIRONMENT, "registry")).id

    def digests() -> set[str]:
        return {digest for _, digest in gc.revisions(client, container())}

    def room() -> int:
        return int(gc.inside(client, container(), "du -sk /var/lib/registry").split()[0])

    assert digests() == {used, old, untagged, newest}
    before = room()
    assert gc.run(argparse.Namespace(stack=ENVIRONMENT, keep=1)) == 0
    assert digests() == {used, newest}
    assert room() < before
    # A registry that remembered the layers would not take them again.
    assert push(client, web, "2") == old
    forget(client, registry)
    for digest in (used, old, newest):
        client.images.pull(f"{web}@{digest}")
