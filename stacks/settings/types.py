"""Texts and numbers with a meaning of their own: addresses, names, sizes."""

import re
from ipaddress import ip_address, ip_network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

# MariaDB's own databases and accounts.
RESERVED_DATABASES = ("information_schema", "mysql", "performance_schema", "sys")
RESERVED_USERS = ("mysql", "public", "root")
PATH = r"(/[\w.@+-]+)+"


def _cidr(value: str) -> str:
    try:
        ip_network(value)
    except ValueError:
        raise ValueError("must be a network such as 10.90.0.0/24") from None
    return value


def _address(value: str) -> str:
    try:
        ip_address(value)
    except ValueError:
        raise ValueError("must be an IP address such as 192.0.2.10") from None
    return value


def _http_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        host = parts.hostname or ""
        _ = parts.port  # raises where it is out of range
    except ValueError:
        raise ValueError("must have a host and a port from 1 to 65535") from None
    if not re.fullmatch(r"https?://\S+", value) or not re.fullmatch(r"[\w.-]+|[\da-f:.]+", host):
        raise ValueError("must be an address such as https://studip.example.org")
    if "@" in parts.netloc:
        raise ValueError("must not hold a login")
    return value.rstrip("/")


def _site_url(value: str) -> str:
    """The platform is served at the root of its host."""
    value = _http_url(value)
    parts = urlsplit(value)
    if parts.path or parts.query or parts.fragment:
        raise ValueError("must end after host and port")
    return value


def _engine(value: str) -> str:
    if not re.fullmatch(r"unix:///\S+|tcp://\S+:\d+|ssh://\S+", value):
        raise ValueError("must be unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST")
    return value


def _folder(value: str) -> str:
    if not re.fullmatch(PATH, value) or {".", ".."} & set(value.split("/")):
        raise ValueError("must be an absolute path of letters, digits and . _ @ + -")
    return value


def _repository(value: str) -> str:
    if value.startswith("-") or not re.fullmatch(r"\S+", value):
        raise ValueError("must be a repository such as https://git.example.org/studip.git")
    # ssh://git@HOST names an account, but https://TOKEN@HOST hands out what opens it.
    if re.match(r"https?://[^/]*@|\w+://[^/]*:[^/]*@", value):
        raise ValueError("must not hold a login")
    return value


def _revision(value: str) -> str:
    if not re.fullmatch(r"[\w.][\w./+-]*", value):
        raise ValueError("must be a tag or commit")
    return value


def _database(value: str) -> str:
    return _unreserved(value, RESERVED_DATABASES)


def _user(value: str) -> str:
    return _unreserved(value, RESERVED_USERS)


def _unreserved(value: str, reserved: tuple[str, ...]) -> str:
    if value in reserved:
        raise ValueError(f"must be none of the server's own ({', '.join(reserved)})")
    return value


def _parameter(value: object) -> object:
    """`max_connections: 200` and `log_bin: true` are what everybody writes."""
    if isinstance(value, bool):
        return "ON" if value else "OFF"
    if isinstance(value, (int, float)):
        return str(value)
    return value


Cidr = Annotated[str, AfterValidator(_cidr)]
IpAddress = Annotated[str, AfterValidator(_address)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
SiteUrl = Annotated[str, AfterValidator(_site_url)]
Engine = Annotated[str, AfterValidator(_engine)]
TcpPort = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[int, Field(ge=1, le=86400)]
Mib = Annotated[int, Field(ge=4)]
SqlName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
DatabaseName = Annotated[SqlName, AfterValidator(_database)]
UserName = Annotated[SqlName, AfterValidator(_user)]
NetworkName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]{0,62}$")]
HostName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Folder = Annotated[
    str, AfterValidator(_folder), WithJsonSchema({"type": "string", "pattern": f"^{PATH}$"})
]
Quota = Annotated[str, Field(pattern=r"^[1-9][0-9]*(MB|GB|TB)$")]
Repository = Annotated[str, AfterValidator(_repository)]
Revision = Annotated[str, AfterValidator(_revision)]
Parameter = Annotated[
    str,
    BeforeValidator(_parameter),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]
