"""The address is on one node, leaves it when its load balancer is gone, and never without need."""

import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest

from components.address import PROFILES, VirtualAddressArgs, budgets, environment
from tests.images import balancers
from tests.images.balancers import Cluster, Load, ask, write_down
from tests.images.conftest import Built, wait

pytestmark = [pytest.mark.live, pytest.mark.fault]

IMPATIENT = 0.3  # s; who waits longer would measure their own patience


@pytest.fixture(scope="module", params=sorted(PROFILES))
def cluster(
    request: pytest.FixtureRequest, session_client: docker.DockerClient, built: Built
) -> Iterator[Cluster]:
    made = Cluster(session_client, built, timers=PROFILES[request.param])
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture
def measured(cluster: Cluster, request: pytest.FixtureRequest) -> Callable[[str, Load], None]:
    """`measured("node killed", load)` writes down what a fault did."""
    profile = request.node.callspec.params["cluster"]
    predicted = budgets(cluster.args.timers, len(cluster.args.nodes))
    return lambda fault, load: write_down(fault, profile, load, predicted)


Measured = Callable[[str, Load], None]


def test_it_runs_without_root_and_with_two_capabilities(cluster: Cluster) -> None:
    machine = cluster.heal()
    states = machine.sh("keepalived", "cat /proc/$(pidof -s keepalived)/status")
    fields = dict(line.split(":", 1) for line in states.splitlines())
    assert fields["Uid"].split() == ["999"] * 4
    assert int(fields["CapEff"], 16) == (1 << 12) | (1 << 13)  # NET_ADMIN, NET_RAW
    machine.sh("keepalived", "healthcheck")
    machine.sh("keepalived", "! touch /usr/x 2>/dev/null")


def test_it_gets_unhealthy_when_it_hangs(cluster: Cluster) -> None:
    machine = cluster.heal()
    machine.sh("keepalived", "kill -STOP $(pidof keepalived)")
    code, _ = machine.parts["keepalived"].exec_run(["healthcheck"])
    machine.sh("keepalived", "kill -CONT $(pidof keepalived)")
    assert code != 0


def test_it_moves_when_its_node_is_killed_and_does_not_go_back(
    cluster: Cluster, measured: Measured
) -> None:
    former = cluster.heal()
    with Load(cluster.address, timeout=IMPATIENT, patient=False) as load:
        former.kill()
        now = cluster.moved_from(former)
    measured("node killed", load)
    # The one that comes back has the higher priority, or had it before.
    cluster.heal()
    for _ in range(2):
        assert cluster.owner().node == now.node
        time.sleep(4 * cluster.args.timers.advert)
    # And the other way round.
    now.kill()
    assert cluster.moved_from(now).node == former.node
    cluster.heal()
    time.sleep(4 * cluster.args.timers.advert)
    assert cluster.owner().node == former.node


def test_a_stopped_keepalived_gives_it_away_at_once(cluster: Cluster, measured: Measured) -> None:
    former = cluster.heal()
    with Load(cluster.address, timeout=IMPATIENT, patient=False) as load:
        former.parts["keepalived"].stop(timeout=10)
        cluster.moved_from(former)
    measured("keepalived stopped", load)
    former.parts["keepalived"].reload()
    assert former.parts["keepalived"].attrs["State"]["ExitCode"] == 0


def test_no_request_fails_while_the_load_balancer_stops(
    cluster: Cluster, measured: Measured
) -> None:
    former = cluster.heal()
    with Load(cluster.address, timeout=15, kept=1) as load:
        former.parts["haproxy"].stop(timeout=20)
        cluster.moved_from(former)
    measured("load balancer stopped", load)
    assert load.failures == []


def test_it_moves_when_the_load_balancer_is_killed(cluster: Cluster, measured: Measured) -> None:
    former = cluster.heal()
    with Load(cluster.address, timeout=IMPATIENT, patient=False) as load:
        former.kill("haproxy")
        cluster.moved_from(former)
    measured("load balancer killed", load)


def test_it_moves_when_the_load_balancer_hangs(cluster: Cluster, measured: Measured) -> None:
    former = cluster.heal()
    with Load(cluster.address, timeout=IMPATIENT, patient=False) as load:
        former.sh("haproxy", "kill -STOP $(pidof haproxy)")
        cluster.moved_from(former)
    measured("load balancer hangs", load)
    former.sh("haproxy", "kill -CONT $(pidof haproxy)")


def test_a_killed_keepalived_process_leaves_no_address_behind(
    cluster: Cluster, measured: Measured
) -> None:
    former = cluster.heal()
    with Load(cluster.address, timeout=IMPATIENT, patient=False) as load:
        former.sh("keepalived", "kill -9 $(</run/keepalived/keepalived.pid)")
        cluster.moved_from(former)
    measured("keepalived killed", load)
    wait(lambda: not former.runs("keepalived"))


def test_both_serve_when_keepalived_is_killed_with_its_container(
    cluster: Cluster, measured: Measured
) -> None:
    """Nobody is left to take the address off, until the container starts again."""
    former = cluster.heal()
    with Load(cluster.address, timeout=IMPATIENT, patient=False) as load:
        former.kill("keepalived")
        wait(lambda: len(cluster.owners()) == 2)
        time.sleep(1)
        cluster.start_part(former, "keepalived")
        wait(lambda: len(cluster.owners()) == 1)
    measured("keepalived's container killed", load)


def test_it_is_on_one_node_again_when_a_cut_heals(cluster: Cluster) -> None:
    cluster.heal()
    first, second = cluster.machines
    for one, other in ((first, second), (second, first)):
        # To a machine that is not there.
        nowhere = ["lladdr", "02:00:00:00:00:01", "nud", "permanent"]
        one.ip("neighbour", "replace", other.node.address, *nowhere, "dev", "eth0")
    wait(lambda: len(cluster.owners()) == 2)
    for one, other in ((first, second), (second, first)):
        one.ip("neighbour", "del", other.node.address, "dev", "eth0")
    wait(lambda: len(cluster.owners()) == 1)
    assert cluster.owner() is first
    assert ask(cluster.address) is not None


def test_it_stays_where_it_is_when_no_node_has_a_replica(cluster: Cluster) -> None:
    owner = cluster.heal()
    cluster.replica.pause()
    try:
        wait(lambda: {ask(one.node.address, 8405) for one in cluster.machines} == {b"empty"})
        deadline = time.monotonic() + cluster.args.timers.hold + 4
        while time.monotonic() < deadline:
            assert cluster.owners() == [owner]
    finally:
        cluster.replica.unpause()
    cluster.heal()
    assert cluster.owners() == [owner]


def test_it_moves_from_a_node_that_reaches_no_replica_to_one_that_does(
    cluster: Cluster, measured: Measured
) -> None:
    former = cluster.heal()
    cluster.replica.reload()
    networks = cluster.replica.attrs["NetworkSettings"]["Networks"]
    replica = networks[cluster.network.name]["IPAddress"]
    with Load(cluster.address, timeout=IMPATIENT, patient=False) as load:
        former.ip("route", "add", "blackhole", replica)
        cluster.moved_from(former)
    former.ip("route", "del", "blackhole", replica)
    measured("load balancer has no replicas, another has", load)


# --- without a cluster of its own ----------------------------------------------------------------


@pytest.mark.parametrize(
    "more", [{"multicast": True}, {"on": "macvlan"}], ids=["multicast", "macvlan"]
)
def test_three_nodes_share_an_address(
    session_client: docker.DockerClient, built: Built, more: dict[str, Any]
) -> None:
    made = Cluster(session_client, built, machines=3, timers=PROFILES["fast"], **more)
    try:
        made.start()
        left = list(made.machines)
        while len(left) > 1:
            former = made.owner()
            if made.args.on == "macvlan":
                assert _mac(made.address) == "00:00:5e:00:01:33"  # RFC 5798, router 51
            former.kill()
            left.remove(former)
            made.moved_from(former)
            wait(lambda: ask(made.address) is not None)
    finally:
        made.close()


def _mac(address: str) -> str:
    """MAC address that this machine has for an address."""
    shown = subprocess.run(
        ["ip", "neighbour", "show", address], capture_output=True, text=True, check=True
    ).stdout.split()
    return shown[shown.index("lladdr") + 1]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ADDRESSES": ""}, "ADDRESSES is not set; such as 192.0.2.10/24"),
        ({"ADDRESSES": "x"}, 'ADDRESSES: must be like 192.0.2.10/24, got "x"'),
        ({"ADDRESSES": "192.0.2.12/24"}, "ADDRESSES: must be no node's own, got 192.0.2.12"),
        ({"PEERS": ""}, "PEERS is not set; the addresses of the other nodes"),
        ({"PEERS": "node-2"}, 'PEERS: must be an IPv4 address, got "node-2"'),
        (
            {"NODE_ADDRESS": "192.0.2.99"},
            "NODE_ADDRESS: no network interface of this node has 192.0.2.99",
        ),
        ({"PRIORITY": "255"}, 'PRIORITY: must be a number from 1 to 254, got "255"'),
        (
            {"ADVERT_SECONDS": "often"},
            'ADVERT_SECONDS: must be a number from 0.01 to 40, got "often"',
        ),
        ({"MACVLAN": "yes"}, 'MACVLAN: must be 0 or 1, got "yes"'),
        ({"INTERFACE": "lo"}, "CAP_NET_ADMIN, CAP_NET_RAW, and a tmpfs of its own"),
    ],
)
def test_it_says_what_is_wrong_with_its_settings(
    session_client: docker.DockerClient, built: Built, wrong: dict[str, str], message: str
) -> None:
    args: VirtualAddressArgs = balancers.args("192.0.2", 2)
    env = {**environment(args, 0), "NODE_ADDRESS": "127.0.0.1", **wrong}
    container = session_client.containers.run(
        built("keepalived"),
        environment=env,
        detach=True,
        labels={"studip.test": "balancer"},
        tmpfs={"/run/keepalived": "mode=1777"} if "CAP_" in message else {},
    )
    try:
        assert container.wait(timeout=60)["StatusCode"] == 1
        (line,) = container.logs().decode().splitlines()
        assert line.startswith("entrypoint: ")
        assert message in line
    finally:
        container.remove(force=True)
