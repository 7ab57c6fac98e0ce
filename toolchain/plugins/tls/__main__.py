"""The plugin's program: `python -m toolchain.plugins.tls`."""

import sys
from importlib.metadata import version

from ..common import server
from ..common.provider import Provider
from .certificates import CertRequest, LocallySignedCert, SelfSignedCert
from .private_key import PrivateKey

RESOURCES = (PrivateKey, SelfSignedCert, CertRequest, LocallySignedCert)

if __name__ == "__main__":
    sys.exit(
        server.main(Provider("tls", version("pulumi-tls"), {one.token: one for one in RESOURCES}))
    )
