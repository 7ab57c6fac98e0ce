"""Ceph's own programs, and what daemons say about themselves."""

import json
import os
import socket
import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SOCKET = Path("/run/ceph/own.asok")
# A daemon's section names its socket; who only asks must not want the same one.
WITHOUT_SOCKET = {**os.environ, "CEPH_ARGS": "--admin_socket="}
TIMEOUT = 10.0  # s until a daemon or the monitors must have answered


class CommandError(Exception):
    """A command did not succeed; its text is what it said."""


def run(
    command: Sequence[str], timeout: float = TIMEOUT, env: Mapping[str, str] | None = None
) -> str:
    """What a program writes; CommandError if it fails or takes longer than `timeout` s."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=env)
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"{' '.join(command)}: no answer within {timeout:.0f} s") from error
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())
        raise CommandError(f"{' '.join(command)}: {said[-500:]}")
    return done.stdout


def ceph(name: str, *words: str) -> Any:
    """What the monitors answer an entity, such as `client.admin`."""
    command = ["ceph", "--name", name, f"--connect-timeout={TIMEOUT / 2:.0f}", "--format=json"]
    said = run([*command, *words], env=WITHOUT_SOCKET)
    return json.loads(said) if said.strip() else None


def ask(prefix: str, path: Path = SOCKET) -> Any:
    """What the daemon in this container says through its socket; no Python program is started."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as one:
        one.settimeout(TIMEOUT)
        try:
            one.connect(str(path))
            one.sendall(json.dumps({"prefix": prefix}).encode() + b"\0")
            (length,) = struct.unpack(">I", _read(one, 4))
            said = _read(one, length)
        except (OSError, EOFError) as error:
            raise CommandError(f"{prefix}: {error}") from error
    try:
        return json.loads(said)
    except ValueError as error:
        raise CommandError(f"{prefix}: {said.decode(errors='replace')[:200]}") from error


def _read(one: socket.socket, length: int) -> bytes:
    said = b""
    while len(said) < length:
        more = one.recv(length - len(said))
        if not more:
            raise EOFError("the daemon closed its socket")
        said += more
    return said
