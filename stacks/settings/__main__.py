"""`python -m stacks.settings check FILE... | schema | docs`."""

import argparse
import sys
from pathlib import Path

from stacks.settings.errors import SettingsError
from stacks.settings.load import read_settings
from stacks.settings.schema import DOCUMENT, SCHEMA, document, schema


def main() -> int:
    """Check files, or write the schema and the documentation."""
    parser = argparse.ArgumentParser(prog="python -m stacks.settings", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("check", help="say all that is wrong with settings files")
    command.add_argument("files", nargs="+", type=Path)
    commands.add_parser("schema", help="write settings.schema.json")
    commands.add_parser("docs", help="write docs/settings.md")
    arguments = parser.parse_args()
    match arguments.command:
        case "schema":
            SCHEMA.write_text(schema())
        case "docs":
            DOCUMENT.write_text(document())
        case "check":
            wrong = False
            for path in arguments.files:
                try:
                    read_settings(path)
                except SettingsError as error:
                    wrong = True
                    print(error, file=sys.stderr)
            return int(wrong)
    return 0


if __name__ == "__main__":
    sys.exit(main())
