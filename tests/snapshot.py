"""Snapshots of what settings build: one line a resource, secrets masked.

`python -m tests.snapshot` writes them anew: whole environments in `stacks/snapshots/`, and in
`tests/stacks/variants/` what each variant (a few sections of settings) changes in its environment:
swarm for those that are called so, dev for all others.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

from stacks import swarm
from stacks.settings.file import read
from stacks.settings.load import load_settings, read_settings
from stacks.settings.models import Settings
from tests.recording import Recording, masked, record

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "stacks" / "snapshots"
VARIANTS = ROOT / "tests" / "stacks" / "variants"
ENVIRONMENTS = ("dev", "swarm")
TAG = re.compile(r"(studip/[a-z-]+):[0-9a-f]{12}")
# What differs between machines and commits, and is not what is built.
COMMIT = {"CREATED": "<created>", "REVISION": "<revision>", "VERSION": "<version>"}
ELSEWHERE: dict[str, Mapping[str, str]] = {
    "provenance": COMMIT,
    "of_recipe": COMMIT,
    "registries": {"NPM_REGISTRY": "<the host's>"},
    "proxies": {},
}

ROOTFS = ROOT / "rootfs"  # stands for the folder that the toolchain packs it into

Inputs = Mapping[str, Any]


def variants() -> list[str]:
    """Names of all variants."""
    return sorted(path.stem for path in VARIANTS.glob("*.yaml"))


def environment(name: str) -> Settings:
    """The settings of `Pulumi.<name>.yaml`."""
    return read_settings(ROOT / f"Pulumi.{name}.yaml")


def varied(name: str) -> str:
    """The environment that a variant changes."""
    return "swarm" if name.startswith("swarm-") else "dev"


def variant(name: str) -> Settings:
    """The settings of an environment with the sections of a variant in place of its own."""
    file = VARIANTS / f"{name}.yaml"
    config = read(ROOT / f"Pulumi.{varied(name)}.yaml")["config"] | read(file)["config"]
    return load_settings(config, varied(name), str(file))


def built(settings: Settings, *, preview: bool = False) -> Recording:
    """What settings build, offline."""
    with ExitStack() as replaced:
        for function, result in ELSEWHERE.items():
            replaced.enter_context(
                patch(f"stacks.recipes.{function}", lambda *_, result=result: dict(result))
            )
        replaced.enter_context(patch("stacks.recipes.rootfs_context", lambda _: ROOTFS))
        return record(lambda: swarm.build(settings), preview=preview)


def lines(recording: Recording) -> list[str]:
    """One line a resource, sorted: type, name, inputs."""
    return [f"{name} {_text(inputs)}".rstrip() for name, inputs in _resources(recording).items()]


def changes(recording: Recording, base: Recording) -> list[str]:
    """What `recording` has more (+), less (-) or other (old -> new) than `base`, by resource."""
    old, new = _resources(base), _resources(recording)
    found = [f"- {name}" for name in sorted(old.keys() - new.keys())]
    found += [f"+ {name} {_text(new[name])}".rstrip() for name in sorted(new.keys() - old.keys())]
    for name in sorted(old.keys() & new.keys()):
        if differences := list(_differences(old[name], new[name])):
            found += [f"  {name}", *(f"    {line}" for line in differences)]
    return found


def _differences(old: Any, new: Any, path: str = "") -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys()):
            below = f"{path}.{key}" if path else key
            if key not in new:
                yield f"{below}: {_json(old[key])} -> nothing"
            elif key not in old:
                yield f"{below}: nothing -> {_json(new[key])}"
            else:
                yield from _differences(old[key], new[key], below)
    elif isinstance(old, list) and isinstance(new, list) and _sorted(old) != _sorted(new):
        yield from (f"{path}: - {_json(item)}" for item in old if item not in new)
        yield from (f"{path}: + {_json(item)}" for item in new if item not in old)
    elif old != new:
        yield f"{path}: {_json(old)} -> {_json(new)}"


def _sorted(items: list[Any]) -> list[str]:
    """Something to compare lists by, whatever their order."""
    return sorted(json.dumps(item, sort_keys=True) for item in items)


def _resources(recording: Recording) -> dict[str, Inputs]:
    """Masked inputs by type and name, sorted."""
    found = {
        f"{resource.type} {resource.name}": masked(dict(resource.inputs))
        for resource in recording.resources
    }
    return dict(sorted(found.items()))


def _text(inputs: Inputs) -> str:
    return _json(inputs) if inputs else ""


def _json(value: object) -> str:
    # Where the checkout lies, and what a recipe's files hash to, is not what is built.
    return TAG.sub(r"\1:<tag>", json.dumps(value, sort_keys=True).replace(str(ROOT), "."))


def main() -> int:
    """Write all snapshots."""
    FOLDER.mkdir(exist_ok=True)
    bases = {name: built(environment(name)) for name in ENVIRONMENTS}
    for name, base in bases.items():
        (FOLDER / f"{name}.txt").write_text("\n".join(lines(base)) + "\n")
    for name in variants():
        text = "\n".join(changes(built(variant(name)), bases[varied(name)])) + "\n"
        (VARIANTS / f"{name}.txt").write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
