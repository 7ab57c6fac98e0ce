"""`shell`: a shell in a running container of a part."""

import argparse
import os
import shutil
import sys

from operations import engine, parts
from operations.engine import Client
from toolchain.failure import Failure

# bash where the image has it, else sh; with `-c` a command is run instead.
SHELL = 'if command -v bash >/dev/null; then exec bash "$@"; else exec sh "$@"; fi'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments beside `--stack`."""
    parser.add_argument("part", metavar="PART", nargs="?", default="", help="web, database, ...")
    parser.add_argument("-c", dest="script", metavar="COMMAND", help="run this and end")


def run(arguments: argparse.Namespace) -> int:
    """Become `docker exec`, so that terminal, signals and exit code are the shell's own."""
    client = engine.connect()
    container = find_container(client, parts.find(client, arguments.stack, arguments.part))
    program = shutil.which("docker")
    if program is None:
        raise Failure(
            "the docker command line is missing: `toolchain/bootstrap engine` installs it"
        )
    sys.stdout.flush()
    os.execv(program, command(container, arguments.script, sys.stdin.isatty()))


def find_container(client: Client, part: parts.Running) -> str:
    """Identifier of a running container of the part on this node; raises Failure without one."""
    filters: dict[str, object] = {"status": "running"}
    if part.is_service:
        filters["label"] = f"{engine.SERVICE_ID}={part.id}"
    else:
        filters["id"] = part.id
    with engine.refusals():
        found = client.api.containers(filters=filters)
    if not found:
        raise Failure(f"{part.name} has no running container on this node; see `make status`")
    return str(found[0]["Id"])


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
