"""Keys of Ceph, as Ceph writes them."""

import base64

import pytest

from components import cephx


def test_a_key_has_the_form_of_cephs_own() -> None:
    # `ceph-authtool --gen-print-key` prints such a one: kind 1, a time, 16 bytes.
    theirs = base64.b64decode("AQAtxypnEkWtMRAA6YrERHkjk8OAvSeIMVYHmA==")
    ours = base64.b64decode(cephx.key("secret", "osd.0"))
    assert len(ours) == len(theirs) == 28
    assert ours[:2] == theirs[:2]
    assert ours[10:12] == theirs[10:12]


def test_keys_come_from_secret_and_name_alone() -> None:
    key = cephx.key("secret", "osd.0")
    assert key == cephx.key("secret", "osd.0")
    assert len({key, cephx.key("secret", "osd.1"), cephx.key("other", "osd.0")}) == 3


def test_monitors_know_what_each_may() -> None:
    text = cephx.monitor_keyring("secret", ["a", "b", "c"])
    entities = [line.strip("[]") for line in text.splitlines() if line.startswith("[")]
    assert entities == [
        *("mon.", "client.admin", "client.studip"),
        *("mgr.a", "mgr.b", "mgr.c", "osd.0", "osd.1", "osd.2", "mds.a", "mds.b", "mds.c"),
    ]
    mount = text.split("[client.studip]")[1].split("[")[0]
    assert "allow *" not in mount
    assert 'caps osd = "allow rw tag cephfs data=shared"' in mount


@pytest.mark.parametrize("kind", ["mgr.a", "osd.0", "mds.a"])
def test_a_daemon_shows_its_own_key_alone(kind: str) -> None:
    text = cephx.entry("secret", kind)
    assert text.count("key = ") == 1
    assert cephx.key("secret", kind) in text
    assert "secret" not in text
