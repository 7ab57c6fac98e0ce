"""`budget`: how long an outage each fault may cause, before anything is deployed."""

import argparse
from collections.abc import Iterable

from components.budget import Budget
from operations import listening, terminal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments beside `--stack`."""


def run(arguments: argparse.Namespace) -> int:
    """Print the table of one environment; needs no engine, and nothing that can be deployed."""
    from stacks.budget import budgets  # with Pulumi's SDK, which no other command needs

    settings = listening.settings(arguments.stack, deployable=False)
    print("\n".join(table(budgets(settings))))
    return 0


def table(found: Iterable[Budget]) -> list[str]:
    """Lines of a table, one a fault."""
    rows = [(one.part, one.fault, f"{one.outage:6.2f} s", one.formula) for one in found]
    return terminal.table(("PART", "FAULT", "OUTAGE", "AT MOST, AS"), rows)
