"""Accounts of a MySQL cluster get the passwords of the secret files, and lose none too early."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from innodb.accounts import statements
from innodb.options import Options

TEMPLATE = Path(__file__).parents[3] / "images" / "innodb-cluster" / "accounts.sql"
CLUSTER = "24ca0670-e916-11f1-bde0-8e15d4a48ba5"
PASSWORD = "it's\\ a_$HOME_%40"


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> Options:
    """What a member is told, with a certificate of its own."""
    folder = tmp_path_factory.mktemp("certificate")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj"
    subprocess.run(
        [*command.split(), "/O=Uni/CN=database", "-keyout", "key", "-out", "certificate"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return Options(
        cache=128,
        expel=0,
        clone_threshold=100,
        certificate=str(folder / "certificate"),
        key="",
        authority="",
        database="stud_ip",
        user="studip",
        password=PASSWORD,
        root_password="root",
    )


def fingerprints(text: str) -> dict[str, str]:
    """What the statements write down of each account's password."""
    found = re.findall(r'USER `?(\w+)`?@\S+ IDENTIFIED .*"fingerprint": "([0-9a-f]+)"', text)
    return dict(found)


def test_whoever_copies_shows_the_databases_own_certificate(options: Options) -> None:
    text = statements(TEMPLATE, options, CLUSTER, {})
    demand = "REQUIRE SUBJECT '/O=Uni/CN=database' AND ISSUER '/O=Uni/CN=database'"
    assert text.count(demand) == 2  # also of an account that is there already


def test_a_new_cluster_gets_its_accounts(options: Options) -> None:
    text = statements(TEMPLATE, options, CLUSTER, {})
    assert r"CREATE USER `studip`@`%` IDENTIFIED WITH caching_sha2_password BY 'it\'s\\ a_" in text
    assert r"GRANT ALL PRIVILEGES ON `stud\_ip`.* TO `studip`@`%`;" in text
    assert fingerprints(text).keys() == {"studip", "root"}
    assert "RETAIN" not in text


def test_a_password_that_is_set_already_pushes_out_none(options: Options) -> None:
    known = fingerprints(statements(TEMPLATE, options, CLUSTER, {}))
    text = statements(TEMPLATE, options, CLUSTER, known)
    assert "IDENTIFIED" not in text
    assert "DROP" not in text


def test_the_password_before_a_new_one_stays_good(options: Options) -> None:
    known = fingerprints(statements(TEMPLATE, options, CLUSTER, {}))
    text = statements(TEMPLATE, replace(options, password="second"), CLUSTER, known)
    (changed,) = [line for line in text.splitlines() if "IDENTIFIED" in line]
    assert changed.startswith("ALTER USER `studip`@`%`")
    assert "BY 'second' RETAIN CURRENT PASSWORD REQUIRE SSL" in changed
    assert fingerprints(text)["studip"] != known["studip"]


def test_a_fingerprint_tells_nothing_about_other_clusters_or_accounts(options: Options) -> None:
    same = replace(options, root_password=PASSWORD)
    found = fingerprints(statements(TEMPLATE, same, CLUSTER, {}))
    assert found["studip"] != found["root"]
    assert found != fingerprints(statements(TEMPLATE, same, CLUSTER.replace("2", "3"), {}))
