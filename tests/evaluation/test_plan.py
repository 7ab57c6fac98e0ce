"""The way to each candidate: what it takes, how long users are cut off, in both languages."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from evaluation.candidates import CANDIDATES, STAY, named
from evaluation.cost import migration_days
from evaluation.draws import one_at_a_time
from evaluation.inventory.file import load
from evaluation.inventory.models import Inventory
from evaluation.plan import (
    NothingToMigrateError,
    Plan,
    address_hours,
    as_markdown,
    dump_hours,
    first_copy_hours,
    last_copy_hours,
    plan,
    show,
)
from evaluation.quantity import FloatArray
from evaluation.results import Candidate

SAMPLES = sorted((Path(__file__).parents[2] / "evaluation" / "samples").glob("*.yaml"))
inventory = partial(Inventory.model_validate)
MOVING = [candidate for candidate in CANDIDATES if candidate != STAY]
GIGABIT = np.array([1.0, 1.0])


def of(size: float) -> FloatArray:
    """A number that is known."""
    return np.array([size, size])


def test_sixteen_gigabytes_of_database_take_two_hours_at_most() -> None:
    # What the source measured with default settings.
    assert dump_hours(of(16)).tolist() == pytest.approx([0.4, 2])


def test_bytes_take_as_long_as_the_slower_of_network_and_storage() -> None:
    # 70 % of a gigabit are 83.4 MiB/s: 1,000 GiB take 12,272 s, if files are few and big.
    assert first_copy_hours(of(1000), GIGABIT, np.inf, "local")[0] == pytest.approx(3.41, abs=0.01)
    # At 20 MiB/s 51,200 s.
    assert first_copy_hours(of(1000), GIGABIT, 20, "local")[0] == pytest.approx(14.22, abs=0.01)


def test_many_files_take_their_time_on_storage_of_several_members() -> None:
    # 1,024,000 files of 1 MiB at 30 a second are 34,133 s.
    assert first_copy_hours(of(1000), GIGABIT, np.inf, "glusterfs")[1] == pytest.approx(
        9.48, abs=0.01
    )


def test_the_last_copy_looks_at_each_file_and_sends_a_day() -> None:
    # 1,024,000 files of 1 MiB at 1,000 a second: 0.284 h; five days' growth of 365 GiB a year: 5
    # GiB, 5,120 files at 200 a second: 0.007 h; bytes take longer: 61 s, 0.017 h.
    least, most = last_copy_hours(of(1000), of(365), GIGABIT, "local")
    assert most == pytest.approx(0.284 + 0.017, abs=0.001)
    # 256,000 files of 4 MiB at 10,000 a second, and one day.
    assert least == pytest.approx(25.6 / 3600 + 1024 / 83.4 / 3600, rel=0.01)


def test_a_moving_address_is_quicker_at_its_worst_than_none_but_a_name_has_its_ttl() -> None:
    assert address_hours(named("docker-host"))[1] == pytest.approx(300 / 3600)
    assert address_hours(named("swarm"))[0] < 30 / 3600


@pytest.mark.parametrize("candidate", MOVING, ids=lambda candidate: candidate.name)
def test_the_work_is_what_the_cost_counts(candidate: Candidate) -> None:
    for sample in SAMPLES:
        site = load(sample)
        made = plan(site, candidate)
        counted = sum(migration_days(one_at_a_time(site)[0], made.candidate).values())
        work = np.sum([step.work for step in made.steps], axis=0)
        assert work.tolist() == pytest.approx([np.min(counted), np.max(counted)])
        for step in (*made.steps, *made.evening):
            assert 0 <= step.work[0] <= step.work[1], step.key
            assert 0 <= step.takes[0] <= step.takes[1], step.key


def test_users_are_cut_off_for_the_evening_with_both_copies_at_once() -> None:
    made = plan(inventory({"data": {"database_gib": 8, "files_gib": 0}}), named("docker-host"))
    parts = {step.key: step.takes for step in made.evening}
    longer = np.maximum(parts["last_copy"], parts["dump"])
    rest = sum(parts[key] for key in ("freeze", "start", "checks", "name"))
    assert made.downtime.tolist() == pytest.approx((longer + rest).tolist())
    assert not made.replicates


def big(**offers: object) -> Inventory:
    """A site whose database is too big to be dumped on an evening of four hours."""
    return inventory({"data": {"database_gib": 200}, "offers": {"machines": {}, **offers}})


def test_a_database_that_takes_too_long_to_dump_follows_beforehand() -> None:
    made = plan(big(), named("swarm"))
    assert made.replicates
    assert made.dump_downtime[1] > 25  # 200 GiB at 8 GiB/h
    assert made.downtime[1] < 4
    assert "note" not in " ".join(note.key for note in made.notes)


def test_mysql_does_not_follow_a_mariadb_so_the_evening_is_too_long_and_the_plan_says_so() -> None:
    made = plan(big(database={"engine": "mysql", "size_gib": 1000}), named("docker-host-offered"))
    assert not made.replicates
    assert "plan.note.window" in [note.key for note in made.notes]


def keys(made: Plan) -> list[str]:
    """The steps in their order."""
    return [step.key for step in made.steps]


def test_the_steps_come_in_an_order_that_can_be_walked() -> None:
    made = keys(plan(Inventory(), named("swarm")))
    for first, second in (
        ("stock", "order"),
        ("platform", "rehearsal"),
        ("rehearsal", "cut_over"),
        ("first_copy", "cut_over"),
        ("ttl_moving", "cut_over"),
        ("cut_over", "way_back"),
        ("way_back", "decommission"),
    ):
        assert made.index(first) < made.index(second)
    assert "ttl" in keys(plan(Inventory(), named("docker-host")))


def test_what_is_not_deployed_or_not_offered_is_noted() -> None:
    notes = [note.key for note in plan(Inventory(), named("managed-kubernetes")).notes]
    assert {"candidates.not_deployed", "candidates.storage"} <= set(notes)


def test_nobody_migrates_to_where_he_is() -> None:
    with pytest.raises(NothingToMigrateError, match="stay: nothing is migrated"):
        plan(Inventory(), STAY)


@pytest.mark.parametrize("candidate", MOVING, ids=lambda candidate: candidate.name)
def test_both_languages_have_a_text_for_each_step(candidate: Candidate) -> None:
    made = plan(big(), candidate)
    english, german = (as_markdown(made, language) for language in ("en", "de"))
    assert english.count("\n## ") == german.count("\n## ") == len(made.steps)
    assert "Before the next step" in english
    assert "Vor dem nächsten Schritt" in german
    assert "{" not in english + german


def test_the_terminal_shows_each_step_and_the_evening(capsys: pytest.CaptureFixture[str]) -> None:
    made = plan(inventory({"name": "[Uni] X"}), named("swarm"))
    show(made, "en")
    shown = capsys.readouterr().out
    assert "Migration plan of [Uni] X: swarm" in shown
    assert "13. Take the old machine away" in shown
    assert "the moving address" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_german_numbers_have_a_comma() -> None:
    made = plan(inventory({"data": {"database_gib": 12}}), named("docker-host"))
    assert "0,3 bis 1,5 h" in as_markdown(made, "de")
    assert "0.3 to 1.5 h" in as_markdown(made, "en")
