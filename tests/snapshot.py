"""Snapshots of environments: one line a resource, secrets masked.

`python -m tests.snapshot` writes those in `stacks/snapshots/` anew.
"""

import json
import re
import sys
from pathlib import Path

from stacks import swarm
from stacks.settings import read_settings
from tests.recording import Recording, masked, record

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "stacks" / "snapshots"
ENVIRONMENTS = ("dev",)
TAG = re.compile(r"(studip/[a-z-]+):[0-9a-f]{12}")


def built(environment: str) -> Recording:
    """What `Pulumi.<environment>.yaml` builds, offline."""
    settings = read_settings(ROOT / f"Pulumi.{environment}.yaml")
    return record(lambda: swarm.build(settings))


def lines(recording: Recording) -> list[str]:
    """One line a resource, sorted: type, name, inputs."""
    return sorted(
        f"{resource.type} {resource.name} {_inputs(masked(dict(resource.inputs)))}".rstrip()
        for resource in recording.resources
    )


def _inputs(inputs: object) -> str:
    text = json.dumps(inputs, sort_keys=True) if inputs else ""
    # Where the checkout lies, and what a recipe's files hash to, is not what is built.
    return TAG.sub(r"\1:<tag>", text.replace(str(ROOT), "."))


def main() -> int:
    """Write all snapshots."""
    FOLDER.mkdir(exist_ok=True)
    for environment in ENVIRONMENTS:
        text = "\n".join(lines(built(environment))) + "\n"
        (FOLDER / f"{environment}.txt").write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
