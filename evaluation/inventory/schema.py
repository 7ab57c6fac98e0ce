"""JSON Schema of inventories, for editors."""

import json
from pathlib import Path
from typing import Any

from evaluation.inventory.fields import Key, keys, meaning, source, unit, written

SCHEMA = Path(__file__).parent.parent.parent / "evaluation.schema.json"
RANGE = {"type": "string", "pattern": r"^\s*\S+\s*\.\.\s*\S+\s*$"}


def schema() -> str:
    """The schema of an inventory, as JSON."""
    document: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Inventory of a site",
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }
    sections = {"": document}  # by the key of the section
    for key in keys():
        made = _schema(key)
        sections[key.name.rpartition(".")[0]]["properties"][key.last] = made
        if key.section:
            sections[key.name] = made["items"] if key.many else made
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _schema(key: Key) -> dict[str, Any]:
    described = {"description": _description(key)}
    if key.section:
        section = {"type": "object", "properties": {}, "additionalProperties": False}
        return described | ({"type": "array", "items": section} if key.many else section)
    if key.about is not None:
        number = {"type": "number", "minimum": key.about.at_least, "maximum": key.about.at_most}
        return described | {"anyOf": [number, RANGE]}
    if key.many:
        entries = {"anyOf": [{"type": "number", "minimum": 0}, RANGE]}
        return described | {"type": "array", "items": entries, "minItems": 24, "maxItems": 24}
    if isinstance(key.default, bool):
        return described | {"type": "boolean"}
    return described | ({"enum": list(key.choices)} if key.choices else {"type": "string"})


def _description(key: Key) -> str:
    said = meaning(key.name, "en")
    if key.about is not None:
        measured = unit(key.about, "en", "currency")
        said += f" [{measured}]" if measured else ""
        said += f" default {written(key.default)}:" if key.default is not None else ""
        said += f" {source(key.name, key.about, 'en')}"
    return said
