"""A settings file offline: YAML 1.2, as Pulumi reads it, to plain values."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from stacks.settings.base import Location, Sealed
from stacks.settings.errors import SettingsError, escaped

DEEPEST = 32  # levels of objects and lists
PLAIN = "plain"  # our tag of scalars without quotes and without a tag of their own
STANDARD = "tag:yaml.org,2002:"
CONSTANTS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
WHOLE = re.compile(r"[-+]?[0-9]{1,64}|0o[0-7]{1,64}|0x[0-9a-fA-F]{1,64}|0b[01]{1,64}")
REAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]{1,64}(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


class _Loader(yaml.SafeLoader):
    """Leaves it to `scalar` what a scalar without quotes is: PyYAML's own rules are YAML 1.1's."""

    yaml_implicit_resolvers = {None: [(PLAIN, re.compile(""))]}  # noqa: RUF012


def read(path: Path) -> dict[str, Any]:
    """The document at `path`; `Sealed` stands for every `secure:` value.

    Raises `SettingsError` where it can't be read, or is no object.
    """
    document, _ = _read(path)
    if not isinstance(document, dict):
        raise SettingsError([f"{path.name}: must have an object under the key config"])
    return document


def read_with_lines(path: Path) -> tuple[Any, dict[Location, int]]:
    """The document at `path`, and the line of each of its keys and entries by where it stands.

    Raises `SettingsError` where it can't be read.
    """
    document, node = _read(path)
    return document, dict(_lines(node, ())) if node else {}


def _lines(node: yaml.Node, here: Location) -> Iterator[tuple[Location, int]]:
    items: Iterable[tuple[int | str, yaml.Node, yaml.Node]] = ()
    if isinstance(node, yaml.MappingNode):
        items = ((key.value, key, value) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        items = ((index, value, value) for index, value in enumerate(node.value))
    for name, start, value in items:
        yield (*here, name), start.start_mark.line + 1
        yield from _lines(value, (*here, name))


def _read(path: Path) -> tuple[Any, yaml.Node | None]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError([f"{path.name}: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise SettingsError([f"{path.name}:{line}: must be UTF-8"]) from None
    try:
        node = yaml.compose(text, Loader=_Loader)
        return ({} if node is None else _value(node, 0)), node
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SettingsError([f"{path.name}:{line}: {_problem(error)}"]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise SettingsError([f"{path.name}:{line}: must not hold control characters"]) from None
    except RecursionError:
        raise SettingsError([f"{path.name}: is nested too deeply"]) from None


def _problem(error: yaml.MarkedYAMLError) -> str:
    """What is wrong, without any word of the file: it may be a password that wants quotes."""
    problem = error.problem or "is no YAML"
    if "undefined alias" in problem:
        return "an alias without its anchor; put a text that begins with * in quotes"
    if "tag" in problem:
        return "an unknown tag; put a text that begins with ! in quotes"
    return problem


def _wrong(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


def _value(node: yaml.Node, depth: int) -> Any:
    if depth > DEEPEST:  # an alias may hold itself
        raise _wrong(node, "is nested too deeply")
    if isinstance(node, yaml.MappingNode) and node.tag == f"{STANDARD}map":
        return _mapping(node, depth)
    if isinstance(node, yaml.SequenceNode) and node.tag == f"{STANDARD}seq":
        return [_value(item, depth + 1) for item in node.value]
    if isinstance(node, yaml.ScalarNode):
        if node.tag == f"{STANDARD}str":
            return node.value
        if node.tag == PLAIN:
            return scalar(node.value)
    raise _wrong(node, "found an unknown tag")


def _mapping(node: yaml.MappingNode, depth: int) -> Any:
    found: dict[str, Any] = {}
    merged: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise _wrong(key_node, "a key must be a text")
        key = key_node.value
        if key == "<<" and key_node.tag == PLAIN:
            merged = _merged(value_node, depth) | merged
            continue
        # The second would silently win.
        if key in found:
            raise _wrong(key_node, f"the key {escaped(key)} is given twice")
        found[key] = _value(value_node, depth + 1)
    if set(found) == {"secure"} and isinstance(found["secure"], str) and not merged:
        return Sealed("[encrypted]")
    return merged | found


def _merged(node: yaml.Node, depth: int) -> dict[str, Any]:
    """What `<<` brings; of several objects the first one with a key wins."""
    nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
    merged: dict[str, Any] = {}
    for item in nodes:
        value = _value(item, depth + 1)
        if not isinstance(value, dict):
            raise _wrong(item, "<< must be an object, or a list of objects")
        merged = value | merged
    return merged


def scalar(text: str) -> Any:
    """A scalar without quotes; dates, `yes` and `1:30` are texts."""
    if text in CONSTANTS:
        return CONSTANTS[text]
    if INFINITE.fullmatch(text):
        return float(text.lower().replace(".", ""))
    if WHOLE.fullmatch(text):
        digits = text.lstrip("+-")
        if re.fullmatch("0[0-7]+", digits):  # octal to Pulumi still
            return int(text, 8)
        return int(text, 0) if digits == "0" or digits[0] != "0" or digits[1] in "obx" else text
    return float(text) if REAL.fullmatch(text) else text
