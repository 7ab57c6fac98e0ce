"""Numbers of an inventory's file changed in place: its order, its comments and the rest stay."""

import re
from collections.abc import Mapping

import yaml

SECTION = "load"


def with_values(text: str, values: Mapping[str, str], remark: str) -> str:
    """The YAML `text` with values of the section `load`, each remarked upon at the end of its line.

    A remark that begins with the same word is replaced, other comments stay. Raises ValueError
    where the section is no mapping.
    """
    for key, value in values.items():
        text = _with_value(text, key, value, remark)
    return text


def _with_value(text: str, key: str, value: str, remark: str) -> str:
    section = _child(yaml.compose(text), SECTION)
    if section is None:
        gap = "" if not text or text.endswith("\n") else "\n"
        return f"{text}{gap}{SECTION}:\n  {key}: {value}  # {remark}\n"
    at = section.end_mark.index
    if isinstance(section, yaml.ScalarNode) and not section.value:
        line = _end_of_line(text, at)
        return f"{text[:line]}\n  {key}: {value}  # {remark}{text[line:]}"
    if not isinstance(section, yaml.MappingNode):
        raise ValueError(f"{SECTION}: must have keys")
    found = _child(section, key)
    if found is not None:
        start, end = found.start_mark.index, found.end_mark.index
        text = f"{text[:start]}{value}{text[end:]}"
        return _remarked(text, start + len(value), remark)
    if section.flow_style:
        inside = section.start_mark.index + 1
        comma = ", " if section.value else ""
        return f"{text[:inside]}{key}: {value}{comma}{text[inside:]}"
    first = section.value[0][0].start_mark
    indent = " " * first.column
    # Behind a line that is whole, so that comments stay above what they are about.
    lines = [value.end_mark for _, value in section.value if isinstance(value, yaml.ScalarNode)]
    if lines:
        line = _end_of_line(text, lines[-1].index)
        return f"{text[:line]}\n{indent}{key}: {value}  # {remark}{text[line:]}"
    line = first.index - first.column
    return f"{text[:line]}{indent}{key}: {value}  # {remark}\n{text[line:]}"


def _child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _remarked(text: str, at: int, remark: str) -> str:
    end = _end_of_line(text, at)
    rest = text[at:end]
    kept, _, comment = rest.partition("#")
    if kept.strip():  # more of a mapping in braces
        return text
    word = re.escape(remark.split()[0])
    others = re.sub(rf"^\s*{word}\b[^;]*;?\s*", "", comment).strip()
    return f"{text[:at]}  # {remark}{'; ' + others if others else ''}{text[end:]}"
