"""`prune`: what carries our labels, and no environment stands for any more."""

import argparse
from collections.abc import Collection, Iterable, Sequence

from components.labels import PART
from operations import cluster, engine, project, pulumi
from operations.engine import Engines, Thing
from operations.terminal import confirm


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments beside `--stack`."""
    parser.add_argument(
        "--only", metavar="ENVIRONMENT", help="this forgotten environment alone, even if it runs"
    )


def run(arguments: argparse.Namespace) -> int:
    """Remove what is left of forgotten environments, and dangling images of our builds."""
    engines = cluster.engines(arguments.stack)
    images, freed = remove_images(engines)
    print(f"Removed {images} dangling images ({freed} MiB).")
    known = {*pulumi.stacks(), *project.environments()}
    things = leftovers(engine.things(engines, arguments.only), known)
    if arguments.only is None:
        things = without_running(things)
    for thing in things:
        print(f"{thing} (environment {thing.environment})")
    if things:
        confirm("Remove these? THE DATA IN THE VOLUMES WILL BE GONE.", unattended=False)
    for thing in things:
        engine.remove(engines, thing)
    print(f"Removed {len(things)} things of forgotten environments.")
    return 0


def leftovers(things: Iterable[Thing], known: Collection[str]) -> list[Thing]:
    """Those whose environment has neither a stack in this state folder nor a settings file."""
    return [thing for thing in things if thing.environment not in known]


def without_running(things: Sequence[Thing]) -> list[Thing]:
    """Those whose environment has no service.

    This engine may serve other checkouts with a state folder of their own: what runs, somebody
    wants, even if it is not known here.
    """
    running = sorted({thing.environment for thing in things if thing.kind == "service"})
    for environment in running:
        print(f"{environment} runs, though it is not known here; left alone.")
    return [thing for thing in things if thing.environment not in running]


def remove_images(engines: Engines) -> tuple[int, int]:
    """Remove our images without a name that no container uses: how many, and MiB freed."""
    deleted = freed = 0
    for client in engines.nodes.values():
        with engine.refusals():
            done = client.api.prune_images(filters={"dangling": True, "label": [f"{PART}=images"]})
        deleted += sum("Deleted" in image for image in done["ImagesDeleted"] or [])
        freed += done["SpaceReclaimed"]
    return deleted, round(freed / 2**20)
