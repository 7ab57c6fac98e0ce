"""What running a candidate asks of people: hours, skills, and risks with their sources."""

import pytest

from evaluation.candidates import CANDIDATES, named
from evaluation.draws import drawn
from evaluation.inventory.models import (
    Assumptions,
    Backup,
    Database,
    Inventory,
    Level,
    Machine,
    Offers,
    Skills,
    Staff,
    Storage,
)
from evaluation.operations import MESOS, lack_of_experience, operations, upkeep
from evaluation.results import Candidate
from evaluation.texts import LANGUAGES, has, render

EXACT = Assumptions.model_validate({"effort_factor": 1, "releases": 10})


def site(offers: Offers | None = None) -> Inventory:
    """Ten releases a year, efforts as estimated."""
    return Inventory(assumptions=EXACT, offers=offers or Offers())


def staffed(level: Level) -> Inventory:
    """The same with people who are equally good at everything."""
    skills = Skills.model_validate(dict.fromkeys(Skills.model_fields, level))
    return site().model_copy(update={"staff": Staff(skills=skills)})


def risks(name: str, offers: Offers | None = None) -> set[str]:
    """Names of the risks of a candidate."""
    found = operations(site(offers), named(name)).risks
    return {risk.key.removeprefix("operations.risk.") for risk in found}


def test_upkeep_is_the_sum_of_what_is_run_by_ourselves() -> None:
    # A machine 12, its database 16, backups 16, ten releases by hand at 4.
    assert operations(site(), named("stay")).upkeep_hours[0] == pytest.approx(84)
    # Three machines 36, Swarm 30, Galera 48, GlusterFS 60, address 10, backups 16, releases 15.
    assert operations(site(), named("swarm")).upkeep_hours[0] == pytest.approx(215)


def test_each_of_todays_machines_takes_its_hours() -> None:
    two = site().model_copy(update={"machines": (Machine(name="a"), Machine(name="b"))})
    assert operations(two, named("stay")).upkeep_hours[0] == pytest.approx(84 + 12)


def test_backups_that_others_keep_take_fewer_hours() -> None:
    own, offered = (
        upkeep(site(offers), named("stay"))["backup"][0]
        for offers in (Offers(), Offers(backup=Backup()))
    )
    assert offered < own


def test_what_others_run_takes_fewer_hours_than_what_we_run() -> None:
    hours = {each.name: operations(site(), each).upkeep_hours[0] for each in CANDIDATES}
    assert hours["swarm-offered"] < hours["swarm-offered-database"] < hours["swarm"]
    assert hours["managed-kubernetes-offered"] < hours["kubernetes-offered"] < hours["kubernetes"]


def test_hours_are_as_uncertain_as_the_estimate() -> None:
    inventory = drawn(Inventory(), 200, 1)
    hours = operations(inventory, named("swarm")).upkeep_hours
    factor = inventory.assumptions.effort_factor.value
    releases = inventory.assumptions.releases.value
    assert hours.shape == (200,)
    assert hours == pytest.approx(factor * (200 + 1.5 * releases))


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda candidate: candidate.name)
def test_who_can_do_everything_misses_nothing(candidate: Candidate) -> None:
    masters = staffed("solid")
    assert operations(masters, candidate).missing_skills == ()
    assert lack_of_experience(masters, candidate) == 0


def test_skills_that_nobody_has_are_named_where_they_are_needed() -> None:
    novices = staffed("none")
    assert set(operations(novices, named("stay")).missing_skills) == {"linux"}
    assert set(operations(novices, named("swarm")).missing_skills) == {
        "linux",
        "docker",
        "pulumi",
        "database_cluster",
        "distributed_storage",
    }
    assert "database_cluster" not in operations(novices, named("swarm-offered")).missing_skills


def test_kubernetes_of_our_own_takes_more_than_the_basics() -> None:
    beginners = staffed("basic")
    assert operations(beginners, named("managed-kubernetes-offered")).missing_skills == ()
    assert operations(beginners, named("kubernetes-offered")).missing_skills == ("kubernetes",)


def test_what_is_missing_is_trained_up_to_the_basics() -> None:
    novices, beginners = staffed("none"), staffed("basic")
    # Linux, Docker and Pulumi, half of each.
    assert lack_of_experience(novices, named("swarm-offered")) == 1.5
    assert lack_of_experience(beginners, named("swarm-offered")) == 1.5


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("stay", {"single_machine", "mariadb_end_of_life"}),
        (
            "swarm",
            {
                "galera_limits",
                "mariadb_end_of_life",
                "glusterfs_support",
                "vrrp_layer_2",
                "swarm_ecosystem",
            },
        ),
        (
            "kubernetes",
            {
                "galera_limits",
                "mariadb_end_of_life",
                "ceph_size",
                "vrrp_layer_2",
                "kubernetes_pace",
            },
        ),
        ("managed-kubernetes-offered", {"kubernetes_pace"}),
    ],
)
def test_each_candidate_has_the_risks_of_its_parts(name: str, expected: set[str]) -> None:
    assert risks(name) == expected


def test_what_is_offered_once_is_a_risk_what_is_offered_twice_is_none() -> None:
    once = Offers(storage=Storage(kind="nfs"), database=Database())
    assert {"nfs_single", "database_single"} <= risks("swarm-offered", once)
    twice = Offers(storage=Storage(kind="cephfs"), database=Database.model_validate({"members": 3}))
    assert not {"nfs_single", "database_single"} & risks("swarm-offered", twice)
    assert not {"nfs_single", "database_single"} & risks("swarm", once)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_risk_and_mesos_can_be_read_and_name_a_source(language: str) -> None:
    offers = Offers(storage=Storage(kind="nfs"), database=Database())
    found = {MESOS.key: MESOS}
    for candidate in CANDIDATES:
        found |= {risk.key: risk for risk in operations(site(offers), candidate).risks}
    assert len(found) == 11
    for message in found.values():
        assert render(message, language).endswith(")")


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda candidate: candidate.name)
def test_each_part_of_the_upkeep_and_each_skill_has_a_name(candidate: Candidate) -> None:
    assert all(has(f"operations.upkeep.{part}") for part in upkeep(site(), candidate))
    assert all(has(f"operations.skill.{skill}") for skill in Skills.model_fields)
