"""`drain`: takes a node out of service, once its tasks run elsewhere."""

import argparse

from operations import cluster, maintenance


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments beside `--stack`."""
    parser.add_argument("node", metavar="NODE", nargs="?", default="", help="host name")


def run(arguments: argparse.Namespace) -> int:
    """Drain the node."""
    maintenance.drain(cluster.engines(arguments.stack), arguments.node)
    return 0
