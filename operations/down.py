"""`down`: everything stops, and nothing is lost."""

import argparse

from operations import cluster, heal, pulumi, up

# What stays: data, and what would be costly or impossible to make again. The registry stays with
# its images, as they can't be told from the place that they were pushed to. Swarm's secrets go:
# they are made again from the passwords, and would keep all that their services wait for.
KEPT = (
    "docker:index/volume:Volume",
    "docker:index/image:Image",
    "random:index/randomPassword:RandomPassword",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments beside `--stack`."""


def run(arguments: argparse.Namespace) -> int:
    """Destroy all but what is kept; the exit code is Pulumi's."""
    stack = arguments.stack
    heal.heal(cluster.engines(stack), stack)
    end = pulumi.run("destroy", "--stack", stack, "--yes", "--skip-preview", *excluded())
    if end.interrupted:
        print("\nInterrupted; what was done is recorded.")
        return up.INTERRUPTED
    if end.code == 0:
        print(
            f"\n{stack} is down. Volumes, passwords and images are kept, and the registry that "
            f"holds them.\nNext: {up.again(stack)} brings it back with its data"
        )
    return end.code


def excluded() -> list[str]:
    """Options that keep every resource of the kept types, with all that they depend on."""
    return [option for type in KEPT for option in ("--exclude", f"**{type}::**")]
