"""The address that moves: what each node is told, and how long it may be nowhere."""

import pytest
from pulumi import RunError

from components.address import (
    PROFILES,
    TAKE_OVER,
    Timers,
    VirtualAddressArgs,
    budgets,
    environment,
    handover,
    priority,
    skew,
)
from components.load_balancer import Checks
from components.load_balancer import budgets as balancer_budgets
from components.node import Node
from components.swarm.address import VirtualAddress
from components.workload import Logging, Resources
from tests.recording import DIGEST, record


def arguments(nodes: int = 3, **more: object) -> VirtualAddressArgs:
    usual: dict[str, object] = {
        "image": f"registry.test/keepalived@{DIGEST}",
        "nodes": [Node(name=f"node-{n}", address=f"192.0.2.{n}") for n in range(1, nodes + 1)],
        "addresses": ["192.0.2.100/24"],
        "monitor_port": 8405,
        "labels": {},
        "resources": Resources(cpu_limit=0.2, memory_limit=32),
        "logging": Logging(),
    }
    return VirtualAddressArgs(**{**usual, **more})  # type: ignore[arg-type]


def test_each_node_is_told_of_the_others_and_has_its_own_priority() -> None:
    args = arguments(interface="eth1", on="macvlan", timers=PROFILES["fast"])
    told = [environment(args, number) for number in range(3)]
    assert [one["NODE_ADDRESS"] for one in told] == ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
    assert told[1]["PEERS"] == "192.0.2.1 192.0.2.3"
    assert [one["PRIORITY"] for one in told] == ["250", "200", "150"]
    assert {one["ADVERT_SECONDS"] for one in told} == {"0.2"}
    assert {one["MACVLAN"] for one in told} == {"1"}
    assert {one["INTERFACE"] for one in told} == {"eth1"}
    assert "INTERFACE" not in environment(arguments(), 0)


@pytest.mark.parametrize("nodes", [2, 3, 5, 6, 16])
def test_priorities_differ_and_fit_into_their_byte(nodes: int) -> None:
    given = [priority(number, nodes) for number in range(nodes)]
    assert len(set(given)) == nodes
    assert given == sorted(given, reverse=True)
    assert all(1 <= one <= 254 for one in given)


def test_budgets_add_up_the_timers() -> None:
    timers = Timers(advert=2.0, interval=0.5, fall=3, timeout=4.0, hold=10.0)
    # Priority of the second node is 200: (256 - 200) / 256 x 2 s.
    assert skew(1, 2, timers) == 0.4375
    predicted = {budget.fault: budget.outage - TAKE_OVER for budget in budgets(timers, 2)}
    assert predicted == pytest.approx(
        {
            "node killed": 6.4375,
            "keepalived killed": 6.4375,
            "keepalived stopped": 0.4375,
            "load balancer killed": 1.9375,
            "load balancer hangs": 4.9375,
            "load balancer has no replicas, another has": 12.9375,
        }
    )
    assert handover(timers, 2) > predicted["load balancer killed"] + TAKE_OVER
    replicas = {one.fault: one.outage for one in balancer_budgets(Checks(interval=2, fall=3))}
    assert replicas == {"web replica killed": 6, "web replica hangs": 12}


@pytest.mark.parametrize(("profile", "most"), [("fast", 1.0), ("standard", 4.1)])
def test_profiles_promise_what_they_are_for(profile: str, most: float) -> None:
    for budget in budgets(PROFILES[profile], 2):
        if budget.fault in ("node killed", "keepalived killed", "load balancer killed"):
            assert budget.outage <= most


def test_nodes_change_one_after_the_other_each_on_its_own() -> None:
    recording = record(lambda: VirtualAddress("studip-test-address", arguments()))
    services = recording.of_type("docker:index/service:Service")
    placed = [one.inputs["taskSpec"]["placement"]["constraints"] for one in services]
    assert placed == [[f"node.hostname == node-{number}"] for number in (1, 2, 3)]
    assert {one.inputs["name"] for one in services} == {
        f"studip-test-address-{number}" for number in (1, 2, 3)
    }


def test_one_node_is_refused() -> None:
    with pytest.raises(RunError, match="nodes: must be at least 2, got 1"):
        record(lambda: VirtualAddress("studip-test-address", arguments(nodes=1)))
