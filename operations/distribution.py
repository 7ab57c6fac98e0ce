"""A registry as its HTTP interface shows it: repositories, their versions, deletion."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any, cast

from operations.failure import Failure

MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
)
TIMEOUT = 30  # s for one answer
MANY = 10_000  # repositories; more than anybody has, so that one page is all


@dataclass(frozen=True)
class Version:
    """One image of a repository."""

    repository: str
    digest: str  # sha256:...
    created: str  # ISO 8601 in UTC, so that text order is time order
    tags: tuple[str, ...]


class Registry:
    """A registry at an address such as `http://127.0.0.1:5000`."""

    def __init__(self, url: str) -> None:
        self._url = url

    def answers(self) -> bool:
        """Whether it is there."""
        try:
            self._ask("GET", "").close()
        except Failure:
            return False
        return True

    def repositories(self) -> list[str]:
        """Names of all repositories, also of those that hold nothing any more."""
        return list(self._json(f"_catalog?n={MANY}").get("repositories") or [])

    def versions(self, repository: str) -> list[Version]:
        """All tagged images of a repository; one with several tags is one version."""
        tags: dict[str, list[str]] = {}
        for tag in self._json(f"{repository}/tags/list").get("tags") or []:
            with self._ask("HEAD", f"{repository}/manifests/{tag}", MANIFESTS) as answer:
                tags.setdefault(answer.headers["Docker-Content-Digest"], []).append(tag)
        return [
            Version(repository, digest, self._created(repository, digest), tuple(sorted(names)))
            for digest, names in tags.items()
        ]

    def delete(self, version: Version) -> None:
        """Delete an image with all its tags; its room comes back with the next collection."""
        self._ask("DELETE", f"{version.repository}/manifests/{version.digest}").close()

    def _created(self, repository: str, digest: str) -> str:
        manifest = self._json(f"{repository}/manifests/{digest}", MANIFESTS)
        if "config" not in manifest:  # an index of several platforms: as old as its first image
            return self._created(repository, manifest["manifests"][0]["digest"])
        config = self._json(f"{repository}/blobs/{manifest['config']['digest']}")
        return str(config.get("created", ""))

    def _json(self, path: str, accept: Iterable[str] = ()) -> dict[str, Any]:
        with self._ask("GET", path, accept) as answer:
            return cast(dict[str, Any], json.load(answer))

    def _ask(self, method: str, path: str, accept: Iterable[str] = ()) -> HTTPResponse:
        request = urllib.request.Request(f"{self._url}/v2/{path}", method=method)
        if accept:
            request.add_header("Accept", ", ".join(accept))
        try:
            return cast(HTTPResponse, urllib.request.urlopen(request, timeout=TIMEOUT))
        except urllib.error.HTTPError as error:
            raise Failure(f"the registry refused {method} {path}: HTTP {error.code}") from None
        except OSError as error:
            raise Failure(f"the registry at {self._url} can't be reached ({error})") from None
