"""What the environment says beside the member's place among the others."""

from collections.abc import Mapping
from dataclasses import dataclass

from member.settings import file, secret, text


@dataclass(frozen=True, kw_only=True)
class Options:
    """One member's server."""

    cache: int  # MiB of messages that are kept for members that don't answer
    expel: int  # s after which a suspected member is given up
    clone_threshold: int  # missing transactions beyond which a member copies everything
    certificate: str  # paths
    key: str
    authority: str
    database: str
    user: str
    password: str
    root_password: str


def read(environment: Mapping[str, str]) -> Options:
    """`GROUP_*`, `TLS_*_FILE` and `MYSQL_*`, all checked."""
    return Options(
        # MySQL takes no less.
        cache=int(text(environment, "GROUP_CACHE", r"12[89]|1[3-9]\d|[2-9]\d\d|[1-9]\d{3,4}")),
        expel=int(text(environment, "GROUP_EXPEL_TIMEOUT", r"\d{1,4}")),
        clone_threshold=int(text(environment, "GROUP_CLONE_THRESHOLD", r"[1-9]\d{0,17}")),
        certificate=file(environment, "TLS_CERTIFICATE_FILE"),
        key=file(environment, "TLS_KEY_FILE"),
        authority=file(environment, "TLS_AUTHORITY_FILE"),
        database=text(environment, "MYSQL_DATABASE", r"\w{1,64}"),
        # Those are the platform's own.
        user=text(environment, "MYSQL_USER", r"(?!(mysql|replication|root)$)\w{1,32}"),
        password=secret(environment, "MYSQL_PASSWORD_FILE"),
        root_password=secret(environment, "MYSQL_ROOT_PASSWORD_FILE"),
    )
