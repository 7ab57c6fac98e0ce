"""Starts a resource plugin: `launch.py NAME ENGINE_ADDRESS`, as the engine runs it.

It runs without site-packages, so it must import little, and nothing of ours.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import struct
import sys

PATIENCE = 10.0  # s until an answer


def door(engine: str) -> str:
    """Where the language host of the engine at this address listens: no file that could stay."""
    return f"\0studip-plugins-{engine}"


def is_own(peer: socket.socket) -> bool:
    """Whether the other end is a process of the same user."""
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", credentials)
    return bool(user == os.geteuid())


def surroundings() -> str:
    """Digest of the folder and the environment of this process, but for what starting it adds."""
    own = ("PULUMI_", "PYTHON")
    shell = ("_", "PWD", "OLDPWD", "SHLVL")
    seen = sorted(
        item for item in os.environ.items() if not item[0].startswith(own) and item[0] not in shell
    )
    folder = os.getcwd()  # noqa: PTH109 - to import pathlib takes as long as all the rest
    return hashlib.sha256(json.dumps([folder, seen]).encode()).hexdigest()


def lodge(name: str, arguments: list[str]) -> tuple[socket.socket, str] | None:
    """Let the language host serve the plugin; a connection to it and the port, or None."""
    host = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    host.settimeout(PATIENCE)
    asked = {"name": name, "arguments": arguments, "surroundings": surroundings()}
    try:
        host.connect(door(arguments[-1]))
        if is_own(host):
            host.sendall(json.dumps(asked).encode() + b"\n")
            if port := host.makefile().readline().strip():
                return host, port
    except (OSError, IndexError):
        pass
    host.close()
    return None


def main(name: str, arguments: list[str]) -> None:
    """Serve the plugin, here or as a guest, until the engine ends us."""
    lodged = lodge(name, arguments)
    if lodged is None:
        program = [sys.executable, "-m", f"toolchain.plugins.{name}", *arguments]
        os.execv(program[0], program)
    host, port = lodged
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    print(port, flush=True)
    host.settimeout(None)
    host.recv(1)
    # The host is gone, and the plugin with it.
    sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
