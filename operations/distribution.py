"""A registry as its HTTP interface shows it."""

import base64
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any, cast

from toolchain.failure import Failure

MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
)
TIMEOUT = 30  # s for one answer


@dataclass(frozen=True)
class Version:
    """One image of a repository, or an index of several."""

    repository: str
    digest: str  # sha256:...
    created: str  # ISO 8601 in UTC, so that text order is time order
    children: frozenset[str] = frozenset()  # digests that an index refers to

    def __str__(self) -> str:
        return f"{self.repository}@{self.digest}"


@dataclass(frozen=True)
class Access:
    """How a registry lets somebody in."""

    user: str
    password: str
    authority: str  # PEM of who signed its certificate


class Registry:
    """A registry at an address such as `http://127.0.0.1:5000`; with `access`, by TLS."""

    def __init__(self, url: str, access: Access | None = None) -> None:
        self._url = url
        self._headers: dict[str, str] = {}
        self._context: ssl.SSLContext | None = None
        if access is not None:
            login = base64.b64encode(f"{access.user}:{access.password}".encode()).decode()
            self._headers["Authorization"] = f"Basic {login}"
            self._context = ssl.create_default_context(cadata=access.authority)

    def answers(self) -> bool:
        """Whether it is there."""
        try:
            self._ask("GET", "").close()
        except Failure:
            return False
        return True

    def version(self, repository: str, digest: str) -> Version:
        """What the registry knows about an image; an index is as old as its first image."""
        manifest = self._json(f"{repository}/manifests/{digest}", MANIFESTS)
        children = [child["digest"] for child in manifest.get("manifests") or []]
        if children:
            created = self.version(repository, children[0]).created
        else:
            config = self._json(f"{repository}/blobs/{manifest['config']['digest']}")
            created = str(config.get("created", ""))
        return Version(repository, digest, created, frozenset(children))

    def delete(self, version: Version) -> None:
        """Delete an image with all its tags; its room comes back with the next collection."""
        self._ask("DELETE", f"{version.repository}/manifests/{version.digest}").close()

    def _json(self, path: str, accept: Iterable[str] = ()) -> dict[str, Any]:
        with self._ask("GET", path, accept) as answer:
            return cast(dict[str, Any], json.load(answer))

    def _ask(self, method: str, path: str, accept: Iterable[str] = ()) -> HTTPResponse:
        url = f"{self._url}/v2/{path}"
        request = urllib.request.Request(url, headers=self._headers, method=method)
        if accept:
            request.add_header("Accept", ", ".join(accept))
        try:
            answer = urllib.request.urlopen(request, timeout=TIMEOUT, context=self._context)
            return cast(HTTPResponse, answer)
        except urllib.error.HTTPError as error:
            raise Failure(f"the registry refused {method} {path}: HTTP {error.code}") from None
        except OSError as error:
            raise Failure(f"the registry at {self._url} can't be reached ({error})") from None
