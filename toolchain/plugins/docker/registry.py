"""What a registry knows about an image."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ..common.errors import PluginError
from .connection import Engine, EngineError
from .references import Login, Reference

if TYPE_CHECKING:
    from requests import Response, Session

_TIMEOUT: Final = 30  # seconds
_GONE: Final = (202, 200, 404)
_UNAUTHORIZED: Final = 401
_UNSUPPORTED: Final = 405


def find_digest(engine: Engine, name: str, login: Login) -> str | None:
    """Digest of an image in its registry, as the engine sees it; None if it is not there."""
    try:
        found = engine.request_json("GET", f"/distribution/{name}/json", headers=login.header())
    except EngineError as error:
        text = str(error).lower()
        if error.status == 404 or "not found" in text or "manifest unknown" in text:
            return None
        if error.status in (401, 403):
            raise PluginError(f"the registry refused to tell about {name}: {error}") from error
        raise
    return str(found["Descriptor"]["digest"])


def delete_manifest(
    reference: Reference, digest: str, login: Login, *, scheme: str, verify: bool
) -> None:
    """Remove an image from its registry; the engine has no word for that."""
    import requests

    url = f"{scheme}://{reference.registry}/v2/{reference.path}/manifests/{digest}"
    with requests.Session() as session:
        session.verify = verify
        if reference.registry.split(":")[0] in ("localhost", "127.0.0.1"):
            session.trust_env = False  # no proxy leads to ourselves
        if login.username:
            session.auth = (login.username, login.password)
        try:
            answer = session.delete(url, timeout=_TIMEOUT)
            if answer.status_code == _UNAUTHORIZED:
                answer = _with_token(session, answer, login, url)
        except requests.RequestException as error:
            raise PluginError(
                f"the registry {reference.registry} can't be reached: {error}"
            ) from error
    if answer.status_code == _UNSUPPORTED:
        raise PluginError(
            f"the registry {reference.registry} does not allow to delete images; allow it, or "
            "set keepRemotely"
        )
    if answer.status_code not in _GONE:
        raise PluginError(
            f"the registry {reference.registry} did not delete {reference.path}: "
            f"{answer.status_code} {answer.reason}"
        )


def _with_token(session: Session, refusal: Response, login: Login, url: str) -> Response:
    """Ask once more, with a token from the server that the refusal names."""
    header = refusal.headers.get("WWW-Authenticate", "")
    if not header.startswith("Bearer "):
        return refusal
    words = dict(re.findall(r'(\w+)="([^"]*)"', header))
    query = {key: words[key] for key in ("service", "scope") if key in words}
    answer = session.get(words["realm"], params=query, timeout=_TIMEOUT)
    if not answer.ok:
        return answer
    token = answer.json().get("token") or answer.json().get("access_token")
    session.auth = None
    return session.delete(url, headers={"Authorization": f"Bearer {token}"}, timeout=_TIMEOUT)
