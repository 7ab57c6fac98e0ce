"""What is wrong with a settings file, in sentences that name the key, the rule and the value."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from stacks.settings.base import Location, Sealed

LONGEST = 200  # characters of a value that a message shows
SECRET_NAME = re.compile("password|secret|token|credential", re.IGNORECASE)
LOGIN = re.compile(r"(?<=//)\S*@")  # of an address


class SettingsError(Exception):
    """All that is wrong with one settings file."""

    def __init__(self, messages: Sequence[str]) -> None:
        super().__init__("\n".join(messages))
        self.messages = list(messages)


def sentence(key: str, what: str, file: str) -> str:
    """One message: `studip:database.members: must be odd, got 2 (Pulumi.swarm.yaml)`."""
    return f"studip:{escaped(key)}: {what} ({file})"


def escaped(text: str) -> str:
    """A text on one line: what a terminal would act upon is written as in Python."""
    return "".join(
        character if character.isprintable() else repr(character)[1:-1] for character in text
    )


def shown(value: Any) -> str:
    """A value as a message shows it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Sealed):
        return "an encrypted value"
    if isinstance(value, str):
        # Settings that were pasted to the wrong place may hold passwords.
        return "a text in braces" if value.startswith(("{", "[")) else _text(value)
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, (list, tuple)):
        return "a list"
    return str(value)[:LONGEST]


def _text(value: str) -> str:
    value = LOGIN.sub("***@", value)
    if len(value) > LONGEST:
        value = f"{value[:LONGEST]}..."
    value = escaped(value)
    return value if value and value == value.strip() else f"'{value}'"


TYPES = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "a text",
    "dict": "an object",
    "model": "an object",
    "mapping": "an object",
    "list": "a list",
    "tuple": "a list",
}
STRUCTURES = ("dict", "model", "mapping", "list", "tuple")


def sentences(
    section: str, errors: Sequence[ErrorDetails], model: type[BaseModel], file: str
) -> list[str]:
    """Every error of one section, in the order of its keys."""
    found = []
    for item in errors:
        key = written(item["loc"], section)
        found.append(sentence(key, complaint(key, item, model), file))
    return found


def written(location: Location, section: str = "") -> str:
    """A key as people write it: `nodes[1].address`."""
    key = section
    for part in location:
        key += f"[{part}]" if isinstance(part, int) else f".{part}"
    return key.removeprefix(".")


def _got(item: ErrorDetails) -> str:
    """The wrong value, unless it may be a secret."""
    value = item["input"]
    if any(SECRET_NAME.search(str(part)) for part in item["loc"]):
        return "got a value that is not shown"
    if item["type"].startswith(STRUCTURES) and isinstance(value, str):
        return "got a text"
    return f"got {shown(value)}"


def complaint(key: str, item: ErrorDetails, model: type[BaseModel]) -> str:
    """What is wrong with the value at `key`, in words."""
    context: Mapping[str, Any] = item.get("ctx", {})
    kind = item["type"]
    if kind == "secret_plain":
        return f"must be encrypted: pulumi config set --secret --path 'studip:{escaped(key)}'"
    if kind.startswith("secret_"):
        return item["msg"]
    got = _got(item)
    if kind == "extra_forbidden":
        return unknown_key(str(item["loc"][-1]), _fields_at(model, item["loc"][:-1]))
    if kind == "missing":
        return "is missing"
    if kind == "literal_error":
        allowed = context["expected"].replace("'", "").replace(" or ", ", ")
        return f"must be one of {allowed}, {got}"
    limits = {
        "greater_than_equal": ("at least", "ge"),
        "greater_than": ("more than", "gt"),
        "less_than_equal": ("at most", "le"),
        "less_than": ("less than", "lt"),
        "too_short": ("at least", "min_length"),
    }
    if kind in limits:
        words, name = limits[kind]
        if kind == "too_short":
            return f"must have at least {context[name]} entries, got {context['actual_length']}"
        return f"must be {words} {context[name]}, {got}"
    if kind == "string_pattern_mismatch":
        return f"must match {context['pattern']}, {got}"
    if kind == "finite_number":
        return f"must be a finite number, {got}"
    if kind == "value_error":
        return f"{context['error']}, {got}"
    for prefix, words in TYPES.items():
        if kind.startswith(prefix):
            return f"must be {words}, {got}"
    return f"{item['msg']}, {got}"


def unknown_key(key: str, known: Sequence[str]) -> str:
    """What to say about a key that does not exist."""
    near = nearest(key, known)
    if near is not None:
        return f'unknown key, did you mean "{near}"?'
    return f"unknown key; known: {', '.join(sorted(known))}"


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word that was probably meant, if any."""
    import difflib  # most files have no error

    near = difflib.get_close_matches(word, known, n=1)
    return near[0] if near else None


def _fields_at(model: type[BaseModel], location: Location) -> list[str]:
    """Names of the fields of the model at `location` below `model`."""
    current = model_in(model)
    for part in location:
        if isinstance(part, int):
            continue
        current = model_in(current.model_fields[part].annotation)
    return list(current.model_fields)


def model_in(annotation: Any) -> Any:
    """The model that an annotation (`X`, `X | None`, `tuple[X, ...]`) holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = model_in(argument)
        if found is not None:
            return found
    return None
