"""Runs one member until it is told to stop."""

import os
import sys

from innodb.engine import InnodbCluster
from innodb.options import read
from member import settings, supervisor

try:
    member = settings.read()
    options = read(os.environ)
except settings.SettingError as error:
    print(f"entrypoint: {error}", file=sys.stderr)
    sys.exit(1)
supervisor.main(member, InnodbCluster(member, options))
