"""An authority that speaks ACME, for tests."""

import json
import os
import re
import ssl
import subprocess
import tomllib
import urllib.request
from pathlib import Path

from toolchain.places import ROOT, cache
from toolchain.pulumi_cli import go

FOLDER = Path(__file__).parent
PORT, MANAGEMENT = 14000, 15000  # TCP


def pebble() -> Path:
    """The program, built from Go modules and kept in the cache."""
    sums = (FOLDER / "go.sum").read_bytes()
    version = re.search(r"pebble/v2 v(\S+)", (FOLDER / "go.mod").read_text())
    assert version
    assert version[1] == tomllib.loads((ROOT / "versions.toml").read_text())["tests"]["pebble"]
    folder = cache() / f"pebble-{version[1]}-{len(sums)}"
    program = folder / "pebble"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        made = folder / "pebble.part"
        package = "github.com/letsencrypt/pebble/v2/cmd/pebble"
        build = ["build", "-trimpath", "-ldflags", "-s -w", "-o", str(made), package]
        # The programs of the image are Debian's: nothing of its C library is needed.
        env = {**os.environ, "CGO_ENABLED": "0"}
        subprocess.run([str(go()), *build], cwd=FOLDER, env=env, check=True, timeout=900)
        made.rename(program)
    return program


def settings(address: str, http: int, https: int, *, certificate: str) -> str:
    """Its settings file: it listens on `address` and asks a site for its proof on these ports.

    `certificate`: file with its own certificate and key.
    """
    own = {
        "listenAddress": f"{address}:{PORT}",
        "managementListenAddress": f"{address}:{MANAGEMENT}",
        "certificate": certificate,
        "privateKey": certificate,
        "httpPort": http,
        "tlsPort": https,
    }
    return json.dumps({"pebble": own})


def root(address: str, trusting: ssl.SSLContext) -> str:
    """The certificate that it signs with, made at its start; empty while it does not answer."""
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting)
    )
    try:
        with opener.open(f"https://{address}:{MANAGEMENT}/roots/0", timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""
