"""`logs`: what the containers of a part wrote, replica by replica."""

import argparse
import re
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import datetime

from operations import cluster, engine, parts
from operations.engine import Engines
from toolchain.failure import Failure

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
TASK = "com.docker.swarm.task.id="


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments beside `--stack`."""
    parser.add_argument("part", metavar="PART", nargs="?", default="", help="web, database, ...")
    parser.add_argument("-f", "--follow", action="store_true", help="wait for more until Ctrl-C")
    parser.add_argument("--since", default="", help="10m, 2h, or a time such as 2026-01-31T08:00")


def run(arguments: argparse.Namespace) -> int:
    """Print the log of a part."""
    engines = cluster.engines(arguments.stack)
    part = parts.find(engines, arguments.stack, arguments.part)
    try:
        for line in lines(engines, part, arguments.follow, since(arguments.since, time.time())):
            print(line, flush=arguments.follow)
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:  # `| head` has seen enough
        sys.stderr.close()
    return 0


def since(text: str, now: float) -> int:
    """Seconds since the epoch for `--since`; 0 for all there is."""
    if not text:
        return 0
    if match := re.fullmatch(r"(\d+)([smhd])", text):
        return int(now - int(match[1]) * UNITS[match[2]])
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError:
        raise Failure(
            f"--since {text}: must be a span such as 90s, 10m, 2h, 1d, "
            "or a time such as 2026-01-31T08:00"
        ) from None


def lines(engines: Engines, part: parts.Running, follow: bool, since: int) -> Iterator[str]:
    """The lines of a part, each with its replica in front."""
    with engine.refusals():
        if not part.is_service:
            chunks = engines.nodes[part.node].api.logs(
                part.id, stream=True, follow=follow, since=since or None, stdout=True, stderr=True
            )
            yield from (f"{part.part} | {line}" for line in split(chunks))
            return
        replicas = {
            task["ID"]: str(task.get("Slot") or task.get("NodeID", "")[:8])
            for task in engines.manager.api.tasks(filters={"service": part.id})
        }
        chunks = engines.manager.api.service_logs(
            part.id,
            details=True,
            follow=follow,
            since=since,
            stdout=True,
            stderr=True,
            is_tty=False,
        )
        for line in split(chunks):
            details, _, message = line.partition(" ")
            yield f"{part.part}.{replica(details, replicas)} | {message}"


def replica(details: str, replicas: dict[str, str]) -> str:
    """The replica's number for the details that the engine puts in front of a service's line."""
    task = next((item[len(TASK) :] for item in details.split(",") if item.startswith(TASK)), "")
    return replicas.get(task, task[:8] or "?")


def split(chunks: Iterable[bytes]) -> Iterator[str]:
    """Whole lines from pieces that end anywhere."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode(errors="replace") for line in whole)
    if rest:
        yield rest.decode(errors="replace")
