"""`activate`: takes a node back into service, and waits until everything is whole."""

import argparse

from operations import cluster, maintenance


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments beside `--stack`."""
    parser.add_argument("node", metavar="NODE", nargs="?", default="", help="host name")


def run(arguments: argparse.Namespace) -> int:
    """Activate the node."""
    maintenance.activate(cluster.engines(arguments.stack), arguments.node)
    return 0
