"""`prune`: what carries our labels, and no stack knows of any more."""

import argparse
from collections.abc import Collection, Iterable

from components.labels import PART
from operations import engine, pulumi
from operations.engine import Client, Thing
from operations.terminal import confirm


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments beside `--stack`."""
    parser.add_argument("--only", metavar="ENVIRONMENT", help="leave all other environments alone")


def run(arguments: argparse.Namespace) -> int:
    """Remove what is left of environments without a stack, and dangling images of our builds."""
    client = engine.connect()
    things = leftovers(engine.things(client, arguments.only), pulumi.stacks())
    for thing in things:
        print(f"{thing} (environment {thing.environment})")
    if any(thing.kind == "volume" for thing in things):
        confirm("Remove these? THE DATA IN THE VOLUMES WILL BE GONE.")
    remove(client, things)
    images, freed = remove_images(client)
    print(f"Removed {len(things)} things and {images} dangling images ({freed} MiB).")
    return 0


def leftovers(things: Iterable[Thing], stacks: Collection[str]) -> list[Thing]:
    """Those whose environment has no stack."""
    return [thing for thing in things if thing.environment not in stacks]


def remove(client: Client, things: Iterable[Thing]) -> None:
    """Remove things in the order in which they are listed, users first."""
    for thing in things:
        engine.remove(client, thing)


def remove_images(client: Client) -> tuple[int, int]:
    """Remove our images without a name that no container uses: how many, and MiB freed."""
    with engine.refusals():
        done = client.api.prune_images(filters={"dangling": True, "label": [f"{PART}=images"]})
    deleted = [image for image in done["ImagesDeleted"] or [] if "Deleted" in image]
    return len(deleted), round(done["SpaceReclaimed"] / 2**20)
