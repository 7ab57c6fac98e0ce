"""Names of images, and the credentials for the registry that they name."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..common.errors import PluginError

_PATH: Final = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_FORM: Final = re.compile(
    rf"(?P<path>[^/:@]+(?::\d+)?/)?{_PATH}(?:/{_PATH})*"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>\w+:[0-9a-fA-F]{32,}))?"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """registry/path:tag@digest, in its parts."""

    registry: str  # "" when the name has none
    path: str
    tag: str
    digest: str

    @classmethod
    def of(cls, name: str) -> Reference:
        """Take a name apart; PluginError if it is none."""
        match = _FORM.fullmatch(name)
        if match is None:
            raise PluginError(f"{name!r} is not a name of an image (registry/path:tag)")
        tag, digest = match["tag"] or "", match["digest"] or ""
        rest = name.removesuffix(f"@{digest}").removesuffix(f":{tag}")
        first, slash, path = rest.partition("/")
        if slash and ("." in first or ":" in first or first == "localhost"):
            return cls(first, path, tag, digest)
        return cls("", rest, tag, digest)

    @property
    def repository(self) -> str:
        """Name without tag and digest."""
        return f"{self.registry}/{self.path}" if self.registry else self.path


@dataclass(frozen=True, slots=True)
class Login:
    """Credentials for one registry."""

    server: str
    username: str = ""
    password: str = ""

    def header(self) -> dict[str, str]:
        """As the engine expects them beside a request."""
        parts = {
            "username": self.username,
            "password": self.password,
            "serveraddress": self.server,
        }
        text = json.dumps({key: value for key, value in parts.items() if value})
        return {"X-Registry-Auth": base64.urlsafe_b64encode(text.encode()).decode()}


def hostname(address: str) -> str:
    """Address of a registry without scheme and path."""
    return re.sub(r"^https?://", "", address).split("/", 1)[0]


class Logins:
    """Credentials from the provider's registryAuth; for other registries, the user's own."""

    def __init__(self, entries: list[Mapping[str, Any]]) -> None:
        self._known: dict[str, Login] = {}
        self._scheme: dict[str, str] = {}
        for entry in entries:
            address = str(entry["address"])
            server = hostname(address)
            self._known[server] = self._login(server, entry)
            self._scheme[server] = "http" if address.startswith("http://") else "https"

    def of(self, registry: str) -> Login:
        """Credentials for a registry; empty ones when none are known."""
        return self._known.get(registry) or from_docker_config(registry)

    def scheme(self, registry: str) -> str:
        """http or https; the loopback address is trusted as the engine does."""
        plain = registry.split(":")[0] in ("localhost", "127.0.0.1")
        return self._scheme.get(registry, "http" if plain else "https")

    @staticmethod
    def _login(server: str, entry: Mapping[str, Any]) -> Login:
        if entry.get("authDisabled"):
            return Login(server)
        if entry.get("username"):
            return Login(server, str(entry["username"]), str(entry.get("password", "")))
        if content := entry.get("configFileContent"):
            return _from_auths(server, json.loads(str(content)).get("auths", {}))
        return from_docker_config(server, entry.get("configFile"))


def from_docker_config(registry: str, path: str | None = None) -> Login:
    """What `docker login` has stored for a registry."""
    from docker import auth

    found = auth.load_config(path).resolve_authconfig(registry) or {}
    username = found.get("username") or found.get("Username") or ""
    password = found.get("password") or found.get("Password") or ""
    return Login(registry, username, password)


def _from_auths(server: str, auths: Mapping[str, Any]) -> Login:
    for address, entry in auths.items():
        if hostname(address) == server:
            text = base64.b64decode(entry.get("auth", "")).decode(errors="replace")
            username, _, password = text.partition(":")
            return Login(server, entry.get("username", username), entry.get("password", password))
    raise PluginError(f"registryAuth: configFileContent has no entry for {server}")
