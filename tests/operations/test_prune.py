"""`prune` and `destroy` take what is ours, and nothing else."""

import argparse
import io
from pathlib import Path

import pytest

from components.labels import labels
from operations import destroy, engine, project, prune, pulumi, terminal
from operations.engine import Client, Engines, Thing
from tests.operations.conftest import ENVIRONMENT, Start
from toolchain.failure import Failure
from toolchain.versions import versions

FOREIGN = "optest-foreign"  # carries none of our labels

WEB = Thing("service", "1", "studip-old-web", "old", "web")
DATA = Thing("volume", "2", "studip-dev-database", "dev", "database")


def test_only_environments_that_nobody_knows_are_left_over() -> None:
    assert prune.leftovers([WEB, DATA], ["dev"]) == [WEB]


def test_what_runs_is_somebodys_even_if_it_is_not_known_here() -> None:
    stopped = Thing("volume", "3", "studip-gone-database", "gone", "database")
    with_data = Thing("volume", "4", "studip-old-database", "old", "database")
    assert prune.without_running([WEB, with_data, stopped]) == [stopped]


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


def answer(monkeypatch: pytest.MonkeyPatch, stdin: io.StringIO, *, unattended: bool) -> bool:
    monkeypatch.setattr("sys.stdin", stdin)
    try:
        terminal.confirm("Destroy?", unattended=unattended)
    except Failure:
        return False
    return True


@pytest.mark.parametrize("unattended", [True, False])
def test_a_question_is_asked_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, unattended: bool
) -> None:
    monkeypatch.delenv("FORCE", raising=False)
    assert answer(monkeypatch, io.StringIO("yes\n"), unattended=unattended) is unattended
    assert answer(monkeypatch, Terminal("yes\n"), unattended=unattended)
    for other in ("no\n", "\n", ""):
        assert not answer(monkeypatch, Terminal(other), unattended=unattended)
    monkeypatch.setenv("FORCE", "1")
    assert answer(monkeypatch, Terminal("no\n"), unattended=unattended)


@pytest.mark.live
def test_prune_removes_all_kinds_of_things_of_a_forgotten_environment(
    client: Client, engines: Engines, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, marks = f"studip-{ENVIRONMENT}-web", labels(ENVIRONMENT, "web")
    network = client.networks.create(name, driver="overlay", labels=marks)
    client.volumes.create(name, labels=marks)
    client.secrets.create(name=name, data=b"secret", labels=marks)
    client.configs.create(name=name, data=b"config", labels=marks)
    client.containers.run(versions().rootfs, ["true"], detach=True, labels=marks).wait()
    start("web", networks=[network.id])
    kinds = {thing.kind for thing in engine.things(engines, ENVIRONMENT)}
    assert kinds == set(engine.KINDS)

    monkeypatch.setattr(pulumi, "stacks", lambda: [ENVIRONMENT])
    prune.run(argparse.Namespace(stack=ENVIRONMENT, only=ENVIRONMENT))
    assert {thing.kind for thing in engine.things(engines, ENVIRONMENT)} == kinds

    monkeypatch.setattr(pulumi, "stacks", lambda: ["dev"])
    monkeypatch.delenv("FORCE", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(Failure, match="only FORCE=1 says yes"):
        prune.run(argparse.Namespace(stack=ENVIRONMENT, only=ENVIRONMENT))
    assert {thing.kind for thing in engine.things(engines, ENVIRONMENT)} == kinds

    monkeypatch.setenv("FORCE", "1")
    prune.run(argparse.Namespace(stack=ENVIRONMENT, only=ENVIRONMENT))
    assert engine.things(engines, ENVIRONMENT) == []


@pytest.mark.live
def test_prune_knows_environments_by_their_settings_file(
    client: Client, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A state folder of its own, as CI has, must not make another one's data forgotten."""
    monkeypatch.setenv("FORCE", "1")
    monkeypatch.setattr(pulumi, "stacks", lambda: [])
    monkeypatch.setattr(project, "environments", lambda: [ENVIRONMENT])
    client.volumes.create("studip-optest-database", labels=labels(ENVIRONMENT, "database"))
    prune.run(argparse.Namespace(stack=ENVIRONMENT, only=ENVIRONMENT))
    assert [thing.kind for thing in engine.things(engines, ENVIRONMENT)] == ["volume"]


@pytest.mark.live
def test_prune_leaves_what_is_not_ours(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE", "1")
    monkeypatch.setattr(pulumi, "stacks", lambda: [])
    foreign = client.volumes.create(FOREIGN)
    try:
        client.volumes.create("studip-optest-database", labels=labels(ENVIRONMENT, "database"))
        prune.run(argparse.Namespace(stack=ENVIRONMENT, only=ENVIRONMENT))
        assert [v.name for v in client.volumes.list(filters={"name": FOREIGN})] == [FOREIGN]
        assert client.volumes.list(filters={"name": "studip-optest"}) == []
    finally:
        foreign.remove()


@pytest.mark.live
def test_prune_removes_dangling_images_of_our_builds_only(
    client: Client, engines: Engines, tmp_path: Path
) -> None:
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
        prune.remove_images(engines)
        left = {image.id for image in client.images.list(all=True)}
        assert ours not in left
        assert foreign in left
    finally:
        client.images.remove(foreign)
