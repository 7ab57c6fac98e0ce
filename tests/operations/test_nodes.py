"""`nodes`, `drain` and `activate`: what is refused, and why."""

from typing import Any

import pytest

from operations import maintenance, nodes
from operations.maintenance import Service
from operations.nodes import Seen
from stacks.settings.models import Node
from toolchain.failure import Failure

INACTIVE = {"LocalNodeState": "inactive", "ControlAvailable": False}
WORKER = {"LocalNodeState": "active", "ControlAvailable": False, "NodeID": "w"}


def manager_of(cluster: str) -> dict[str, Any]:
    """What a manager's engine says about its Swarm."""
    return {"LocalNodeState": "active", "ControlAvailable": True, "Cluster": {"ID": cluster}}


def node(number: int, **more: Any) -> Node:
    """A node as the settings name it."""
    return Node(name=f"node-{number}", address=f"192.0.2.{number}", **more)


def seen(number: int, swarm: dict[str, Any] | None = None, **more: Any) -> Seen:
    """What its engine says."""
    given = {"host_name": f"node-{number}", "api": "1.41", "clock": 0.2, "doubt": 0.5, **more}
    return Seen(swarm=swarm or INACTIVE, **given)


def found(*pairs: tuple[Node, Seen]) -> list[str]:
    """Problems of these nodes."""
    return list(nodes.problems([n for n, _ in pairs], {n.name: s for n, s in pairs}))


def test_nodes_that_can_be_one_swarm_are_no_problem() -> None:
    assert found(*((node(i), seen(i, clock=float(i))) for i in (1, 2, 3))) == []
    assert found((node(1), seen(1, manager_of("a"))), (node(2), seen(2, manager_of("a")))) == []
    assert found((node(1), seen(1, manager_of("a"))), (node(2), seen(2, WORKER))) == []


@pytest.mark.parametrize(
    ("second", "problem"),
    [
        (seen(2, host_name="other"), "node-2: its host name is other; both must be the same"),
        (seen(2, api="1.40"), "node-2: its engine speaks version 1.40 of the API, 1.41 is needed"),
        (seen(2, api="1.9"), "node-2: its engine speaks version 1.9 of the API, 1.41 is needed"),
        (
            seen(2, clock=300.2),
            "node-2: its clock is 300 s off the others', at most 5 s are right; see to its time "
            "service (NTP)",
        ),
        (seen(2, {**INACTIVE, "LocalNodeState": "locked"}), "node-2: its Swarm is locked; `dock"),
        (
            seen(2, {**INACTIVE, "LocalNodeState": "error", "Error": "why"}),
            "node-2: it can't join its Swarm (error: why)",
        ),
        (seen(2, manager_of("b")), "node-2: it is a manager of another Swarm than node-1; if"),
    ],
)
def test_what_stands_in_the_way_is_named(second: Seen, problem: str) -> None:
    pairs = (node(1), seen(1, manager_of("a"))), (node(2), second), (node(3), seen(3))
    (only,) = found(*pairs)
    assert only.startswith(problem)


def test_a_clock_that_was_read_slowly_is_not_blamed() -> None:
    pairs = [(node(i), seen(i)) for i in (1, 2)]
    assert found(*pairs, (node(3), seen(3, clock=8.0, doubt=4.0))) == []
    assert len(found(*pairs, (node(3), seen(3, clock=8.0, doubt=0.5)))) == 1


def test_workers_alone_are_no_swarm_of_ours() -> None:
    assert found((node(1, role="worker"), seen(1))) == ["no node has the role manager"]
    (only,) = found((node(1), seen(1)), (node(2), seen(2, WORKER)))
    assert only == "node-2: it is a worker of a Swarm whose managers are not in the settings"


def test_an_address_is_given_or_that_of_the_engine() -> None:
    assert nodes.address(node(1)) == "192.0.2.1"
    other = Node(name="node-2", engine="ssh://root@127.0.0.1:22")
    assert nodes.address(other) == "127.0.0.1"
    with pytest.raises(Failure, match="node-3: its address must be given, as its engine is a sock"):
        nodes.address(Node(name="node-3"))


def member(number: int, *, role: str = "manager", reachability: str = "reachable") -> Any:
    """A member as a manager lists it."""
    return {
        "Description": {"Hostname": f"node-{number}"},
        "Spec": {"Role": role, "Availability": "active"},
        "ManagerStatus": {"Reachability": reachability} if role == "manager" else None,
    }


def test_managers_must_keep_their_quorum() -> None:
    three = [member(1), member(2), member(3)]
    assert list(maintenance.managers_lost(three, "node-2")) == []
    dead = [member(1), member(2), member(3, reachability="unreachable")]
    (reason,) = maintenance.managers_lost(dead, "node-2")
    assert reason == (
        "without it 1 of 3 managers would be left (node-1), and 2 are needed"
    )  # fmt: skip
    three[2]["Spec"]["Availability"] = "drain"
    assert len(list(maintenance.managers_lost(three, "node-2"))) == 1
    assert len(list(maintenance.managers_lost([member(1)], "node-1"))) == 1


def test_a_worker_or_what_is_dead_already_takes_no_quorum_away() -> None:
    listed = [member(1), member(2), member(3, reachability="unreachable"), member(4, role="worker")]
    assert list(maintenance.managers_lost(listed, "node-4")) == []
    assert list(maintenance.managers_lost(listed, "node-3")) == []


def pinned(number: int, *, running: int = 1, name: str = "studip-swarm-database") -> Service:
    """A member of a part that is pinned to the node of its number."""
    return Service(f"{name}-{number}", "database", f"node-{number}", 1, running)


def test_members_of_data_must_keep_their_majority() -> None:
    anywhere = Service("studip-swarm-web", "web", "", 2, 0)
    three = [pinned(1), pinned(2), pinned(3), anywhere]
    assert list(maintenance.members_lost(three, "node-2")) == []
    (reason,) = maintenance.members_lost([pinned(1), pinned(2), pinned(3, running=0)], "node-2")
    assert reason == (
        "without it 1 of 3 members of studip-swarm-database would run (studip-swarm-database-1), "
        "and 2 are needed"
    )
    assert list(maintenance.members_lost([pinned(1), pinned(2), pinned(3, running=0)], "x")) == []


def test_of_two_that_stand_in_for_each_other_one_must_be_left() -> None:
    assert list(maintenance.members_lost([pinned(1), pinned(2)], "node-1")) == []
    assert len(list(maintenance.members_lost([pinned(1), pinned(2, running=0)], "node-1"))) == 1
    assert len(list(maintenance.members_lost([pinned(1)], "node-1"))) == 1


def test_groups_are_counted_apart() -> None:
    groups = [pinned(i, name=name) for name in ("a", "b") for i in (1, 2, 3)]
    groups[0] = pinned(1, running=0, name="a")
    (reason,) = maintenance.members_lost(groups, "node-2")
    assert "members of a would run" in reason
