"""`serve` runs HAProxy; anything else is run as it is, in the environment that it would have."""

import os
import sys

from balancer import settings, supervisor


def main() -> int:
    """Exit code 1 and one line where a setting is wrong."""
    try:
        read = settings.read(os.environ)
    except settings.SettingError as error:
        print(f"entrypoint: {error}", file=sys.stderr)
        return 1
    environment = settings.for_haproxy(read, os.environ)
    command = sys.argv[1:]
    if command != ["serve"]:
        os.execvpe(command[0], command, environment)
    return supervisor.Supervisor(read, environment).run()


sys.exit(main())
