"""`python -m evaluation measure`: service times and throughput of a running installation."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--url", required=True, help="http://127.0.0.1:8080/")


def main(arguments: argparse.Namespace) -> int:
    """Measure."""
    raise SystemExit("measure: comes soon")
