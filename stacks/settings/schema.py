"""JSON Schema of the settings files for editors, and their documentation."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr, TypeAdapter
from pydantic_core import PydanticUndefined

from stacks.settings.errors import model_in
from stacks.settings.models import SECTIONS

ROOT = Path(__file__).parent.parent.parent
SCHEMA = ROOT / "settings.schema.json"
DOCUMENT = ROOT / "docs" / "settings.md"
SECURE = {
    "type": "object",
    "properties": {"secure": {"type": "string"}},
    "required": ["secure"],
    "additionalProperties": False,
}


def schema() -> str:
    """The schema of `Pulumi.<environment>.yaml`, as JSON."""
    definitions: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    for name, field in SECTIONS.items():
        made = TypeAdapter(field.annotation).json_schema(ref_template="#/$defs/{model}")
        definitions |= made.pop("$defs", {})
        properties[f"studip:{name}"] = _sealed(made) | {"description": field.description}
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of one environment",
        "type": "object",
        "required": ["config"],
        "properties": {
            "encryptionsalt": {"type": "string"},
            "secretsprovider": {"type": "string"},
            "encryptedkey": {"type": "string"},
            "config": {
                "type": "object",
                "properties": properties,
                "patternProperties": {"^(?!studip:)[a-z-]+:": {}},
                "additionalProperties": False,
            },
        },
        "additionalProperties": False,
        "$defs": {name: _sealed(value) for name, value in sorted(definitions.items())},
    }
    return json.dumps(document, indent=2) + "\n"


def _sealed(value: Any) -> Any:
    """Secrets stand in the file as Pulumi encrypted them."""
    if isinstance(value, dict):
        if value.get("format") == "password":
            return SECURE
        return {key: _sealed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_sealed(item) for item in value]
    return value


def document() -> str:
    """Every key with its meaning, what is allowed and its default, as Markdown."""
    lines = [
        "# Settings",
        "One file an environment, `Pulumi.<environment>.yaml`. This page is made from "
        "`stacks/settings/models.py` by `make schema`.",
        "",
        "Secrets are written with `pulumi config set --secret --path "
        "'studip:database.password'`, and stand in the file encrypted.",
        "",
    ]
    for name, field in SECTIONS.items():
        lines += [f"## studip:{name}", f"{_sentence(field.description)}", ""]
        rows = list(_rows(name, field.annotation, field.get_default(call_default_factory=True)))
        if rows:
            lines += ["| key | meaning | allowed | default |", "| --- | --- | --- | --- |", *rows]
        else:
            lines += [f"Allowed: {_allowed(field.annotation)}. Default: `{field.default}`."]
        lines.append("")
    return "\n".join(lines)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def _rows(key: str, annotation: Any, default: Any) -> Iterator[str]:
    model = model_in(annotation)
    if model is None:
        return
    many = get_origin(annotation) is tuple
    for name, field in model.model_fields.items():
        path = f"{key}[].{name}" if many else f"{key}.{name}"
        given = field.get_default(call_default_factory=True)
        if isinstance(default, model):
            given = getattr(default, name)
        nested = model_in(field.annotation)
        if nested is not None:
            yield from _rows(path, field.annotation, given)
            continue
        shown = "required" if given is PydanticUndefined else _default(given)
        yield f"| `{path}` | {field.description} | {_allowed(field.annotation)} | {shown} |"


def _default(value: Any) -> str:
    if value is None or value in ({}, ()):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`"


NAMES = {
    int: "whole number",
    float: "number",
    bool: "true, false",
    str: "text",
    SecretStr: "secret",
}


def _allowed(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if annotation in NAMES:
        return NAMES[annotation]
    if get_origin(annotation) is dict:
        return "texts by name"
    for argument in get_args(annotation):
        if argument is not type(None) and not isinstance(argument, BaseModel):
            return _allowed(argument)
    return "text"
