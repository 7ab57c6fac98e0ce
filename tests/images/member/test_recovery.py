"""A cluster is started by exactly one member, and never from less than its newest history."""

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest

from member.recovery import Decision, decide, oldest, regain
from member.report import STOPPED, Fork, Position, Report, State

ONE = "11111111-1111-1111-1111-111111111111"
TWO = "22222222-2222-2222-2222-222222222222"
GONE = None


def covers(one: Position, other: Position) -> bool:
    assert isinstance(one, int)
    assert isinstance(other, int)
    return one >= other


def subset(one: Position, other: Position) -> bool:
    """Positions that are sets, written as letters."""
    return set(str(other)) <= set(str(one))


def empty() -> Report:
    return Report(member=0, state="empty")


def broken() -> Report:
    return Report(member=0, state="broken")


def unreadable() -> Report:
    return Report(member=0, state="unreadable")


def at(
    position: Position,
    state: State = "waiting",
    *,
    cluster: str = ONE,
    safe: bool = False,
    forks: tuple[Fork, ...] = (),
) -> Report:
    return Report(
        member=0,
        state=state,
        cluster=cluster,
        position=position,
        safe=safe,
        forks=frozenset(forks),
    )


def all_decisions(
    *reports: Report | None, forced: int = 0, covers: object = covers
) -> dict[int, Decision]:
    """What each member that is there decides; members count from 1."""
    members = {
        number: replace(report, member=number) if report else None
        for number, report in enumerate(reports, 1)
    }
    return {
        number: decide(
            me,
            {other: report for other, report in members.items() if other != number},
            covers,  # type: ignore[arg-type]
            forced=forced == number,
        )
        for number, me in members.items()
        if me and me.state in STOPPED
    }


def actions(*reports: Report | None, forced: int = 0, covers: object = covers) -> list[str]:
    return [one.action for one in all_decisions(*reports, forced=forced, covers=covers).values()]


def reasons(*reports: Report | None, forced: int = 0) -> set[str]:
    """What those say who need an operator."""
    decisions = all_decisions(*reports, forced=forced).values()
    return {decision.reason for decision in decisions if decision.operator}


# --- nothing serves ----------------------------------------------------------------------------


def test_the_first_of_empty_members_starts_the_cluster() -> None:
    assert actions(empty(), empty(), empty()) == ["bootstrap", "wait", "wait"]


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_empty_members_wait_for_one_that_can_not_be_seen(missing: int) -> None:
    members: list[Report | None] = [empty(), empty(), empty()]
    members[missing] = GONE
    assert actions(*members) == ["wait", "wait"]
    # Nothing to be lost, so nothing to decide.
    assert reasons(*members) == set()


def test_an_empty_member_never_starts_a_cluster_beside_data() -> None:
    assert actions(empty(), at(5), empty()) == ["wait", "bootstrap", "wait"]
    assert actions(empty(), at(5), at(7)) == ["wait", "wait", "bootstrap"]


def test_a_new_disk_that_was_never_written_counts_as_data() -> None:
    assert actions(empty(), at(0), empty()) == ["wait", "bootstrap", "wait"]


def test_the_newest_position_starts_the_cluster() -> None:
    assert actions(at(5), at(9), at(7)) == ["wait", "bootstrap", "wait"]


def test_of_equal_positions_the_first_starts_the_cluster() -> None:
    assert actions(at(9), at(9), at(7)) == ["bootstrap", "wait", "wait"]
    assert actions(at(7), at(9), at(9)) == ["wait", "bootstrap", "wait"]


def test_the_mark_of_the_last_to_leave_only_breaks_a_tie() -> None:
    assert actions(at(9), at(9, safe=True), at(9)) == ["wait", "bootstrap", "wait"]
    # mariadb-operator believed it of an old or empty disk, and copied that over all others.
    assert actions(at(5, safe=True), at(9), at(9)) == ["wait", "bootstrap", "wait"]
    assert actions(replace(empty(), safe=True), at(9), at(9)) == ["wait", "bootstrap", "wait"]
    assert actions(replace(broken(), safe=True), at(9), at(9)) == ["wait", "bootstrap", "wait"]


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_without_the_position_of_one_member_nobody_starts(missing: int) -> None:
    members: list[Report | None] = [at(5), at(9, safe=True), at(7)]
    members[missing] = GONE
    assert actions(*members) == ["wait", "wait"]
    text = f"member {missing + 1} can't be reached and may have the newest data"
    assert reasons(*members) == {text}


def test_a_broken_disk_contributes_nothing_and_starts_nothing() -> None:
    assert actions(broken(), at(5), at(7)) == ["wait", "wait", "bootstrap"]
    assert actions(broken(), broken(), broken()) == ["wait"] * 3
    assert actions(broken(), empty(), empty()) == ["wait"] * 3
    assert reasons(broken(), empty(), empty()) == {"no member has data with a known history"}


def test_data_of_different_clusters_is_refused() -> None:
    assert actions(at(5), at(9, cluster=TWO), at(7)) == ["wait"] * 3
    (reason,) = reasons(at(5), at(9, cluster=TWO), at(7))
    assert reason == f"members 1 and 2 have data of different clusters: {ONE} and {TWO}"


def test_positions_that_are_sets_need_one_that_has_all() -> None:
    assert actions(at("ab"), at("abc"), at("a"), covers=subset) == ["wait", "bootstrap", "wait"]
    assert actions(at("ab"), at("ac"), at("a"), covers=subset) == ["wait"] * 3


@pytest.mark.parametrize("state", ["joining", "minority", "stopping"])
def test_nobody_starts_while_another_runs_or_stops(state: State) -> None:
    assert actions(at(9), at(1, state), at(5)) == ["wait", "wait"]
    assert actions(empty(), at(1, state), empty()) == ["wait", "wait"]
    assert actions(at(9), at(1, state), at(5), forced=1) == ["wait", "wait"]


# --- an operator decides -----------------------------------------------------------------------


def test_an_operator_may_start_from_a_disk_although_one_is_missing() -> None:
    decisions = all_decisions(at(5), GONE, at(7), forced=3)
    assert [one.action for one in decisions.values()] == ["wait", "bootstrap"]
    assert decisions[3].forced
    # Also from an older one: that is what the order is for.
    assert actions(at(5), GONE, at(7), forced=1) == ["bootstrap", "wait"]
    assert actions(at(5), at(9, cluster=TWO), GONE, forced=2) == ["wait", "bootstrap"]


def test_a_disk_that_can_not_be_read_may_be_the_newest() -> None:
    for others in ((at(5), at(7)), (unreadable(), at(7)), (empty(), broken())):
        assert actions(unreadable(), *others) == ["wait"] * 3
        assert any("1" in reason for reason in reasons(unreadable(), *others))
    # What others have in service, or an operator decides, is all that counts.
    assert actions(unreadable(), at(9, "synced"), at(9, "donor")) == ["join"]
    forced = at(9, "synced", forks=(FORK,))
    assert actions(unreadable(), forced, forced) == ["wait"]
    assert actions(replace(unreadable(), forks=forced.forks), forced, forced) == ["join"]
    assert actions(unreadable(), at(9), GONE, forced=2) == ["wait", "bootstrap"]
    assert actions(unreadable(), at(9), at(8), forced=1) == ["wait"] * 3
    assert _regain(unreadable(), at(3)).operator
    assert _regain(unreadable(), at(3), forced=True).action == "restore"


def test_an_operator_can_not_start_from_nothing() -> None:
    assert actions(empty(), GONE, at(7), forced=1) == ["wait", "wait"]
    assert actions(broken(), GONE, at(7), forced=1) == ["wait", "wait"]
    text = "forced, but this disk is empty: there is nothing to start from"
    assert text in reasons(empty(), GONE, GONE, forced=1)


def test_an_order_counts_for_nothing_while_others_serve() -> None:
    decisions = all_decisions(at(5), at(7, "synced"), GONE, forced=1)
    assert decisions[1].action == "join"
    assert not decisions[1].forced


def test_who_went_further_than_a_fork_has_another_history() -> None:
    fork = Fork(id="a", position=7)
    # Member 2 was missing when an operator let the others go on from 7; they are at 20 now.
    assert actions(at(20, forks=(fork,)), at(9), at(20, forks=(fork,))) == ["wait"] * 3
    assert actions(at(20, "synced", forks=(fork,)), at(9)) == ["wait"]
    (reason,) = reasons(at(20, "synced", forks=(fork,)), at(9))
    assert reason == "member 2 went on to 9 before an operator let member 1 go on from 7"
    # Whoever stopped before it may come back.
    assert actions(at(20, "synced", forks=(fork,)), at(7)) == ["join"]
    assert actions(at(20, forks=(fork,)), at(7), at(20, forks=(fork,))) == [
        "bootstrap",
        "wait",
        "wait",
    ]


# --- a cluster serves --------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["synced", "donor"])
def test_whoever_comes_to_a_cluster_that_serves_joins_it(state: State) -> None:
    for comer in (empty(), broken(), at(5), at(9)):
        assert actions(at(9, state), comer, GONE) == ["join"]


def test_a_disk_that_a_cluster_would_overwrite_with_less_is_not_offered() -> None:
    assert actions(at(9, "synced"), at(10)) == ["wait"]
    assert "beyond the cluster's 9" in next(iter(reasons(at(9, "synced"), at(10))))
    assert actions(at(9, "synced"), at(5, cluster=TWO)) == ["wait"]


def test_nobody_chooses_between_two_clusters() -> None:
    two = (at(9, "synced"), at(9, "synced", cluster=TWO))
    assert actions(*two, empty()) == ["wait"]
    assert reasons(*two, empty()) == {"members 1 and 2 serve different clusters"}
    forked = at(9, "synced", forks=(Fork(id="a", position=3),))
    assert actions(at(9, "synced"), forked, empty()) == ["wait"]


# --- the majority is lost ----------------------------------------------------------------------


def _regain(*others: Report | None, forced: bool = False, member: int = 1) -> Decision:
    numbers = [number for number in range(1, len(others) + 2) if number != member]
    peers = {
        number: replace(report, member=number) if report else None
        for number, report in zip(numbers, others, strict=True)
    }
    return regain(replace(at(9, "minority"), member=member), peers, covers, forced=forced)


def test_the_last_one_goes_on_when_all_others_are_stopped_with_nothing_newer() -> None:
    for others in ((at(9), at(8)), (empty(), empty()), (broken(), at(3)), (at(9), empty())):
        assert _regain(*others).action == "restore"


def test_the_last_one_does_not_go_on_without_knowing_all() -> None:
    assert _regain(at(9), GONE).action == "wait"
    assert _regain(at(9), GONE).operator
    assert _regain(GONE, GONE, forced=True).action == "restore"
    assert _regain(GONE, GONE, forced=True).forced


def test_the_last_one_does_not_go_on_beside_others() -> None:
    for state in ("synced", "donor", "joining", "stopping"):
        assert _regain(at(9, state), at(9)).action == "wait"
        assert _regain(at(9, state), at(9), forced=True).action == "wait"
    assert _regain(at(10), at(9)).action == "wait"
    assert _regain(at(9, cluster=TWO), at(9)).action == "wait"


def test_of_several_that_run_the_first_goes_on_unless_they_all_run() -> None:
    minority = at(9, "minority")
    assert _regain(minority, minority).action == "wait"
    assert _regain(minority, empty(), member=1).action == "restore"
    assert _regain(minority, empty(), member=2).action == "wait"


# --- whatever three members may be -------------------------------------------------------------

FORK = Fork(id="a", position=5)
ANY: tuple[Report | None, ...] = (
    GONE,
    empty(),
    broken(),
    unreadable(),
    *(
        at(position, state, cluster=cluster, safe=safe, forks=forks)
        for position in (5, 9)
        for state in ("waiting", "synced", "minority")
        for cluster in (ONE, TWO)
        for safe in ((False, True) if state == "waiting" else (False,))
        for forks in ((), (FORK,))
    ),
)


def everything() -> Iterator[tuple[Report | None, ...]]:
    """Each three of them in which somebody has to decide."""
    for members in itertools.product(ANY, repeat=3):
        if any(one and one.state in STOPPED for one in members):
            yield members


def test_whatever_three_members_are_at_most_one_starts_and_it_has_the_newest() -> None:
    seen = 0
    for members in everything():
        decisions = all_decisions(*members)
        starting = [number for number, one in decisions.items() if one.action == "bootstrap"]
        assert len(starting) <= 1, members
        if not starting:
            continue
        seen += 1
        assert GONE not in members
        assert unreadable() not in members
        assert all(one and one.state in STOPPED for one in members)
        first = members[starting[0] - 1]
        assert first
        data = [one for one in members if one and one.state == "waiting"]
        if first.state == "empty":
            assert all(one == empty() for one in members)
        else:
            assert first.state == "waiting"
            assert all(covers(first.position, one.position) for one in data)
            assert {one.cluster for one in data} == {first.cluster}
    assert seen


def test_whatever_three_members_are_who_joins_brings_no_history_that_is_lost() -> None:
    seen = 0
    for members in everything():
        serving = [one for one in members if one and one.serves]
        for number, decision in all_decisions(*members).items():
            me = members[number - 1]
            assert me
            if decision.action != "join":
                continue
            seen += 1
            assert serving
            assert len({(one.cluster, one.forks) for one in serving}) == 1
            if me.state == "waiting":
                assert me.cluster == serving[0].cluster
                assert any(covers(one.position, me.position) for one in serving)
    assert seen


# --- the writer --------------------------------------------------------------------------------


def test_the_writer_is_who_has_been_there_longest() -> None:
    def member(number: int, since: int, state: State = "synced") -> Report:
        return replace(at(9, state), member=number, since=since, view=(1, 2, 3))

    one, two, three = member(1, 5), member(2, 1), member(3, 1)
    members = {1: one, 2: two, 3: three}

    def writers(members: dict[int, Report]) -> list[int]:
        return [
            number
            for number, me in members.items()
            if oldest(me, {other: members[other] for other in members if other != number})
        ]

    assert writers(members) == [2]
    # One that stops or lost the majority hands over.
    assert writers(members | {2: member(2, 1, "stopping")}) == [3]
    assert writers(members | {2: member(2, 1, "minority")}) == [3]
    assert oldest(three, {1: None, 2: None})
    # What Galera says about others' addresses may be old.
    assert not oldest(replace(three, view=(1, 3)), {1: one, 2: two})
