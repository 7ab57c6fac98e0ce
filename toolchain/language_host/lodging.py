"""Our resource plugins as guests of the language host's process.

A Python process with gRPC in it takes a tenth of a second to start, and this one has it already.
So a plugin's launcher (toolchain/plugins/launch.py) asks here first; where nobody answers, as in
a refresh, the plugin runs by itself.
"""

import json
import socket
import threading
from contextlib import suppress
from importlib import import_module

from toolchain.plugins import launch
from toolchain.plugins.common import server
from toolchain.plugins.common.provider import Provider

PACKAGES = ("docker", "random", "tls")


def open_for(engine: str) -> None:
    """Take in plugins that the engine at address `engine` starts, until this process ends."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(launch.door(engine))
    except OSError:  # another host of the same engine was first
        listener.close()
        return
    listener.listen()
    threading.Thread(target=_receive, args=(listener,), daemon=True).start()


def _receive(listener: socket.socket) -> None:
    while True:
        guest, _ = listener.accept()
        threading.Thread(target=_lodge, args=(guest,), daemon=True).start()


def _lodge(guest: socket.socket) -> None:
    """Serve one plugin for as long as its launcher lives."""
    with guest, suppress(OSError, ValueError):
        if not launch.is_own(guest):
            return
        asked = json.loads(guest.makefile().readline())
        # One that is to see another folder or other variables needs a process of its own.
        if asked["name"] not in PACKAGES or asked["surroundings"] != launch.surroundings():
            return
        module = import_module(f"toolchain.plugins.{asked['name']}.provider")
        provider: Provider = module.provider()
        running, port = server.start(provider, asked["arguments"])
        try:
            guest.sendall(f"{port}\n".encode())
            guest.recv(1)  # empty when the launcher is gone
        finally:
            running.stop(grace=0)
