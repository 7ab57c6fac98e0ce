"""The Docker Engine: where it is, and calls to its API with errors that say what to do."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from ..common.errors import PluginError

if TYPE_CHECKING:
    from docker import APIClient
    from requests import Response

_DEFAULT_HOST: Final = "unix:///var/run/docker.sock"
_TIMEOUT: Final = 120  # seconds for one answer of the engine
_NO_SUCH: Final = 404
_BAD_REQUEST: Final = 400  # and above: what went wrong
_SOCKET: Final = "unix://"


class _SocketConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class EngineError(PluginError):
    """The engine refused a request."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the engine is, and how to be let in."""

    host: str = _DEFAULT_HOST
    cert_path: str = ""  # directory with ca.pem, cert.pem and key.pem
    ca_material: str = ""  # the same as text
    cert_material: str = ""
    key_material: str = ""
    ssh_options: tuple[str, ...] = ()  # of the ssh command

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Settings:
        """From the provider's configuration, completed from the environment."""

        def get(key: str, variable: str, default: str = "") -> str:
            return str(config.get(key) or os.environ.get(variable) or default)

        return cls(
            host=get("host", "DOCKER_HOST", _DEFAULT_HOST),
            cert_path=get("certPath", "DOCKER_CERT_PATH"),
            ca_material=get("caMaterial", "DOCKER_CA_MATERIAL"),
            cert_material=get("certMaterial", "DOCKER_CERT_MATERIAL"),
            key_material=get("keyMaterial", "DOCKER_KEY_MATERIAL"),
            ssh_options=tuple(config.get("sshOpts") or ()),
        )

    def problem(self) -> str | None:
        """What is wrong with the settings, offline."""
        materials = (self.ca_material, self.cert_material, self.key_material)
        if not self.host.startswith(("unix://", "tcp://", "ssh://", "http://", "https://")):
            return f"must start with unix://, tcp:// or ssh://, got {self.host!r}"
        if re.match(r"ssh://(-|[^@]*@-|$)", self.host):
            return f"must be ssh://USER@HOST, got {self.host!r}"
        if any(materials) and not all(materials):
            return "needs caMaterial, certMaterial and keyMaterial together"
        if any(materials) and self.cert_path:
            return "takes either certPath or certMaterial, not both"
        return None


class Engine:
    """The engine's HTTP API. Connects when it is called; safe to use from many threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._connected: APIClient | None = None

    def get(self, path: str, **params: Any) -> Any:
        """GET as JSON."""
        return self.request_json("GET", path, params=params)

    def find(self, path: str, **params: Any) -> Any:
        """GET as JSON, None when there is no such object."""
        try:
            return self.get(path, **params)
        except EngineError as error:
            if error.status == _NO_SUCH:
                return None
            raise

    def post(
        self,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = _TIMEOUT,
        **params: Any,
    ) -> Any:
        """POST JSON, answer as JSON (None when empty)."""
        return self.request_json(
            "POST", path, body=body, headers=headers, timeout=timeout, params=params
        )

    def unpack(self, container_id: str, archive: bytes) -> None:
        """Unpack a tar archive at a container's root."""
        path = f"/containers/{container_id}/archive"
        headers = {"Content-Type": "application/x-tar"}
        self._request("PUT", path, params={"path": "/"}, data=archive, headers=headers)

    def delete(self, path: str, **params: Any) -> bool:
        """DELETE; False when there was no such object."""
        try:
            self._request("DELETE", path, params=params)
        except EngineError as error:
            if error.status == _NO_SUCH:
                return False
            raise
        return True

    @contextmanager
    def stream(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any],
        data: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[Response]:
        """A response to be read as it comes, without a time limit."""
        response = self._request(
            method, path, params=params, data=data, headers=headers, timeout=None, stream=True
        )
        try:
            yield response
        finally:
            response.close()

    @staticmethod
    def messages(response: Response) -> Iterator[dict[str, Any]]:
        """The JSON messages of a response, as they come."""
        import requests

        try:
            for line in response.iter_lines():
                if line:
                    yield json.loads(line)
        except requests.exceptions.RequestException as error:
            raise PluginError(f"the Docker Engine broke off its answer: {error}") from error

    def request_json(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = _TIMEOUT,
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        """Any request with JSON both ways; None for an empty answer."""
        data = None if body is None else json.dumps(body).encode()
        # Without a body no type: the engine would look for the parameters in there.
        head = {**({} if data is None else {"Content-Type": "application/json"}), **(headers or {})}
        if self.settings.host.startswith(_SOCKET):
            return self._ask(method, path, params or {}, data, head, timeout)
        response = self._request(
            method, path, params=params or {}, data=data, headers=head, timeout=timeout
        )
        return response.json() if response.content else None

    def _ask(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any],
        data: bytes | None,
        headers: Mapping[str, str],
        timeout: float | None,
    ) -> Any:
        """`request_json` over the engine's socket, without docker-py.

        To import it costs 80 ms, and most runs of the plugin ask nothing else.
        """
        self._check()
        query = urlencode({key: _text(value) for key, value in params.items()})
        connection = _SocketConnection(self.settings.host.removeprefix(_SOCKET), timeout)
        try:
            connection.request(method, f"{path}?{query}" if query else path, data, dict(headers))
            response = connection.getresponse()
            content = response.read()
        except TimeoutError as error:
            raise self._silent(timeout) from error
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error
        finally:
            connection.close()
        if response.status >= _BAD_REQUEST:
            raise EngineError(response.status, _message(response.status, content))
        return json.loads(content) if content else None

    def _request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any],
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = _TIMEOUT,
        stream: bool = False,
    ) -> Response:
        import requests

        client = self._client()
        url = f"{client.base_url}/v{client.api_version}{path}"
        try:
            response: Response = client.request(
                method,
                url,
                params={key: _text(value) for key, value in params.items()},
                data=data,
                headers=dict(headers or {}),
                timeout=timeout,
                stream=stream,
            )
        except requests.exceptions.ReadTimeout as error:
            raise self._silent(timeout) from error
        except (requests.exceptions.RequestException, OSError) as error:
            raise self._unreachable(error) from error
        if response.ok:
            return response
        raise EngineError(response.status_code, _message(response.status_code, response.content))

    def _client(self) -> APIClient:
        with self._lock:
            if self._connected is None:
                self._connected = self._connect()
            return self._connected

    def _check(self) -> None:
        if problem := self.settings.problem():
            raise PluginError(f"docker:host {problem}")

    def _connect(self) -> APIClient:
        self._check()
        import requests
        from docker.errors import DockerException

        from .client import open_client

        settings = self.settings
        try:
            return open_client(
                settings.host, tls=self._tls(), ssh_options=settings.ssh_options, timeout=_TIMEOUT
            )
        except (DockerException, requests.exceptions.RequestException, OSError) as error:
            raise self._unreachable(error) from error

    def _tls(self) -> Any:
        settings = self.settings
        if not settings.cert_path and not settings.cert_material:
            return False
        from docker.tls import TLSConfig

        from .client import keys

        if settings.cert_path:
            return keys(settings.cert_path)
        ca, cert, key = (
            _in_memory(text)
            for text in (settings.ca_material, settings.cert_material, settings.key_material)
        )
        return TLSConfig(client_cert=(cert, key), ca_cert=ca, verify=True)

    def _silent(self, timeout: float | None) -> PluginError:
        return PluginError(
            f"the Docker Engine at {self.settings.host} did not answer within {timeout} s"
        )

    def _unreachable(self, error: BaseException) -> PluginError:
        host = self.settings.host
        hint = "start it (systemctl start docker), or set docker:host or DOCKER_HOST"
        if isinstance(_root_cause(error), PermissionError):
            hint = "run as root or as a member of the group docker"
        elif host.startswith("ssh://"):
            hint = f"try `ssh {host.removeprefix('ssh://')} docker info`"
        elif host.startswith("tcp://"):
            hint = "check that the machine is on, its address, and the keys for TLS"
        return PluginError(
            f"the Docker Engine at {host} can't be reached ({why_unreachable(error)}): {hint}"
        )


def why_unreachable(error: BaseException) -> str:
    """In a few words why there was no connection: requests and urllib3 wrap it several times."""
    import requests

    if isinstance(error, requests.exceptions.Timeout):
        return "no answer"
    reason = _root_cause(error)
    return str(getattr(reason, "strerror", None) or reason) or type(reason).__name__


def cut(response: Response) -> None:
    """End a response that another thread is reading; the engine gives up what it was doing."""
    with suppress(OSError, ValueError):  # over already
        response.raw.shutdown()


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "1" if value else "0"
    return json.dumps(value) if isinstance(value, dict | list) else value


def _message(status: int, content: bytes) -> str:
    try:
        # Swarm's messages come in the envelope of its own protocol.
        return re.sub(r"^rpc error: code = \w+ desc = ", "", str(json.loads(content)["message"]))
    except (ValueError, KeyError, TypeError):
        return content.decode(errors="replace").strip() or f"HTTP status {status}"


def _root_cause(error: BaseException) -> BaseException:
    """The operating system's error inside the wrappers of requests and urllib3."""
    pending, seen = [error], set()
    while pending:
        current = pending.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        if isinstance(current, OSError) and current.errno is not None:
            return current
        inner = (*current.args, current.__cause__, current.__context__)
        pending += [one for one in inner if isinstance(one, BaseException)]
    return error


def _in_memory(text: str) -> str:
    """Path of a file that never touches a disk: OpenSSL takes certificates from files only."""
    descriptor = os.memfd_create("docker-certificate")
    os.write(descriptor, text.encode())
    return f"/proc/self/fd/{descriptor}"
