"""A new inventory: every number with its unit, its meaning, its default and where this is from."""

import os
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

from evaluation.inventory.fields import Key, keys, meaning, source, unit, written
from evaluation.inventory.schema import SCHEMA
from evaluation.texts import text

WIDTH = 98
NEAR = 1000  # a greater bound is no news to anybody
# What stands in a line that has a # in front until somebody fills it in.
EXAMPLES = {
    "load.peak_requests_per_second": "40..80",
    "load.sessions": "900",
    "load.hours": "[8, 5, 3, 2, 2, 4, 15, 60, 120, 150, 160, 150, 130, 140, 150, 145, 130, 110, "
    "100, 95, 90, 70, 40, 20]",
    "costs.outage_per_hour": "500..1500",
    "offers.database.address": "db.example.org:3306",
    "offers.storage.address": "files.example.org",
    "offers.storage.path": "/export/studip",
    "offers.registry.address": "registry.example.org:5000",
    "offers.gitlab.address": "gitlab.example.org",
    "machines.name": "studip",
}


def template(language: str, values: Mapping[str, str], file: Path) -> str:
    """The text of an inventory that is to be the file `file`.

    `values`: what is known already, by key (`load.students`, `machines[1].role`), as YAML; an
    offer counts as made where a value has its key (`offers.database`) or lies in it.
    """
    schema = os.path.relpath(SCHEMA, file.resolve().parent)
    lines = [
        f"# yaml-language-server: $schema={schema}",
        *_comment(text("inventory.header", language), ""),
        *_comment(text("inventory.next", language, file=file.name), ""),
    ]
    machines = 1 + max(
        (int(key[len("machines[") : key.index("]")]) for key in values if key.startswith("mach")),
        default=0,
    )
    known = list(keys())
    offers = [key.name for key in known if key.offer]
    made = {
        offer
        for offer in offers
        for name in values
        if name == offer or name.startswith(f"{offer}.")
    }
    for key in known:
        if key.name == "machines":
            lines += ["", *_comment(meaning("machines", language), ""), "machines:"]
            for index in range(machines):
                lines += _machine(known, index, values, language)
            lines += _comment(text("inventory.word.more", language), "  ")
        elif not key.name.startswith("machines."):
            offer = next((o for o in offers if f"{key.name}.".startswith(f"{o}.")), None)
            block = list(_entry(key, values, language, missing=key.name in set(offers) - made))
            lines += block if offer is None or offer in made else [f"# {line}" for line in block]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _entry(key: Key, values: Mapping[str, str], language: str, *, missing: bool) -> Iterator[str]:
    """The lines of a key: what is said about it, then the key and its value."""
    indent = "  " * key.depth
    said = meaning(key.name, language)
    if missing:
        said += f" ({text('inventory.word.offer', language)})"
    if (key.section and key.depth < 2) or key.name == "name":
        yield ""
    yield from _comment(said, indent)
    yield from _comment(facts(key, values.get("costs.currency", "EUR"), language), indent)
    if key.section:
        yield f"{indent}{key.last}:"
    elif key.name in values:
        yield f"{indent}{key.last}: {values[key.name]}"
    elif key.default is None:
        yield f"{indent}# {key.last}: {EXAMPLES[key.name]}"
    else:
        yield f"{indent}{key.last}: {written(key.default)}"


def _machine(
    known: list[Key], index: int, values: Mapping[str, str], language: str
) -> Iterator[str]:
    """One entry of the list of machines; what its keys mean is said at the first one."""
    dash = "  - "
    for key in known:
        if not key.name.startswith("machines."):
            continue
        if index == 0:
            yield from _comment(meaning(key.name, language), "    " if dash == "    " else "  ")
            yield from _comment(facts(key, "", language), "    " if dash == "    " else "  ")
        default = EXAMPLES.get(key.name) or written(key.default)
        yield f"{dash}{key.last}: {values.get(f'machines[{index}].{key.last}', default)}"
        dash = "    "


def facts(key: Key, currency: str, language: str) -> str:
    """Unit, bounds that one may come near to, default and its source; empty: there are none."""

    def word(name: str) -> str:
        return text(f"inventory.word.{name}", language)

    about = key.about
    if about is None:
        return f"{word('allowed')}: {', '.join(key.choices)}" if key.choices else ""
    said = unit(about, language, currency)
    if about.at_most <= NEAR:
        said = f"{said} {about.at_least:g} {word('to')} {about.at_most:g}".strip()
    derived = (
        f"{word('derived')} "
        if key.default is None
        else f"{word('default')} {written(key.default)}: "
    )
    return f"{said}; {derived}{source(key.name, about, language)}".removeprefix("; ")


def _comment(said: str, indent: str) -> list[str]:
    start = f"{indent}# "
    return textwrap.wrap(
        said,
        WIDTH,
        initial_indent=start,
        subsequent_indent=start,
        break_long_words=False,
        break_on_hyphens=False,
    )
