"""Shows what all members say of themselves, one a line: `python3 -m member`."""

import http.client
import sys

from member import settings
from member.peers import ask


def line(number: int, host: str) -> str:
    """Number, host name, state, position, cluster, and whether writes go there."""
    try:
        report = ask(host)
    except (OSError, http.client.HTTPException, ValueError):
        return f"{number}\t{host}\tcan't be reached"
    mark = "\twriter" if report.writer else ""
    return f"{number}\t{host}\t{report.state}\t{report.position}\t{report.cluster or '-'}{mark}"


try:
    member = settings.read()
except settings.SettingError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(1)
for number, host in member.hosts.items():
    # A name is known to Swarm only while its member is healthy; its own is not needed.
    print(line(number, host if number != member.member else "localhost"))
