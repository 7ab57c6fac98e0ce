"""tls:index/privateKey:PrivateKey."""

from __future__ import annotations

from typing import ClassVar

from ..common.errors import PluginError
from ..common.fields import Fields, integer, string
from ..common.resource import Call, Live, Made, Resource
from ..common.rules import at_least, one_of
from ..common.values import Plain


class Logical(Resource):
    """A resource that lives in the state only: nothing else knows it."""

    def read(self, call: Call, id: str, inputs: Plain, state: Plain) -> Live | None:
        if not state:
            raise PluginError(f"{self.token} can't be imported: it lives in Pulumi's state only")
        return Live(id, state)


class PrivateKey(Logical):
    """A key, generated once and kept in the state."""

    token = "tls:index/privateKey:PrivateKey"
    schema_version = 1
    fields: ClassVar[Fields] = {
        "algorithm": string(required=True, replace=True, rule=one_of("RSA", "ECDSA", "ED25519")),
        "ecdsaCurve": string(
            default="P224", replace=True, rule=one_of("P224", "P256", "P384", "P521")
        ),
        "rsaBits": integer(default=2048, replace=True, rule=at_least(1024)),
        "privateKeyOpenssh": string(output=True, secret=True),
        "privateKeyPem": string(output=True, secret=True),
        "privateKeyPemPkcs8": string(output=True, secret=True),
        "publicKeyFingerprintMd5": string(output=True),
        "publicKeyFingerprintSha256": string(output=True),
        "publicKeyOpenssh": string(output=True),
        "publicKeyPem": string(output=True),
    }

    def create(self, call: Call, inputs: Plain) -> Made:
        from . import issuing

        key = issuing.generate(inputs["algorithm"], inputs["ecdsaCurve"], inputs["rsaBits"])
        return Made(*issuing.describe(key))
