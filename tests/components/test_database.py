"""What a Galera cluster and its proxy register, and what they promise."""

import itertools

import pytest

from components.certificate import Certificate
from components.database import DatabaseClusterArgs, GaleraArgs, GaleraTimers, budgets
from components.node import Node
from components.proxy import ProxyArgs
from components.proxy_timers import ProxyTimers
from components.swarm.database import DatabaseCluster
from components.swarm.proxy import Proxy
from components.workload import Logging, Network, Resources
from tests.recording import DIGEST, Recording, record, revealed

IMAGE = f"127.0.0.1:5000/studip/any@{DIGEST}"
RESOURCES = Resources(cpu_limit=0.5, memory_limit=64)
NETWORK = Network(id="network-id", name="network")
NODES = [Node(name=f"node-{number}", address=f"192.0.2.{number}") for number in (1, 2)]
GALERA = GaleraArgs(
    members=3,
    nodes=NODES,
    certificate=Certificate(certificate="c", key="k", authority="a"),
)


def platform(parameters: dict[str, str]) -> None:
    """A cluster of three members on two nodes, and its proxy."""
    database = DatabaseCluster(
        "db",
        DatabaseClusterArgs(
            kind="galera",
            image=IMAGE,
            network=NETWORK,
            database="studip",
            user="studip",
            password="p",
            root_password="r",
            parameters=parameters,
            galera=GALERA,
            labels={"studip.environment": "test", "studip.part": "database"},
            resources=RESOURCES,
            logging=Logging(),
        ),
    )
    proxy = Proxy(
        "proxy",
        ProxyArgs(
            image=IMAGE,
            network=NETWORK,
            replicas=2,
            database=database.endpoint,
            labels={"studip.environment": "test", "studip.part": "proxy"},
            resources=RESOURCES,
            logging=Logging(),
        ),
    )
    assert proxy.database.members == ()
    assert proxy.database.authority == "a"


@pytest.fixture(scope="module")
def recording() -> Recording:
    return record(lambda: platform({"max_connections": "50"}))


def test_members_are_spread_over_the_nodes_each_with_its_own_volume(recording: Recording) -> None:
    placed = []
    for number in (1, 2, 3):
        task = recording.service(f"db-{number}").inputs["taskSpec"]
        (constraint,) = task["placement"]["constraints"]
        mounts = {one["target"]: one for one in task["containerSpec"]["mounts"]}
        placed.append((constraint, mounts["/var/lib/mysql"]["source"]))
    assert placed == [
        ("node.hostname == node-1", "db-1"),
        ("node.hostname == node-2", "db-2"),
        ("node.hostname == node-1", "db-3"),
    ]


def test_each_member_waits_for_the_one_before_and_the_proxy_for_all(recording: Recording) -> None:
    """A change of all members goes on only once the last one changed is healthy again."""
    services = [recording.service(f"db-{number}") for number in (1, 2, 3)]
    # A component's children are registered once all that it depends on is there.
    for before, after in itertools.pairwise(services):
        assert before.urn in recording.one("studip:swarm:Service", after.inputs["name"]).depends_on
    assert services[-1].urn in recording.service("proxy").depends_on
    for service in services:
        assert service.inputs["updateConfig"]["order"] == "stop-first"
        assert service.inputs["convergeConfig"]["timeout"] == "1h0m0s"
        assert service.inputs["taskSpec"]["containerSpec"]["healthcheck"]["startPeriod"] == "1h0m0s"


def test_members_and_proxy_get_the_timers_that_the_budgets_are_made_of(
    recording: Recording,
) -> None:
    member = revealed(recording.service("db-2").inputs)["taskSpec"]["containerSpec"]["env"]
    assert member["MEMBER"] == "2"
    assert member["MEMBERS"] == "db-1,db-2,db-3"
    assert member["GALERA_SUSPECT_TIMEOUT"] == "2"
    assert member["GALERA_INACTIVE_TIMEOUT"] == "4"
    assert (member["MEMBER_TICK"], member["MEMBER_POLL"]) == ("0.25", "0.4")
    proxy = revealed(recording.service("proxy").inputs)["taskSpec"]["containerSpec"]["env"]
    assert proxy["MEMBERS"] == "db-1,db-2,db-3"
    assert (proxy["CHECK_INTERVAL"], proxy["CHECK_FALL"]) == ("500", "2")


def test_another_parameter_changes_the_config_of_every_member(recording: Recording) -> None:
    other = record(lambda: platform({"max_connections": "60"}))
    type_ = "docker:index/serviceConfig:ServiceConfig"
    names = [{one.inputs["name"] for one in each.of_type(type_)} for each in (recording, other)]
    assert len(names[0]) == len(names[1]) == 3
    assert names[0].isdisjoint(names[1])


def test_writes_are_back_within_six_seconds_with_the_timers_as_they_are() -> None:
    made = {budget.fault: budget.outage for budget in budgets(GALERA, ProxyTimers())}
    assert made["database primary killed"] == pytest.approx(4 + 0.5 + 0.25 + 0.5)
    assert max(made.values()) <= 6


def test_budgets_follow_the_timers() -> None:
    slow = GaleraArgs(
        members=3,
        nodes=NODES,
        certificate=GALERA.certificate,
        timers=GaleraTimers(keepalive=1, suspect=5, inactive=15),
    )
    made = {budget.fault: budget.outage for budget in budgets(slow, ProxyTimers(interval=2))}
    assert made["database primary killed"] == pytest.approx(15 + 1 + 0.25 + 2)
    assert made["database secondary killed"] == pytest.approx(16)
