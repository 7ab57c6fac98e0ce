"""Questions in a terminal, for whoever would rather not fill in a file."""

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from evaluation.inventory.checks import check, location
from evaluation.inventory.fields import Key, keys, meaning, unit, written
from evaluation.inventory.init import facts
from evaluation.inventory.models import Inventory
from evaluation.texts import has, render, text
from stacks.settings.errors import complaint, escaped, shown
from stacks.settings.file import scalar

# What matters most, in the order in which one thinks of it. An offer is asked for before its keys.
TODAY = (
    "name",
    "load.students",
    "load.daily_accesses",
    "load.peak_factor",
    "load.semester_start_factor",
    "load.service_time_ms",
    "data.database_gib",
    "data.files_gib",
    "data.files_growth_gib",
)
WANTED = (
    "wanted.availability_percent",
    "wanted.rpo_minutes",
    "wanted.rto_hours",
    "wanted.p95_ms",
    "staff.people",
    "staff.hours_per_week",
    "staff.on_call",
    "staff.skills.docker",
    "staff.skills.kubernetes",
    "staff.skills.database_cluster",
    "staff.skills.distributed_storage",
    "costs.currency",
    "costs.staff_per_hour",
)
OFFERED = (
    "offers.machines",
    "offers.machines.count",
    "offers.machines.cores",
    "offers.machines.memory_gib",
    "offers.network.shared_layer_2",
    "offers.swarm",
    "offers.swarm.cores",
    "offers.swarm.memory_gib",
    "offers.swarm.price_per_year",
    "offers.kubernetes",
    "offers.kubernetes.cores",
    "offers.kubernetes.memory_gib",
    "offers.kubernetes.price_per_year",
    "offers.load_balancer",
    "offers.load_balancer.price_per_year",
    "offers.database",
    "offers.database.engine",
    "offers.database.size_gib",
    "offers.database.availability_percent",
    "offers.database.price_per_year",
    "offers.storage",
    "offers.storage.kind",
    "offers.storage.shared",
    "offers.storage.size_gib",
    "offers.storage.price_gib_per_year",
    "offers.backup",
    "offers.backup.interval_hours",
)
ASKED = frozenset((*TODAY, *WANTED, *OFFERED))
MACHINE = ("role", "virtual", "cores", "memory_gib")
MOST_MACHINES = 100  # that anybody answers questions about

WORDS = {"yes": True, "y": True, "ja": True, "j": True, "no": False, "n": False, "nein": False}

Read = Callable[[str], str]
Say = Callable[[str], None]


def ask(language: str, read: Read = input, say: Say = print) -> dict[str, str]:
    """Answers by key, as YAML; Enter leaves a default, and so does the end of the input.

    `read` is asked with the question and raises EOFError at the end. What is wrong is said, and
    asked again.
    """
    return _Questions(language, read, say).answers()


class _Questions:
    def __init__(self, language: str, read: Read, say: Say) -> None:
        self._language = language
        self._read = read
        self._say = say
        self._keys = {key.name: key for key in keys()}
        self._given: dict[str, str] = {}

    def answers(self) -> dict[str, str]:
        self._say(self._text("welcome"))
        try:
            for group, names in (("today", TODAY), ("wanted", WANTED), ("offered", OFFERED)):
                self._say(f"\n{self._text(group)}")
                refused = ""
                for name in names:
                    key = self._keys[name]
                    if refused and name.startswith(refused):
                        continue
                    if key.offer:
                        refused = "" if self._offered(name) else f"{name}."
                    else:
                        self._value(key, name)
                if group == "today":
                    self._machines()
        except EOFError:
            self._say(f"\n{self._text('end')}")
        return self._given

    def _machines(self) -> None:
        count = 0
        while not 1 <= count <= MOST_MACHINES:
            typed = self._typed(self._text("machines"), "1", self._text("machines_why"))
            count = int(typed or 1) if (typed or "1").isdecimal() else 0
            if not 1 <= count <= MOST_MACHINES:
                self._say(f"  {self._text('count', most=MOST_MACHINES)}")
        wrong = ["asked first"]
        while wrong:
            for index in range(count):
                self._machine(index, alone=count == 1)
            wrong = list(self._wrong(self._given, "machines"))
            for what in wrong:
                self._say(f"  {what}")

    def _machine(self, index: int, *, alone: bool) -> None:
        for last in MACHINE:  # of an earlier round
            self._given.pop(f"machines[{index}].{last}", None)
        name = "studip" if alone else f"studip-{index + 1}"
        self._given[f"machines[{index}].name"] = name
        if not alone:
            self._say(f"  {name}")
        for last in MACHINE:
            if last != "role" or not alone:
                self._value(self._keys[f"machines.{last}"], f"machines[{index}].{last}")

    def _offered(self, name: str) -> bool:
        while True:
            question = f"{meaning(name, self._language)} {self._text('offered_too')}"
            typed = self._typed(question, self._text("no"), self._text("offer_why"))
            answer = WORDS.get(typed.lower(), None if typed else False)
            if answer:
                self._given[name] = "{}"
            if answer is not None:
                return answer
            self._say(f"  {self._text('yes_or_no')}")

    def _value(self, key: Key, name: str) -> None:
        """Ask for one value until it is right."""
        currency = self._given.get("costs.currency", "EUR")
        said = meaning(name, self._language)
        measured = unit(key.about, self._language, currency) if key.about else ""
        question = f"{said} [{measured}]" if measured else said
        default = "" if key.default is None else self._shown(key)
        while True:
            typed = self._typed(question, default, facts(key, currency, self._language))
            if typed and isinstance(key.default, bool):
                typed = written(WORDS.get(typed.lower(), typed))
            answer = {name: typed} if typed else {}
            wrong = list(self._wrong(self._given | answer, name))
            if not wrong:
                if typed:
                    self._given[name] = typed if key.about else written(scalar(typed))
                return
            for what in wrong:
                self._say(f"  {what}")

    def _shown(self, key: Key) -> str:
        if isinstance(key.default, bool):
            return self._text("yes" if key.default else "no")
        return written(key.default)

    def _typed(self, question: str, default: str, why: str) -> str:
        """What was typed; a `?` is answered, and asked again."""
        while True:
            typed = self._read(f"{question} ({default}): ").strip()
            if typed != "?":
                return typed
            self._say(f"  {why}")

    def _wrong(self, given: Mapping[str, str], name: str) -> Iterator[str]:
        """What is wrong with the answer to `name`, the others being right."""
        document = _document(given)
        try:
            inventory = Inventory.model_validate(document)
        except ValidationError as error:
            for item in error.errors(include_url=False):
                yield self._complaint(item)
            return
        for finding in check(inventory, document):
            others = {key for key in finding.keys if key != name}
            # A default that is asked for later is no fault of this answer.
            if len(others) < len(finding.keys) and not others & (ASKED - set(given)):
                yield f"{finding.keys[0]}: {render(finding.message, self._language)}"

    def _complaint(self, item: ErrorDetails) -> str:
        key = f"inventory.wrong.{item['type']}"
        if not has(key):
            return escaped(complaint("", item, Inventory))
        values = {name: str(value).replace("'", "") for name, value in item.get("ctx", {}).items()}
        return text(key, self._language, got=shown(item["input"]), **values)

    def _text(self, name: str, **values: str | float) -> str:
        return text(f"inventory.ask.{name}", self._language, **values)


def _document(given: Mapping[str, str]) -> dict[str, Any]:
    """Answers by key as the document that they stand for; machines in the order of their index."""
    document: dict[str, Any] = {}
    for name, typed in given.items():
        *parents, last = location(name)
        section: Any = document
        for part, following in pairwise((*parents, last)):
            empty: Any = [] if isinstance(following, int) else {}
            if isinstance(part, int):
                if part == len(section):
                    section.append(empty)
                section = section[part]
            else:
                section = section.setdefault(part, empty)
        if typed == "{}":
            section.setdefault(last, {})
        else:
            section[last] = scalar(typed)
    return document
