"""`shell`: a shell in a running container of a part."""

import argparse
import os
import shutil
import sys
from dataclasses import dataclass

from operations import cluster, engine, parts
from operations.engine import Engines
from toolchain.failure import Failure

# bash where the image has it, else sh; with `-c` a command is run instead.
SHELL = 'if command -v bash >/dev/null; then exec bash "$@"; else exec sh "$@"; fi'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments beside `--stack`."""
    parser.add_argument("part", metavar="PART", nargs="?", default="", help="web, database, ...")
    parser.add_argument("-c", dest="script", metavar="COMMAND", help="run this and end")


def run(arguments: argparse.Namespace) -> int:
    """Become `docker exec`, so that terminal, signals and exit code are the shell's own."""
    engines = cluster.engines(arguments.stack)
    part = parts.find(engines, arguments.stack, arguments.part)
    container = find_container(engines, part)
    program = shutil.which("docker")
    if program is None:
        raise Failure(
            "the docker command line is missing: `toolchain/bootstrap engine` installs it"
        )
    sys.stdout.flush()
    words = command(container.id, arguments.script, sys.stdin.isatty())
    os.execve(program, words, os.environ | engines.environment(container.node))


@dataclass(frozen=True)
class Container:
    """A container, and whose engine has it."""

    id: str
    node: str


def find_container(engines: Engines, part: parts.Running) -> Container:
    """A running container of the part; raises Failure without one."""
    found = find_containers(engines, part)
    if not found:
        raise Failure(f"{part.name} has no running container; see `make status`")
    return found[0]


def find_containers(engines: Engines, part: parts.Running) -> list[Container]:
    """All running containers of the part."""
    filters: dict[str, object] = {"status": "running"}
    if part.is_service:
        filters["label"] = f"{engine.SERVICE_ID}={part.id}"
    else:
        filters["id"] = part.id
    with engine.refusals():
        return [
            Container(str(raw["Id"]), node)
            for node, client in engines.nodes.items()
            for raw in client.api.containers(filters=filters)
        ]


def command(container: str, script: str | None, terminal: bool) -> list[str]:
    """The command line of `docker exec`."""
    return [
        "docker",
        "exec",
        "--interactive",
        *(["--tty"] if terminal else []),
        container,
        "sh",
        "-c",
        SHELL,
        "sh",
        *(["-c", script] if script is not None else []),
    ]
