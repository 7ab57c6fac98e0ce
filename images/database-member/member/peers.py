"""The other members, asked all the time in the background."""

import http.client
import socket
import threading
import time
from collections.abc import Mapping

from member.report import Report, from_json

PORT = 8000
TIMEOUT = 1.0  # s for one answer
FRESH = 3.0  # s after which an answer is none any more


class Peers:
    """What the other members last said."""

    def __init__(self, hosts: Mapping[int, str], interval: float) -> None:
        """`hosts`: host name of each other member, by number; `interval`: s between questions."""
        self._interval = interval
        self._last: dict[int, tuple[float, Report]] = {}
        self._hosts = hosts

    def start(self) -> None:
        """Begin to ask. A name server that is slow about one holds up no other."""
        for number, host in self._hosts.items():
            threading.Thread(target=self._ask, args=(number, host), daemon=True).start()

    def reports(self) -> dict[int, Report | None]:
        """By number; None for those that can't be reached."""
        now = time.monotonic()
        return {
            number: self._last[number][1]
            if number in self._last and now - self._last[number][0] < FRESH
            else None
            for number in self._hosts
        }

    def _ask(self, number: int, host: str) -> None:
        while True:
            asked = time.monotonic()
            try:
                report = ask(host)
                if report.member != number:
                    raise ValueError(f"{host} is member {report.member}")
                self._last[number] = (asked, report)
            except (OSError, http.client.HTTPException, ValueError):
                self._last.pop(number, None)
            time.sleep(self._interval)


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
