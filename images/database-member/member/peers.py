"""The other members, asked all the time in the background."""

import http.client
import socket
import threading
import time
from collections.abc import Collection, Mapping

from member.report import Report, from_json

PORT = 8000
TIMEOUT = 1.0  # s for one answer
FRESH = 3.0  # s after which an answer is none any more
SILENCE = 10.0  # s that one may be silent while the databases see each other


class Peers:
    """What the other members last said."""

    def __init__(self, hosts: Mapping[int, str], interval: float) -> None:
        """`hosts`: host name of each other member, by number; `interval`: s between questions."""
        self._interval = interval
        self._last: dict[int, tuple[float, Report]] = {}
        self._silent: set[int] = set()
        self._hosts = hosts

    def start(self) -> None:
        """Begin to ask. A name server that is slow about one holds up no other."""
        for number, host in self._hosts.items():
            threading.Thread(target=self._ask, args=(number, host), daemon=True).start()

    def reports(self, seen: Collection[int] = ()) -> dict[int, Report | None]:
        """By number; None for those that can't be reached.

        `seen`: those that the database has a connection with at this moment. That their machine is
        too busy to answer us says nothing against them for `SILENCE`.
        """
        return {number: self._report(number, number in seen) for number in self._hosts}

    def _report(self, number: int, seen: bool) -> Report | None:
        if number not in self._last:
            return None
        asked, report = self._last[number]
        age = time.monotonic() - asked
        heard = age < FRESH and number not in self._silent
        return report if heard or (seen and age < SILENCE) else None

    def _ask(self, number: int, host: str) -> None:
        address = host
        while True:
            asked = time.monotonic()
            try:
                address = _address(host, address)
                report = ask(address)
                if report.member != number:
                    raise ValueError(f"{host} is member {report.member}")
                self._last[number] = (asked, report)
                self._silent.discard(number)
            except (OSError, http.client.HTTPException, ValueError):
                self._silent.add(number)
            time.sleep(self._interval)


def _address(host: str, last: str) -> str:
    """Of a host; the last one known where it has no name any more.

    Swarm takes the name away before it tells a container to stop, and what that one says then is
    what the others must hear: that it leaves the writes to them.
    """
    try:
        return socket.gethostbyname(host)
    except OSError:
        return last


def ask(host: str, port: int = PORT) -> Report:
    """A member's report; an OSError or a ValueError where there is none."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/position")
        return from_json(connection.getresponse().read(65536).decode())
    finally:
        connection.close()


def own_address(address: str) -> str:
    """This container's own address on the way to another one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((address, PORT))
        return str(probe.getsockname()[0])
