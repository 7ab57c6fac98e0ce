"""A client of an engine, however it is reached: socket, TCP with or without TLS, secure shell."""

from __future__ import annotations

import errno
import socket
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from functools import partial
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, Final

from docker import APIClient
from docker.tls import TLSConfig
from docker.transport import UnixHTTPAdapter
from docker.transport.unixconn import UnixHTTPConnection, UnixHTTPConnectionPool
from requests.adapters import HTTPAdapter

PATIENCE: Final = 10  # s until an engine is reached
_NO_ENGINE: Final = "1.24"  # any version of the API keeps the client from asking at once

# A secure shell that asks nothing, and notices when the other machine is gone.
_SSH: Final = (
    "ssh",
    *("-o", "BatchMode=yes"),
    *("-o", f"ConnectTimeout={PATIENCE}"),
    *("-o", "ServerAliveInterval=5"),
    *("-o", "ServerAliveCountMax=3"),
)
_ENGINE: Final = ("docker", "system", "dial-stdio")
# sshd drops some of those that come while ten others still show their keys.
_AT_ONCE: Final = threading.BoundedSemaphore(4)


def open_client(
    host: str, *, tls: Any = False, ssh_options: Sequence[str] = (), timeout: float = 60
) -> APIClient:
    """A client of the engine at `host`, which must answer within `PATIENCE` s.

    `timeout` is for each later answer, in s. Raises what docker-py, requests and sockets raise.
    """
    if not host.startswith("ssh://"):
        client = APIClient(base_url=host, tls=tls, version=_NO_ENGINE, timeout=timeout)
        # Else REQUESTS_CA_BUNDLE would stand in for the engine's own authority.
        client.trust_env = False
        for scheme in ("http://", "https://"):
            client.mount(scheme, _Impatient())
    else:
        client = APIClient(base_url="unix:///unused", version=_NO_ENGINE, timeout=timeout)
        client.mount("http+docker://", _Adapter(host, ssh_options, timeout))
    client.timeout = PATIENCE
    try:
        client._version = client.version(api_version=False)["ApiVersion"]
    except BaseException:
        client.close()
        raise
    client.timeout = timeout
    return client


def keys(folder: str) -> TLSConfig:
    """What lets a client in at an engine with TLS; raises FileNotFoundError."""
    files = [Path(folder) / f"{name}.pem" for name in ("ca", "cert", "key")]
    for file in files:
        if not file.is_file():
            raise FileNotFoundError(errno.ENOENT, f"there is no file {file}")
    ca, cert, key = map(str, files)
    return TLSConfig(client_cert=(cert, key), ca_cert=ca, verify=True)


def command(host: str, options: Sequence[str] = ()) -> list[str]:
    """The command whose input and output lead to the engine at ssh://[USER@]HOST[:PORT]."""
    place, colon, port = host.removeprefix("ssh://").rstrip("/").rpartition(":")
    if not colon or not port.isdigit():
        return [*_SSH, *options, "--", host.removeprefix("ssh://").rstrip("/"), *_ENGINE]
    return [*_SSH, *options, "-p", port, "--", place, *_ENGINE]


class _Impatient(HTTPAdapter):
    """Waits long for an answer, but not for a connection."""

    def send(self, request: Any, *rest: Any, **options: Any) -> Any:
        timeout = options.get("timeout")
        if not isinstance(timeout, tuple):
            options["timeout"] = (PATIENCE, timeout)
        return super().send(request, *rest, **options)


class _Connection(UnixHTTPConnection):  # type: ignore[misc]
    """A connection whose other end is a secure shell's input and output."""

    def __init__(self, command: Sequence[str], timeout: float) -> None:
        super().__init__("localhost", "", timeout)
        self._command = command

    def connect(self) -> None:
        mine, theirs = socket.socketpair()
        with _AT_ONCE, theirs, tempfile.TemporaryFile() as complaints:
            shell = subprocess.Popen(
                self._command,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=complaints,
                start_new_session=True,  # Ctrl-C is for the program that asks
            )
            theirs.close()
            # It ends with the last user of our end of the pair.
            threading.Thread(target=shell.wait, daemon=True).start()
            # A shell that is refused is only seen when it is used.
            mine.settimeout(2 * PATIENCE)
            try:
                mine.sendall(b"GET /_ping HTTP/1.1\r\nHost: engine\r\n\r\n")
                with HTTPResponse(mine) as answer:
                    answer.begin()
                    answer.read()
            except (OSError, HTTPException) as error:
                mine.close()
                shell.kill()
                shell.wait()
                complaints.seek(0)
                said = complaints.read().decode(errors="replace").strip().splitlines()
                reason = said[-1] if said else f"ssh: {error or 'no answer'}"
                raise ConnectionError(errno.ECONNABORTED, reason) from None
        mine.settimeout(self.timeout)
        self.sock = mine


class _Pool(UnixHTTPConnectionPool):  # type: ignore[misc]
    def __init__(self, connection: Any, **options: Any) -> None:
        super().__init__("localhost", "", **options)
        self._connection = connection

    def _new_conn(self) -> _Connection:
        made: _Connection = self._connection()
        return made


class _Adapter(UnixHTTPAdapter):  # type: ignore[misc]
    """Sends requests through secure shells, one for each connection that is open at once."""

    def __init__(self, host: str, options: Sequence[str], timeout: float) -> None:
        super().__init__("http+unix:///unused", timeout)
        connection = partial(_Connection, command(host, options), timeout)
        self._pool = _Pool(connection, timeout=timeout, maxsize=self.max_pool_size)

    def get_connection(self, url: str, proxies: Any = None) -> _Pool:
        return self._pool

    def close(self) -> None:
        self._pool.close()
        super().close()
