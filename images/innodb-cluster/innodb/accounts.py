"""Accounts of a cluster: made and renewed on its primary, and replicated from there."""

import hashlib
import subprocess
from collections.abc import Mapping
from pathlib import Path
from string import Template

from innodb.options import Options

KNOWN = """SELECT user, attribute->>'$.fingerprint' FROM information_schema.user_attributes
WHERE attribute->>'$.fingerprint' IS NOT NULL;"""
ROUNDS = 100_000


def statements(template: Path, options: Options, cluster: str, known: Mapping[str, str]) -> str:
    """What brings all accounts to where the secret files have them.

    `known` has the fingerprint of the password that each account got last, as the rows of `KNOWN`
    say: a password that is the account's already must not push out the one before it.
    """
    names = _names(options.certificate)
    text = Template(template.read_text()).substitute(
        database=options.database,
        subject=_quoted(names["subject"]),
        issuer=_quoted(names["issuer"]),
    )
    app, pattern = f"`{options.user}`@`%`", options.database.replace("_", "\\_")
    text += _password(app, options.user, options.password, cluster, known, " REQUIRE SSL")
    text += f"GRANT ALL PRIVILEGES ON `{pattern}`.* TO {app};\n"
    text += _password("root@localhost", "root", options.root_password, cluster, known)
    return text + "GRANT ALL PRIVILEGES ON *.* TO root@localhost WITH GRANT OPTION;\n"


def _password(
    account: str,
    user: str,
    password: str,
    cluster: str,
    known: Mapping[str, str],
    require: str = "",
) -> str:
    salt = f"{cluster} {user}".encode()
    fingerprint = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS).hex()
    if known.get(user) == fingerprint:
        return ""
    identified = f"IDENTIFIED WITH caching_sha2_password BY {_quoted(password)}"
    attribute = f'ATTRIBUTE \'{{"fingerprint": "{fingerprint}"}}\''
    if user not in known:
        return (
            f"DROP USER IF EXISTS {account};\n"
            f"CREATE USER {account} {identified}{require} {attribute};\n"
        )
    # The application is changed after the database: the password before this one stays good until
    # the next change.
    return f"ALTER USER {account} {identified} RETAIN CURRENT PASSWORD{require} {attribute};\n"


def _names(certificate: str) -> dict[str, str]:
    """Subject and issuer of a certificate, written as MySQL does."""
    command = ["openssl", "x509", "-in", certificate, "-noout", "-subject", "-issuer"]
    done = subprocess.run(
        [*command, "-nameopt", "compat"], capture_output=True, text=True, check=True
    )
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
