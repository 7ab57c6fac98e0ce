"""The testbed itself: machines are apart from each other, and each fault does what it says."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from tests.testbed import Node, Testbed
from tests.testbed.node import docker
from tests.testbed.testbed import LABEL
from tests.testbed.testbed import testbeds as existing
from toolchain.failure import Failure
from toolchain.places import ROOT
from toolchain.versions import versions

pytestmark = pytest.mark.cluster

SERVICE = "testbed-sleep"
SSH = 22


@pytest.fixture
def nodes(testbed: Testbed) -> Iterator[list[Node]]:
    """The machines, on and whole before and after."""
    testbed.heal()
    yield testbed.nodes
    testbed.heal()


@pytest.fixture(scope="module")
def service(testbed: Testbed) -> str:
    """A service with one container on each machine, joined by an overlay network."""
    first = testbed.node(1)
    first.docker("network", "create", "--driver", "overlay", SERVICE)
    first.docker(
        *("service", "create", "--detach", "--mode", "global", "--network", SERVICE),
        *("--endpoint-mode", "dnsrr", "--name", SERVICE, versions().rootfs, "sleep", "infinity"),
    )
    wait("a container on each machine", lambda: all(n.containers(SERVICE) for n in testbed.nodes))
    return SERVICE


def wait(what: str, condition: Callable[[], object], seconds: float = 90) -> None:
    """Wait until something holds; fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.2)


def reaches(node: Node, address: str, port: int = SSH, container: str | None = None) -> bool:
    """Whether a connection from a machine, or from a container on it, is answered within 2 s."""
    inside = ("docker", "exec", container) if container else ()
    connect = f"timeout 2 bash -c 'echo -n > /dev/tcp/{address}/{port}'"
    try:
        node.run(*inside, "bash", "-c", connect)
    except Failure as failure:
        # To be refused takes an answer.
        return "refused" in str(failure)
    return True


def test_machines_are_one_swarm_reached_in_three_ways(testbed: Testbed) -> None:
    first, second, third = testbed.nodes
    assert [node.engine.partition(":")[0] for node in testbed.nodes] == ["unix", "tcp", "ssh"]
    listed = first.docker("node", "ls", "--format", "{{.Hostname}} {{.Status}}")
    assert sorted(listed.split("\n")[:3]) == ["node-1 Ready", "node-2 Ready", "node-3 Ready"]

    keys = second.certificates
    files = {"cacert": "ca", "cert": "cert", "key": "key"}
    tls = ["--tlsverify", *(f"--tls{option}={keys}/{file}.pem" for option, file in files.items())]
    for node, options in ((first, []), (second, tls), (third, [])):
        asked = subprocess.run(
            ["docker", "--host", node.engine, *options, "info", "--format", "{{.Name}}"],
            env={"PATH": testbed.path, "HOME": "/nonexistent"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (asked.returncode, asked.stdout.strip()) == (0, node.name), asked.stderr


def test_without_a_key_no_engine_lets_anybody_in(testbed: Testbed) -> None:
    with pytest.raises(Failure):
        docker("--host", testbed.node(2).engine, "--tls", "info")


def test_an_unplugged_machine_is_alone_until_it_is_healed(nodes: list[Node]) -> None:
    first, second, third = nodes
    assert reaches(first, second.address)
    second.unplug()
    assert not reaches(first, second.address)
    assert not reaches(second, third.address)
    assert reaches(first, third.address)
    second.heal()
    assert reaches(first, second.address)


def test_a_cut_can_be_towards_one_machine_and_one_port_only(nodes: list[Node]) -> None:
    first, second, third = nodes
    first.cut([second.address], [SSH])
    assert not reaches(first, second.address)
    assert not reaches(second, first.address)
    assert reaches(first, second.address, 2377)
    assert reaches(first, third.address)
    first.heal()
    first.cut([second.address])
    assert not reaches(first, second.address, 2377)
    assert reaches(first, third.address)


def test_a_cut_container_loses_what_the_overlay_carries(nodes: list[Node], service: str) -> None:
    first, second, _ = nodes
    wait("containers", lambda: all(node.containers(service) for node in nodes))
    mine, other = first.containers(service)[0], second.containers(service)[0]
    form = f'{{{{(index .NetworkSettings.Networks "{SERVICE}").IPAddress}}}}'
    address = second.docker("inspect", "--format", form, other).strip()
    wait("the overlay", lambda: reaches(first, address, 1, mine))
    first.cut([address], container=mine)
    assert not reaches(first, address, 1, mine)
    assert reaches(first, second.address)
    first.heal(container=mine)
    assert reaches(first, address, 1, mine)


def test_a_slow_network_takes_longer(nodes: list[Node]) -> None:
    first, second, _ = nodes
    first.run("sh", "-c", "head -c 300000 /dev/zero > /run/payload")
    docker("exec", "--detach", first.container, "python3", "-m", "http.server", "-d", "/run", "81")
    ask = ("curl", "--silent", "--fail", "--retry", "60", "--retry-delay", "1")

    def fetch() -> float:
        """Seconds for 300 kB."""
        began = time.monotonic()
        second.run(*ask, "--retry-connrefused", f"http://{first.address}:81/payload")
        return time.monotonic() - began

    fetch()
    fast = fetch()
    first.slow(800)
    slow = fetch()
    first.heal()
    healed = fetch()
    # At 100 kB/s it takes 3 s, less what the shaper lets through at once.
    assert slow > 2
    assert fast < slow / 2
    assert healed < slow / 2
    for pid in first.processes("python3"):
        first.kill_process(pid)
    assert first.processes("python3") == []


def test_all_packets_can_be_lost(nodes: list[Node]) -> None:
    first, second, _ = nodes
    first.lose(1.0)
    assert not reaches(second, first.address)
    first.heal()
    assert reaches(second, first.address)


def test_swarm_replaces_a_killed_container(nodes: list[Node], service: str) -> None:
    node = nodes[2]
    wait("a container", lambda: node.containers(service))
    before = node.containers(service)[0]
    node.kill_container(before)
    wait("another one", lambda: node.containers(service) not in ([], [before]))


def test_a_full_disk_takes_nothing_more_and_survives_a_power_failure(nodes: list[Node]) -> None:
    node = nodes[1]
    node.disk("small", 64)
    folder = node.docker("volume", "inspect", "--format", "{{.Mountpoint}}", "small").strip()
    assert node.run("ls", "--almost-all", folder) == ""
    write = ("dd", "if=/dev/zero", f"of={folder}/more", "bs=64k", "count=1", "conv=fsync")
    node.fill("small")
    with pytest.raises(Failure, match="No space left on device"):
        node.run(*write)
    node.free("small")
    node.run(*write)
    node.kill()
    assert not node.running
    node.start()
    assert "more" in node.run("ls", folder)
    size = int(node.run("df", "--output=size", "--block-size=1M", folder).split()[-1])
    assert size <= 64


def test_a_disk_of_the_machine_itself_is_never_filled(nodes: list[Node]) -> None:
    nodes[0].docker("volume", "create", "large")
    with pytest.raises(Failure, match="at most 4096 MiB are filled"):
        nodes[0].fill("large")


def test_a_clock_is_off_for_engine_and_containers_alike(nodes: list[Node], service: str) -> None:
    first, second, _ = nodes
    wait("containers", lambda: all(node.containers(service) for node in nodes))
    container = second.containers(service)[0]
    kernel = time.time()
    second.clock(300)
    times = [
        float(second.run("date", "+%s")),
        float(second.docker("exec", container, "date", "+%s")),
    ]
    assert all(295 < there - kernel < 360 for there in times)
    shown = second.docker("info", "--format", "{{.SystemTime}}").strip()[:19]
    engine = float(second.run("date", "--utc", "--date", f"{shown}Z", "+%s"))
    assert 295 < engine - kernel < 360
    assert float(first.run("date", "+%s")) - kernel < 60
    # A wait of one second is one second long all the same.
    code = "import threading, time; b = time.monotonic(); threading.Event().wait(1)"
    waited = second.run("python3", "-c", f"{code}; print(time.monotonic() - b)")
    assert 0.9 < float(waited) < 20
    second.clock(0)
    assert abs(float(second.run("date", "+%s")) - time.time()) < 30


def test_a_killed_run_is_cleaned_up_at_the_next_start() -> None:
    code = (
        "from tests.testbed import Testbed; import os, signal\n"
        "Testbed('leftover', nodes=1).up(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=300)
    assert done.returncode == -9
    assert "leftover" in existing()
    with Testbed("successor", nodes=1) as successor:
        assert "leftover" not in existing()
        assert successor.node(1).running
    for kind in (("ps", "--all"), ("volume", "ls"), ("network", "ls")):
        for name in ("leftover", "successor"):
            assert docker(*kind, "--quiet", "--filter", f"label={LABEL}={name}") == ""


def test_a_second_testbed_of_the_same_name_is_refused(testbed: Testbed) -> None:
    with pytest.raises(Failure, match="testbed pytest is there already"):
        Testbed("pytest").up()
    assert testbed.node(1).running
