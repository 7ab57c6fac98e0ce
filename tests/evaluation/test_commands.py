"""The command line as a newcomer meets it: help, init, questions, and one clear message."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from evaluation.__main__ import main
from evaluation.inventory.ask import OFFERED, TODAY, WANTED, ask
from evaluation.inventory.fields import keys
from evaluation.inventory.file import load
from evaluation.inventory.init import template
from evaluation.inventory.models import Inventory

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "evaluation" / "samples"
MEDIUM = str(SAMPLES / "medium.yaml")


def typed(*arguments: str, answers: str = "") -> "subprocess.CompletedProcess[str]":
    """What a shell sees of a command."""
    return subprocess.run(
        [sys.executable, "-m", "evaluation", *arguments],
        cwd=ROOT,
        input=answers,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_names_every_command_and_the_way_to_a_verdict(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    said = capsys.readouterr().out
    for command in ("init", "assess", "settings", "plan", "measure", "schema"):
        assert f"\n    {command}" in said
    assert "init my-site.yaml" in said


@pytest.mark.parametrize("command", ["init", "assess", "settings", "plan", "measure", "schema"])
def test_each_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert "usage: python -m evaluation" in capsys.readouterr().out


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_new_inventory_has_every_key_and_is_right_as_it_is(
    language: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "my-site.yaml"
    assert main(["init", str(path), "--lang", language]) == 0
    assert f"{path} is written" in capsys.readouterr().out
    text = path.read_text(encoding="utf-8")
    for key in keys():
        assert f"{key.last}:" in text, key.name
    assert max(len(line) for line in text.splitlines() if "hours: [" not in line) <= 100
    read = load(path)
    assert read.name == "my-site"
    assert read.model_copy(update={"name": "my site"}) == Inventory()


def test_an_offer_is_made_by_taking_the_marks_away(tmp_path: Path) -> None:
    path = tmp_path / "my-site.yaml"
    text = template("en", {}, path)
    begin = text.index("#   # A database that others run")
    end = text.index("#   # A file system that others run")
    block = "\n".join(line.removeprefix("# ") for line in text[begin:end].split("\n"))
    path.write_text(text[:begin] + block + text[end:], encoding="utf-8")
    offers = load(path).offers
    assert offers.database is not None
    assert offers.storage is None


def test_an_inventory_is_never_overwritten_unasked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "my-site.yaml"
    path.write_text("name: mine", encoding="utf-8")
    assert main(["init", str(path)]) == 1
    assert capsys.readouterr().err == f"{path} exists already; --force overwrites it\n"
    assert path.read_text(encoding="utf-8") == "name: mine"
    assert main(["init", str(path), "--force"]) == 0
    assert "students:" in path.read_text(encoding="utf-8")


class Person:
    """Answers questions, and hears what is said."""

    def __init__(self, answers: Iterable[str]) -> None:
        self.answers = iter(answers)
        self.heard: list[str] = []

    def read(self, question: str) -> str:
        self.heard.append(question)
        try:
            return next(self.answers)
        except StopIteration:
            raise EOFError from None

    def say(self, said: str) -> None:
        self.heard.append(said)


def asked(*answers: str, language: str = "en") -> tuple[dict[str, str], str]:
    """What was understood, and all that was said."""
    person = Person(answers)
    return ask(language, person.read, person.say), "\n".join(person.heard)


def test_enter_leaves_every_default() -> None:
    given, _ = asked(*[""] * 100)
    assert given == {"machines[0].name": "studip"}


def test_the_end_of_the_input_leaves_the_rest(tmp_path: Path) -> None:
    given, said = asked("Uni X", "3000..4000")
    assert given == {"name": "Uni X", "load.students": "3000..4000"}
    assert "The rest keeps its defaults." in said


def test_mistakes_are_explained_and_asked_again() -> None:
    given, said = asked("", "many", "5..3", "0", "700")
    assert given == {"load.students": "700"}
    assert "must be a number, or a range such as 40..80, got many" in said
    assert "must begin with the smaller number, got 5..3" in said
    assert "must be from 1 to 1000000, got 0" in said


def test_what_contradicts_an_earlier_answer_is_asked_again() -> None:
    given, said = asked("", "10", "5000", "20")
    assert given == {"load.students": "10", "load.daily_accesses": "20"}
    assert "an access is a visit, not a request, got 5000" in said


def test_a_default_that_contradicts_an_answer_is_not_taken() -> None:
    # 10 students do not come 8,000 times a day.
    given, said = asked("", "10", "", "", "30")
    assert given == {"load.students": "10", "load.daily_accesses": "30"}
    assert said.count("an access is a visit, not a request, got 8000") == 2


def test_a_question_mark_explains() -> None:
    given, said = asked("", "", "", "?", "3")
    assert given == {"load.peak_factor": "3"}
    assert "1 to 50; default 1.5..2.5" in said


def test_several_machines_are_asked_for_until_they_make_a_platform() -> None:
    today = [""] * len(TODAY)
    wrong = ["web", "", "8", "32"] * 2
    right = ["web", "no", "8", "32", "database", "yes", "4", "64"]
    given, said = asked(*today, "0", "two", "2", *wrong, *right)
    assert "must be a whole number from 1 to 100" in said
    assert "machines: must have the role all, or both web and database, got web" in said
    assert given["machines[0].role"] == "web"
    assert given["machines[0].virtual"] == "false"
    assert given["machines[1].role"] == "database"
    assert given["machines[1].memory_gib"] == "64"


def test_an_answer_of_a_first_round_is_forgotten_in_the_second() -> None:
    today = [""] * len(TODAY)
    given, _ = asked(*today, "2", *(["web", "", "8", ""] * 2), *([""] * 8))
    assert "machines[0].role" not in given
    assert "machines[0].cores" not in given


def test_only_what_is_offered_is_asked_about() -> None:
    before = [""] * (len(TODAY) + 1 + 3 + len(WANTED))
    given, said = asked(*before, "perhaps", "no", "", "no", "no", "no", "yes", "mysql", "50")
    assert "must be yes or no" in said
    assert given["offers.database"] == "{}"
    assert given["offers.database.engine"] == "mysql"
    assert given["offers.database.size_gib"] == "50"
    assert "How many." not in said  # machines
    assert not any(key.startswith("offers.machines") for key in given)


def test_the_questions_are_in_german_too() -> None:
    given, said = asked("Uni Y", language="de")
    assert given == {"name": "Uni Y"}
    assert "Studierende und Lehrende mit einem Konto." in said


def test_some_25_questions_lead_to_an_inventory() -> None:
    known = {key.name for key in keys()}
    assert {*TODAY, *WANTED, *OFFERED} <= known
    # Enter everywhere: no offer, so nothing is asked about one.
    person = Person([""] * 100)
    ask("en", person.read, person.say)
    assert 25 <= 100 - len(list(person.answers)) <= 40


def test_answers_come_from_a_pipe_and_make_a_file(tmp_path: Path) -> None:
    path = tmp_path / "my-site.yaml"
    answers = "Universität 'X': #1\n12000\n9000..11000\n"
    done = typed("init", str(path), "--ask", "--lang", "de", answers=answers)
    assert (done.returncode, done.stderr) == (0, "")
    read = load(path)
    assert read.name == "Universität 'X': #1"
    assert (read.load.students.low, read.load.daily_accesses.high) == (12_000, 11_000)


def test_offers_that_were_answered_stand_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "my-site.yaml"
    values = {"offers.database": "{}", "offers.database.engine": "mysql", "machines[1].name": "b"}
    path.write_text(template("en", values, path), encoding="utf-8")
    read = load(path)
    assert read.offers.database is not None
    assert read.offers.database.engine == "mysql"
    assert read.offers.storage is None
    assert [machine.name for machine in read.machines] == ["studip", "b"]


WRONG = {
    "no file": (["assess", "none.yaml"], "none.yaml: No such file or directory\n"),
    "a folder": (["assess", "docs"], "docs: Is a directory\n"),
    "an unknown candidate": (
        ["plan", MEDIUM, "--candidate", "swarn"],
        "--candidate: unknown candidate swarn; did you mean swarm?\n",
    ),
    "settings of staying": (
        ["settings", MEDIUM, "--candidate", "stay"],
        "stay: nothing is deployed, so there are no settings; name another candidate\n",
    ),
    "a plan of staying": (
        ["plan", MEDIUM, "--candidate", "stay"],
        "stay: nothing is migrated; name another candidate\n",
    ),
    "a folder that is not there": (
        ["init", "none/my-site.yaml"],
        "none/my-site.yaml: No such file or directory\n",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_one_clear_message_for(
    what: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    arguments, said = WRONG[what]
    assert main(arguments) == 1
    shown = capsys.readouterr()
    assert shown.err == said
    assert shown.out == ""


def test_a_wrong_inventory_is_one_message_a_line_and_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "my-site.yaml"
    path.write_text("lod: {}\nload: {peak_factor: 0}\n", encoding="utf-8")
    done = typed("assess", str(path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        'my-site.yaml:1: lod: unknown key, did you mean "load"?',
        "my-site.yaml:2: load.peak_factor: must be from 1 to 50, got 0",
    ]


def test_settings_and_plan_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", MEDIUM, "--candidate", "swarm"]) == 0
    assert "kind: galera" in capsys.readouterr().out
    assert main(["plan", MEDIUM, "--candidate", "swarm", "--lang", "de", "--markdown"]) == 0
    assert capsys.readouterr().out.startswith("# Umzugsplan für Medium university: swarm\n")


def test_what_is_not_deployed_yet_is_printed_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", MEDIUM, "--candidate", "kubernetes-offered"]) == 0
    shown = capsys.readouterr()
    assert "studip:orchestrator: kubernetes" in shown.out
    assert "kubernetes-offered needs what this project does not deploy yet" in shown.err


@pytest.mark.parametrize(
    ("sample", "verdict"),
    [("small", "not-worth-it"), ("large", "worth-it"), ("good-offers", "worth-it")],
)
def test_the_samples_come_to_the_verdict_that_they_were_made_for(
    sample: str, verdict: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["assess", str(SAMPLES / f"{sample}.yaml"), "--json"]) == 0
    assert f'"verdict": "{verdict}"' in capsys.readouterr().out
