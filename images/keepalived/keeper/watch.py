"""Asks the load balancers, and writes the judgement where keepalived looks."""

import socket
import threading
import time

from keeper.judgement import Answer, Judgement
from keeper.settings import FAULT, Settings


def ask(address: str, port: int, timeout: float) -> Answer:
    """What the load balancer at an address says of itself, within `timeout` s for each step."""
    try:
        with socket.create_connection((address, port), timeout) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            text = b""
            while part := connection.recv(4096):
                text += part
    except TimeoutError:
        return Answer.SILENT
    except OSError:
        return Answer.REFUSED
    head, _, body = text.partition(b"\r\n\r\n")
    if head.split()[1:2] != [b"200"]:
        return Answer.REFUSED
    return Answer.READY if body.strip() == b"ready" else Answer.EMPTY


class Watch:
    """Threads that ask this node's load balancer and the others'."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._others: dict[str, Answer] = {}
        self._fault = True
        FAULT.write_text("1\n")

    def start(self) -> None:
        """Ask until the program ends."""
        for peer in self._settings.peers:
            threading.Thread(target=self._ask_other, args=[str(peer)], daemon=True).start()
        self.own = threading.Thread(target=self._ask_own, daemon=True)
        self.own.start()

    def _ask_other(self, address: str) -> None:
        while True:
            settings = self._settings
            self._others[address] = ask(address, settings.monitor_port, settings.others)
            time.sleep(settings.others)

    def _ask_own(self) -> None:
        settings = self._settings
        judgement = Judgement(settings.fall, settings.hold)
        while True:
            # Not by the loopback address: published ports are not there on every engine.
            answer = ask(str(settings.node_address), settings.monitor_port, settings.timeout)
            fault = judgement.fault(answer, list(self._others.values()), time.monotonic())
            if fault != self._fault:
                self._fault = fault
                print(f"keeper: {answer.name.lower()}: {'fault' if fault else 'fine'}", flush=True)
                FAULT.write_text(f"{fault:d}\n")
            time.sleep(settings.interval)
