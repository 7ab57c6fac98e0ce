"""Keys by which Ceph's daemons and clients know each other, all made from one secret.

What the keys come from is nowhere but in the program: each daemon is given its own key, and the
monitors' first start takes all of them over. So nobody has to be asked for a key, and a member that
lost all its disks is the same member again.
"""

import base64
import hashlib
import struct
from collections.abc import Mapping, Sequence

AES = 1  # kind of key
SIZE = 16  # bytes of a key

CLIENT = "client.studip"
FILESYSTEM = "shared"

ADMIN: Mapping[str, str] = dict.fromkeys(("mon", "mgr", "osd", "mds"), "allow *")
# What each kind of daemon may do, as Ceph's manual has it; stores also read how whole they are.
DAEMONS: Mapping[str, Mapping[str, str]] = {
    "mgr": {"mon": "allow profile mgr", "osd": "allow *", "mds": "allow *"},
    "osd": {
        "mon": "allow profile osd, allow r",
        "mgr": "allow profile osd, allow r",
        "osd": "allow *",
    },
    "mds": {"mon": "allow profile mds", "osd": "allow rwx", "mds": "allow"},
}
# `p`: it sets quotas of folders.
MOUNT: Mapping[str, str] = {
    "mon": "allow r",
    "mds": "allow rwp",
    "osd": f"allow rw tag cephfs data={FILESYSTEM}",
}


def entity(kind: str, number: int, members: Sequence[str]) -> str:
    """What the daemon of a member (from 0) is called: stores have numbers, all others names."""
    return f"{kind}.{number if kind == 'osd' else members[number]}"


def key(secret: str, entity: str) -> str:
    """An entity's key in base64: kind and time of making (2 and 8 bytes), length, 16 bytes.

    Source: `CryptoKey::encode` of Ceph (src/auth/Crypto.cc). Limits: keys don't change one by one;
    another secret changes all of them.
    """
    made = hashlib.sha256(f"{entity}\0{secret}".encode()).digest()[:SIZE]
    return base64.b64encode(struct.pack("<HIIH", AES, 0, 0, SIZE) + made).decode()


def entry(secret: str, entity: str, capabilities: Mapping[str, str] | None = None) -> str:
    """What a keyring says of an entity."""
    may = [f'\tcaps {daemon} = "{words}"' for daemon, words in (capabilities or {}).items()]
    return "\n".join([f"[{entity}]", f"\tkey = {key(secret, entity)}", *may, ""])


def monitor_keyring(secret: str, members: Sequence[str]) -> str:
    """All keys of a cluster: what its monitors begin with."""
    found = [
        entry(secret, "mon.", {"mon": "allow *"}),
        entry(secret, "client.admin", ADMIN),
        entry(secret, CLIENT, MOUNT),
    ]
    for kind, capabilities in DAEMONS.items():
        found += [
            entry(secret, entity(kind, number, members), capabilities)
            for number in range(len(members))
        ]
    return "".join(found)
