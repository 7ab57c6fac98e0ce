"""`python -m toolchain bootstrap STAGE... | stack NAME | rootfs`."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable

from toolchain import docker_engine, pulumi_cli, rootfs, stack
from toolchain.failure import Failure
from toolchain.places import RESULTS

STAGES: dict[str, tuple[str, Callable[[], str]]] = {
    "engine": ("Docker Engine", docker_engine.ensure),
    "rootfs": ("Debian root file system", rootfs.ensure),
    "pulumi": ("Pulumi", pulumi_cli.ensure),
}
NEEDS = {"rootfs": ("engine",), "all": tuple(STAGES), "python": ()}


def bootstrap(wanted: list[str]) -> None:
    """Run the wanted stages and those they stand on, each told with its time."""
    chosen = {stage for name in wanted for stage in (*NEEDS.get(name, ()), name)}
    seconds = {"Python environment": float(os.environ.get("STUDIP_PYTHON_SECONDS", 0))}
    for stage, (title, ensure) in STAGES.items():
        if stage not in chosen:
            continue
        print(f"-- {title}", flush=True)
        began = time.monotonic()
        done = ensure()
        seconds[title] = round(time.monotonic() - began, 2)
        print(f"   {done} ({seconds[title]:.1f} s)", flush=True)
    if "all" in wanted:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "bootstrap.json").write_text(json.dumps(seconds, indent=2) + "\n")


def main() -> int:
    """Parse the command line; failures are one message on standard error."""
    parser = argparse.ArgumentParser(prog="python -m toolchain", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("bootstrap", help="put on this machine what is missing")
    command.add_argument("stages", nargs="+", choices=[*STAGES, "python", "all"])
    command = commands.add_parser("stack", help="make sure that a stack exists")
    command.add_argument("name")
    commands.add_parser("rootfs", help="print the name of the root file system on the engine")
    commands.add_parser("stop-engine", help="stop the engine that bootstrap started by hand")
    arguments = parser.parse_args()
    try:
        match arguments.command:
            case "bootstrap":
                bootstrap(arguments.stages)
            case "stack":
                stack.ensure(arguments.name)
            case "rootfs":
                print(rootfs.ensure())
            case "stop-engine":
                docker_engine.stop()
    except Failure as failure:
        print(f"toolchain: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
