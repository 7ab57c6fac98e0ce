"""The command line: `python -m operations COMMAND --stack dev`."""

import argparse
import sys
from io import TextIOWrapper
from types import ModuleType
from typing import cast

from operations import (
    activate,
    budget,
    destroy,
    down,
    drain,
    gc,
    logs,
    nodes,
    prune,
    shell,
    status,
    up,
)
from operations.project import require_environment
from toolchain.failure import Failure

COMMANDS: dict[str, ModuleType] = {
    "up": up,
    "status": status,
    "logs": logs,
    "shell": shell,
    "down": down,
    "destroy": destroy,
    "prune": prune,
    "gc": gc,
    "nodes": nodes,
    "drain": drain,
    "activate": activate,
    "budget": budget,
}

EXAMPLES = """examples:
  python -m operations up --stack dev
  python -m operations status --json
  python -m operations logs web --follow --since 10m
  python -m operations shell database
  python -m operations shell web -c 'ls -l data'
  python -m operations gc --keep 3
  python -m operations nodes --stack swarm
  python -m operations drain node-2 --stack swarm
  python -m operations budget --stack swarm
"""


def parser() -> argparse.ArgumentParser:
    """The whole command line; a module's first line of documentation is its help."""
    top = argparse.ArgumentParser(
        prog="python -m operations",
        description="Operate a Stud.IP platform.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        text = (module.__doc__ or "").split(": ", 1)[-1].splitlines()[0]
        sub = commands.add_parser(name, help=text, description=text)
        sub.add_argument("--stack", default="dev", help="the environment (default: %(default)s)")
        module.add_arguments(sub)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one command: its exit code, or 1 and one message."""
    arguments = parser().parse_args(argv)
    # Our lines and those of the programs that we start come in the order in which they happen.
    cast(TextIOWrapper, sys.stdout).reconfigure(line_buffering=True)
    try:
        require_environment(arguments.stack)
        return int(COMMANDS[arguments.command].run(arguments))
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return up.INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
