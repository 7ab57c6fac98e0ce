"""A browser of few words: cookies, forms and files, straight to an address."""

import http.client
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]  # by lower-case name
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


@dataclass
class Browser:
    """Somebody who looks at `host:port` and keeps their cookies."""

    host: str
    port: int = 80
    timeout: float = 15.0  # s
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Answer:
        """Ask for a page; redirects are not followed."""
        return self._ask("GET", path, None, headers)

    def post(self, path: str, **fields: str) -> Answer:
        """Send a form."""
        content = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", path, urlencode(fields).encode(), content)

    def upload(self, path: str, name: str, content: bytes) -> Answer:
        """Send a file in the field `file`."""
        kind, body = multipart(name, content)
        return self._ask("POST", path, body, {"Content-Type": kind})

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{key}={value}" for key, value in self.cookies.items())
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            for cookie in response.headers.get_all("Set-Cookie", []):
                key, _, value = cookie.split(";")[0].partition("=")
                self.cookies[key] = value
            lower = {key.lower(): value for key, value in response.headers.items()}
            return Answer(response.status, lower, response.read())
        finally:
            connection.close()


def multipart(name: str, content: bytes) -> tuple[str, bytes]:
    """Content type and body of a form with one file in the field `file`."""
    boundary = uuid.uuid4().hex
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: text/plain\r\n\r\n"
    )
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", body
