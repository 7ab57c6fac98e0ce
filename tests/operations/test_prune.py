"""`prune` and `destroy` take what is ours, and nothing else."""

import argparse
import io
from pathlib import Path

import pytest

from components.labels import labels
from operations import destroy, engine, prune, pulumi, terminal
from operations.engine import Client, Thing
from tests.operations.conftest import ENVIRONMENT, Start
from toolchain.failure import Failure
from toolchain.versions import versions

FOREIGN = "optest-foreign"  # carries none of our labels

WEB = Thing("service", "1", "studip-old-web", "old", "web")
DATA = Thing("volume", "2", "studip-dev-database", "dev", "database")


def test_only_environments_without_a_stack_are_left_over() -> None:
    assert prune.leftovers([WEB, DATA], ["dev"]) == [WEB]


def test_destroy_names_the_data_first() -> None:
    assert destroy.announcement("dev", [WEB, DATA]) == [
        "This destroys dev. THE DATA IN ITS VOLUMES WILL BE GONE:",
        "  volume studip-dev-database",
        "and with it:",
        "  service studip-old-web",
    ]


class Terminal(io.StringIO):
    """A standard input that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_question_is_asked_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    terminal.confirm("Destroy?")
    monkeypatch.setattr("sys.stdin", Terminal("no\n"))
    with pytest.raises(Failure, match="nothing was changed"):
        terminal.confirm("Destroy?")
    monkeypatch.setattr("sys.stdin", Terminal(""))
    with pytest.raises(Failure, match="nothing was changed"):
        terminal.confirm("Destroy?")
    monkeypatch.setattr("sys.stdin", Terminal("yes\n"))
    terminal.confirm("Destroy?")
    monkeypatch.setattr("sys.stdin", Terminal("no\n"))
    monkeypatch.setenv("FORCE", "1")
    terminal.confirm("Destroy?")


@pytest.mark.live
def test_prune_removes_all_kinds_of_things_of_a_forgotten_environment(
    client: Client, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, marks = f"studip-{ENVIRONMENT}-web", labels(ENVIRONMENT, "web")
    network = client.networks.create(name, driver="overlay", labels=marks)
    client.volumes.create(name, labels=marks)
    client.secrets.create(name=name, data=b"secret", labels=marks)
    client.configs.create(name=name, data=b"config", labels=marks)
    client.containers.run(versions().rootfs, ["true"], detach=True, labels=marks).wait()
    start("web", networks=[network.id])
    kinds = {thing.kind for thing in engine.things(client, ENVIRONMENT)}
    assert kinds == set(engine.KINDS)

    monkeypatch.setattr(pulumi, "stacks", lambda: [ENVIRONMENT])
    prune.run(argparse.Namespace(only=ENVIRONMENT))
    assert {thing.kind for thing in engine.things(client, ENVIRONMENT)} == kinds

    monkeypatch.setattr(pulumi, "stacks", lambda: ["dev"])
    prune.run(argparse.Namespace(only=ENVIRONMENT))
    assert engine.things(client, ENVIRONMENT) == []


@pytest.mark.live
def test_prune_leaves_what_is_not_ours(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi, "stacks", lambda: [])
    foreign = client.volumes.create(FOREIGN)
    try:
        client.volumes.create("studip-optest-database", labels=labels(ENVIRONMENT, "database"))
        prune.run(argparse.Namespace(only=ENVIRONMENT))
        assert [v.name for v in client.volumes.list(filters={"name": FOREIGN})] == [FOREIGN]
        assert client.volumes.list(filters={"name": "studip-optest"}) == []
    finally:
        foreign.remove()


@pytest.mark.live
def test_prune_removes_dangling_images_of_our_builds_only(client: Client, tmp_path: Path) -> None:
    ours, foreign = (
        client.images.build(
            fileobj=io.BytesIO(
                f"FROM {versions().rootfs}\nLABEL {label} test={ENVIRONMENT}\n".encode()
            ),
            rm=True,
        )[0].id
        for label in ("studip.part=images", "studip.part=no-image")
    )
    try:
        prune.remove_images(client)
        left = {image.id for image in client.images.list(all=True)}
        assert ours not in left
        assert foreign in left
    finally:
        client.images.remove(foreign)
