"""A container's role, which is its command."""

import signal
import sys
import threading
from collections.abc import Callable, Mapping

from .environment import SettingError


def main(roles: Mapping[str, Callable[[], int]]) -> int:
    """Run the role that was asked for until it ends: its exit code."""
    role = sys.argv[1] if len(sys.argv) > 1 else ""
    if role not in roles:
        print(f'storage: the role must be one of {", ".join(roles)}, got "{role}"', file=sys.stderr)
        return 1
    try:
        return roles[role]()
    except SettingError as error:
        print(f"storage: {error}", file=sys.stderr)
        return 1


def ends_with_signals(stop: threading.Event) -> None:
    """Have SIGTERM and SIGINT set an event."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
