"""Runs one member until it is told to stop."""

import os
import sys

from galera.engine import Galera, read
from member import settings, supervisor

try:
    member = settings.read()
    options = read(os.environ)
except settings.SettingError as error:
    print(f"entrypoint: {error}", file=sys.stderr)
    sys.exit(1)
supervisor.main(member, Galera(member, options))
