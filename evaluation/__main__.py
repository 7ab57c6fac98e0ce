"""Is moving Stud.IP to a cluster worth it for your data centre?

Three steps lead to an answer:

  python -m evaluation init my-site.yaml          a commented inventory to fill in
  python -m evaluation assess my-site.yaml        the verdict, on one screen
  python -m evaluation assess my-site.yaml --report out/

Whoever wants to go on asks for the settings and the migration plan of a candidate.
"""

import argparse
import gc
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.inventory.errors import InventoryError

if TYPE_CHECKING:
    from evaluation.results import Candidate

LANGUAGES = ("en", "de")  # as evaluation.texts has them, whose import takes time


class CommandError(Exception):
    """What a command can't do, in one message for whoever typed it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code is 1 where something was wrong, and the message says what."""
    arguments = sys.argv[1:] if arguments is None else arguments
    given = parser(arguments).parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = given.run
    try:
        code = run(given)
        sys.stdout.flush()
        return code
    except (InventoryError, CommandError) as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:  # `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"{error.filename or 'error'}: {error.strerror or error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, EOFError):
        print("\nstopped", file=sys.stderr)
        return 1


def parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """The commands and what they take."""
    plain = argparse.RawDescriptionHelpFormatter
    made = argparse.ArgumentParser(
        prog="python -m evaluation", description=__doc__, formatter_class=plain
    )
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")

    command = commands.add_parser(
        "init",
        help="write an inventory to fill in",
        description="Write an inventory with every number, its unit, its meaning, its default and "
        "where this comes from. Fill in what you know; where you do not, give a range such as "
        "40..80, or leave the default.",
    )
    command.add_argument("file", type=Path, help="the inventory to write, such as my-site.yaml")
    _language(command)
    command.add_argument("--ask", action="store_true", help="ask for what matters most, one by one")
    command.add_argument("--force", action="store_true", help="overwrite the file if there is one")
    command.set_defaults(run=_init)

    command = commands.add_parser(
        "assess",
        help="say whether a cluster is worth it, and why",
        description="Compare all candidates for the site, and show the verdict on one screen.",
    )
    _inventory(command)
    _language(command)
    command.add_argument("--json", action="store_true", help="for machines")
    command.add_argument(
        "--report", type=Path, metavar="FOLDER", help="also write a report: HTML and Markdown"
    )
    command.set_defaults(run=_assess)

    command = commands.add_parser(
        "settings",
        help="write a candidate as a settings file that deploys",
        description="Print the settings of a candidate: what is offered is external, the rest is "
        "deployed. Comments say what is left to fill in. "
        "python -m evaluation settings my-site.yaml --candidate swarm > Pulumi.my-site.yaml",
    )
    _inventory(command)
    _candidate(command)
    command.set_defaults(run=_settings)

    command = commands.add_parser(
        "plan",
        help="say how to migrate to a candidate, step by step",
        description="The steps from today's machine to a candidate: how long each takes, who does "
        "it, what must be true before the next one, how long users are cut off, the way back.",
    )
    _inventory(command)
    _candidate(command)
    _language(command)
    command.add_argument("--markdown", action="store_true", help="for a document of yours")
    command.set_defaults(run=_plan)

    command = commands.add_parser(
        "measure",
        help="measure a running installation, within bounds",
        description="Measure service times and throughput of a running installation with a "
        "limited number of requests, and write them into the inventory: measured, not guessed.",
    )
    if "measure" in arguments:  # its import takes time that the others need not spend
        from evaluation import measure

        measure.add_arguments(command)
        command.set_defaults(run=measure.main)

    command = commands.add_parser("schema", help="write evaluation.schema.json, for editors")
    command.set_defaults(run=_schema)
    return made


def _inventory(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", type=Path, help="the inventory, such as my-site.yaml")


def _language(command: argparse.ArgumentParser) -> None:
    command.add_argument("--lang", choices=LANGUAGES, default="en", help="language (default: en)")


def _candidate(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--candidate", required=True, metavar="NAME", help="as assess names it, such as swarm"
    )


def _init(given: argparse.Namespace) -> int:
    from evaluation.inventory.init import template

    if given.file.exists() and not given.force:
        raise CommandError(f"{given.file} exists already; --force overwrites it")
    values = {}
    if given.ask:
        from evaluation.inventory.ask import ask

        values = ask(given.lang, input if sys.stdin.isatty() else _echoed)
    written = template(given.lang, {"name": given.file.stem} | values, given.file)
    given.file.write_text(written, encoding="utf-8")
    print(f"{given.file} is written; next: python -m evaluation assess {given.file}")
    return 0


def _echoed(question: str) -> str:
    """An answer from a pipe, shown as a terminal shows what is typed."""
    answer = input(question)
    print(answer)
    return answer


def _assess(given: argparse.Namespace) -> int:
    from evaluation.assess import assess
    from evaluation.inventory.file import load

    inventory = load(given.file)
    assessment = assess(inventory)
    if given.json:
        from evaluation.output import as_json

        print(as_json(assessment))
    else:
        from evaluation.screen import show

        show(assessment, inventory, given.lang, file=str(given.file))
    if given.report is not None:
        from evaluation.report import write

        write(assessment, inventory, given.report, given.lang)
    return 0


def _settings(given: argparse.Namespace) -> int:
    from evaluation.inventory.file import load
    from evaluation.settings import NothingToDeployError, settings_file
    from evaluation.texts import render

    candidate = _chosen(given.candidate)
    inventory = load(given.file)
    try:
        made = settings_file(inventory, candidate)
    except NothingToDeployError as error:
        raise CommandError(error) from None
    print(made.text, end="")
    if made.undeployed:
        print(
            f"{candidate.name} needs what this project does not deploy yet "
            f"({'; '.join(made.undeployed)}): the file is right, but `make up` will refuse it",
            file=sys.stderr,
        )
    for message in made.missing:
        print(f"not on offer: {render(message, 'en')}", file=sys.stderr)
    return 0


def _plan(given: argparse.Namespace) -> int:
    from evaluation.inventory.file import load
    from evaluation.plan import NothingToMigrateError, as_markdown, plan, show

    candidate = _chosen(given.candidate)
    inventory = load(given.file)
    try:
        made = plan(inventory, candidate)
    except NothingToMigrateError as error:
        raise CommandError(error) from None
    if given.markdown:
        print(as_markdown(made, given.lang))
    else:
        show(made, given.lang)
    return 0


def _schema(_: argparse.Namespace) -> int:
    from evaluation.inventory.schema import SCHEMA, schema

    SCHEMA.write_text(schema(), encoding="utf-8")
    return 0


def _chosen(name: str) -> "Candidate":
    from evaluation.candidates import CANDIDATES, named
    from stacks.settings.errors import nearest, shown

    names = [candidate.name for candidate in CANDIDATES]
    if name not in names:
        near = nearest(name, names)
        meant = f"did you mean {near}?" if near else f"known: {', '.join(names)}"
        raise CommandError(f"--candidate: unknown candidate {shown(name)}; {meant}")
    return named(name)


if __name__ == "__main__":
    gc.disable()  # a process of a second has little garbage, and looking for it takes a tenth
    code = main()
    with suppress(BrokenPipeError):
        sys.stdout.flush()
    os._exit(code)  # taking all objects apart would take a fifth of the time of an assessment
