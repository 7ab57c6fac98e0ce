"""Operations on an environment of three machines, reached in three ways."""

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from os import environ
from pathlib import Path

import pytest

from components.labels import labels
from operations import cluster, engine, listening, logs, maintenance, parts, pulumi, shell, status
from operations.__main__ import main
from operations.engine import Client, Engines
from stacks.settings.models import Node, Settings
from tests.operations.conftest import START
from tests.testbed import Testbed
from toolchain import places
from toolchain.failure import Failure
from toolchain.plugins.docker.connection import Engine
from toolchain.plugins.docker.connection import Settings as EngineSettings
from toolchain.versions import versions

pytestmark = pytest.mark.cluster

STACK = "swarm"
SECOND = 1_000_000_000  # ns


@pytest.fixture(scope="module")
def testbed() -> Iterator[Testbed]:
    """Three machines whose engines know nothing of each other."""
    with Testbed("operations", clocks=True) as made:
        yield made


@pytest.fixture(autouse=True)
def nodes(testbed: Testbed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Node]:
    """The machines as settings name them; what `listening.settings` gives is made of this list."""
    listed = [Node.model_validate(raw) for raw in testbed.settings()]

    def settings(environment: str, **_: bool) -> Settings:
        return Settings.model_construct(environment=environment, file="", nodes=tuple(listed))

    (tmp_path / f"Pulumi.{STACK}.yaml").write_text("config:\n  studip:nodes: ...\n")
    monkeypatch.setattr(places, "ROOT", tmp_path)
    monkeypatch.setattr(listening, "settings", settings)
    monkeypatch.setenv("PATH", testbed.path)
    return listed


Operate = Callable[..., tuple[int, str, str]]


@pytest.fixture
def operate(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Operate:
    """`operate("drain", "node-1")`: exit code, output and errors of a command."""

    def operate(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        monkeypatch.setattr("operations.__main__.cast", lambda kind, stream: Quiet())
        code = main([words[0], "--stack", STACK, *words[1:]])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return operate


class Quiet:
    """Stands for an output that cannot be reconfigured, as pytest's own."""

    def reconfigure(self, **options: bool) -> None:
        """Do nothing."""


@pytest.fixture
def joined(operate: Operate, testbed: Testbed) -> Iterator[Engines]:
    """The engines of the machines, which are one whole Swarm."""
    testbed.heal()
    wait("one Swarm", lambda: operate("nodes")[0] == 0)
    engines = cluster.engines(STACK)
    yield engines
    engines.close()


def wait(what: str, condition: Callable[[], object], seconds: float = 180) -> None:
    """Wait until something holds; fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.5)


def rows(output: str) -> dict[str, list[str]]:
    """The table of nodes, by host name."""
    _, _, table = output.rpartition("NODE ")
    return {line.split()[0]: line.split()[1:] for line in table.splitlines()[1:]}


def start(manager: Client, part: str, name: str, *, node: str = "", replicas: int = 1) -> None:
    """Start a service, on a node if one is given."""
    from docker.types import ServiceMode

    manager.services.create(
        image=versions().rootfs,
        command=START,
        name=f"studip-{STACK}-{name}",
        labels=labels(STACK, part),
        container_labels=labels(STACK, part),
        constraints=[f"node.hostname == {node}"] if node else [],
        mode=ServiceMode("replicated", replicas),
        stop_grace_period=SECOND,
    )


@pytest.fixture
def platform(joined: Engines) -> Iterator[Engines]:
    """Three members pinned to their machines, two replicas, and a job that ended on node-2."""
    for number in (1, 2, 3):
        start(joined.manager, "database", f"database-{number}", node=f"node-{number}")
    start(joined.manager, "web", "web", replicas=2)
    joined.nodes["node-2"].containers.run(
        versions().rootfs, ["echo", "migrated"], detach=True, labels=labels(STACK, "migrate")
    ).wait()
    wait("a whole platform", lambda: all(s.whole for s in maintenance.services(joined.manager)))
    yield joined
    for thing in engine.things(joined, STACK):
        engine.remove(joined, thing)


def test_nodes_become_one_swarm_and_again_nothing(
    operate: Operate, nodes: list[Node], testbed: Testbed
) -> None:
    nodes[2] = nodes[2].model_copy(update={"role": "worker"})
    code, output, errors = operate("nodes")
    assert (code, errors) == (0, "")
    assert "node-1: made the Swarm, label zone=a\n" in output
    assert "node-2: joined as manager, label zone=b\n" in output
    assert "node-3: joined as worker, label zone=c\n" in output
    shown = rows(output)
    assert shown["node-1"][:4] == ["manager", "ready", "active", "leader"]
    assert shown["node-2"][:4] == ["manager", "ready", "active", "reachable"]
    assert shown["node-3"][:3] == ["worker", "ready", "active"]
    assert [row[-2:] for row in shown.values()] == [
        [node.address, f"zone={zone}"] for node, zone in zip(testbed.nodes, "abc", strict=True)
    ]

    code, output, _ = operate("nodes")
    assert code == 0
    assert re.findall(r"node-\d: (.*)", output) == ["as it should be"] * 3

    nodes[2] = nodes[2].model_copy(update={"role": "manager", "labels": {"rack": "7"}})
    code, output, _ = operate("nodes")
    assert "node-3: worker became manager, label rack=7, without label zone\n" in output
    wait("a third manager", lambda: rows(operate("nodes")[1])["node-3"][3] == "reachable")


def test_a_clock_that_is_off_is_refused(
    joined: Engines, operate: Operate, testbed: Testbed
) -> None:
    second = testbed.node(2)
    second.clock(240)
    code, output, errors = operate("nodes")
    second.clock(0)
    assert code == 1
    assert re.search(r"nothing was changed:\nnode-2: its clock is 2[34]\d s off", errors)
    assert rows(output)["node-2"][1] == "ready"


def test_a_machine_that_is_off_is_named_and_the_rest_is_shown(
    joined: Engines, operate: Operate, testbed: Testbed
) -> None:
    testbed.node(3).kill()
    began = time.monotonic()
    code, output, errors = operate("nodes")
    assert code == 1
    address = testbed.node(3).engine
    assert f"node-3: the Docker Engine at {address} can't be reached (" in errors
    assert set(rows(output)) == {"node-1", "node-2", "node-3"}
    assert time.monotonic() - began < 60
    code, _, errors = operate("status")
    assert "warning: node-3 is left out: " in errors


def test_managers_without_a_quorum_are_told_from_those_that_have_none(
    joined: Engines, operate: Operate, testbed: Testbed
) -> None:
    for number in (2, 3):
        testbed.node(number).kill()
    wait(
        "no leader", lambda: "the Swarm has no leader: node-1 can be reached" in operate("nodes")[2]
    )


def test_another_swarm_is_left_alone_and_a_lost_disk_joins_anew(
    joined: Engines, operate: Operate, testbed: Testbed
) -> None:
    third = testbed.node(3)
    third.docker("swarm", "leave", "--force")
    third.docker("swarm", "init", "--advertise-addr", third.address)
    code, _, errors = operate("nodes")
    assert code == 1
    assert "node-3: it is a manager of another Swarm than node-1; if nothing on it" in errors
    third.docker("swarm", "leave", "--force")

    def again() -> bool:
        code, output, _ = operate("nodes")
        return code == 0 and "node-3: removed what it was before it joined anew" in output

    wait("node-3 joined anew", again)
    assert len(joined.manager.api.nodes()) == 3


def test_every_way_to_an_engine_serves_the_plugin_too(
    testbed: Testbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An authority for other things must not stand in for the engine's own.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(testbed.folder / "keys/client/cert.pem"))
    for node in testbed.nodes:
        settings = EngineSettings(host=node.engine, cert_path=str(node.certificates or ""))
        one = Engine(settings)
        assert one.get("/info")["Name"] == node.name
        name = one.post("/volumes/create", {"Name": "made-by-the-plugin"})["Name"]
        assert name in node.docker("volume", "ls", "--quiet")
        assert one.delete(f"/volumes/{name}")
        assert one.find(f"/volumes/{name}") is None


def test_what_runs_on_any_machine_is_found(platform: Engines) -> None:
    things = {str(thing) for thing in engine.things(platform, STACK) if thing.kind == "container"}
    assert len(things) == 1
    assert next(iter(things)).endswith(" on node-2")
    job = parts.find(platform, STACK, "migrate")
    assert list(logs.lines(platform, job, follow=False, since=0)) == ["migrate | migrated"]
    web = parts.find(platform, STACK, "web")
    expected = ["web.1 | begun", "web.2 | begun"]
    wait("logs", lambda: sorted(logs.lines(platform, web, follow=False, since=0)) == expected)
    shown = {part.part: part.state for part in status.collect(platform, STACK, pulumi.State())}
    assert shown == {"database": "not in the stack", "web": "not in the stack"}

    listed = platform.manager.api.services(filters={"name": f"studip-{STACK}-database"})
    assert len(listed) == 3
    for raw in listed:
        member = parts.Running("database", raw["ID"], raw["Spec"]["Name"], True)
        container = shell.find_container(platform, member)
        assert container.node == f"node-{member.name[-1]}"
        done = subprocess.run(
            shell.command(container.id, "cat /etc/hostname; exit 7", terminal=False),
            env=environ | platform.environment(container.node),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 7
        assert container.id.startswith(done.stdout.strip())


def test_a_drained_machine_is_empty_and_comes_back_whole(
    platform: Engines, operate: Operate, testbed: Testbed
) -> None:
    code, output, errors = operate("drain", "node-2")
    assert (code, errors) == (0, "")
    assert f"studip-{STACK}-database-2 waits for node-2: no suitable node" in output
    assert testbed.node(2).docker("ps", "--quiet") == ""
    running = {s.name: s.running for s in maintenance.services(platform.manager)}
    assert running[f"studip-{STACK}-web"] == 2
    assert running[f"studip-{STACK}-database-2"] == 0

    code, _, errors = operate("drain", "node-1")
    assert code == 1
    assert "node-1 was not drained:" in errors
    assert "1 of 3 managers would be left (node-3), and 2 are needed" in errors
    assert f"1 of 3 members of studip-{STACK}-database would run" in errors
    assert rows(operate("nodes")[1])["node-1"][2] == "active"

    code, output, _ = operate("activate", "node-2")
    assert code == 0
    assert all(service.whole for service in maintenance.services(platform.manager))
    assert rows(operate("nodes")[1])["node-2"][2] == "active"


def test_a_wrong_node_is_answered_with_the_possible_ones(joined: Engines) -> None:
    with pytest.raises(Failure, match=r"there is no node 'node-9'; NODE is one of: node-1, node-2"):
        maintenance.drain(joined, "node-9")
