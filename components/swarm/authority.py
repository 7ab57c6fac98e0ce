"""The site's own authority, kept in Pulumi's state."""

from collections.abc import Sequence

import pulumi_tls as tls
from pulumi import ComponentResource, Input, Output, ResourceOptions, RunError

from components.authority import AuthorityArgs
from components.certificate import Certificate

DAY = 24  # h
CURVE = "P256"


class Authority(ComponentResource):
    """Signs certificates with a key that is in the state, as a secret, and nowhere else.

    A renewed authority keeps its key and its name: what the old one signed is trusted by whoever
    trusts the new one, and the other way round, so that parts may change over one by one.
    """

    certificate: Output[str]
    """What clients trust: PEM."""

    def __init__(self, name: str, args: AuthorityArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("studip:swarm:Authority", name, None, opts)
        if args.renewal < args.leaf_validity:
            raise RunError(
                f"{name}: renewal: must be at least leaf_validity ({args.leaf_validity} days), "
                f"got {args.renewal}: certificates would outlive their authority"
            )
        self._name = name
        self._args = args
        root: Input[str] | None = None
        self._signer: Input[str]
        if args.given is None:
            self._key, self._signer = self._new()
        else:
            self._key, self._signer = Output.secret(args.given.key), args.given.certificate
            root = args.given.root
        self._chain = "" if root is None else self._signer
        self.certificate = Output.from_input(self._signer if root is None else root)
        self.register_outputs({"certificate": self.certificate})

    def _new(self) -> tuple[Output[str], Output[str]]:
        key = tls.PrivateKey(
            f"{self._name}-key",
            algorithm="ECDSA",
            ecdsa_curve=CURVE,
            opts=ResourceOptions(parent=self),
        )
        made = tls.SelfSignedCert(
            f"{self._name}-certificate",
            private_key_pem=key.private_key_pem,
            subject=tls.SelfSignedCertSubjectArgs(common_name=self._args.common_name),
            is_ca_certificate=True,
            max_path_length=0,
            allowed_uses=["cert_signing", "crl_signing"],
            validity_period_hours=self._args.validity * DAY,
            early_renewal_hours=self._args.renewal * DAY,
            opts=ResourceOptions(parent=self),
        )
        return key.private_key_pem, made.cert_pem

    def issue(
        self, name: str, *, dns_names: Sequence[str] = (), ip_addresses: Sequence[Input[str]] = ()
    ) -> Certificate:
        """A certificate for servers and clients of the part `name`, known by these names."""
        issued = _Issued(
            f"{self._name}-{name}",
            name,
            self._args,
            dns_names,
            ip_addresses,
            self._signer,
            self._key,
            ResourceOptions(parent=self),
        )
        return Certificate(
            certificate=Output.concat(issued.certificate, self._chain),
            key=issued.key,
            authority=self.certificate,
        )


class _Issued(ComponentResource):
    """One certificate; its key stays when it is renewed."""

    certificate: Output[str]
    """PEM, without those above it."""
    key: Output[str]
    """PEM, secret."""

    def __init__(
        self,
        name: str,
        common_name: str,
        args: AuthorityArgs,
        dns_names: Sequence[str],
        ip_addresses: Sequence[Input[str]],
        signer: Input[str],
        signer_key: Input[str],
        opts: ResourceOptions,
    ) -> None:
        super().__init__("studip:swarm:IssuedCertificate", name, None, opts)
        key = tls.PrivateKey(
            f"{name}-key", algorithm="ECDSA", ecdsa_curve=CURVE, opts=ResourceOptions(parent=self)
        )
        request = tls.CertRequest(
            f"{name}-request",
            private_key_pem=key.private_key_pem,
            subject=tls.CertRequestSubjectArgs(common_name=common_name),
            dns_names=list(dns_names),
            ip_addresses=list(ip_addresses),
            opts=ResourceOptions(parent=self),
        )
        made = tls.LocallySignedCert(
            f"{name}-certificate",
            cert_request_pem=request.cert_request_pem,
            ca_cert_pem=signer,
            ca_private_key_pem=signer_key,
            allowed_uses=["digital_signature", "server_auth", "client_auth"],
            set_subject_key_id=True,
            validity_period_hours=args.leaf_validity * DAY,
            early_renewal_hours=args.leaf_renewal * DAY,
            opts=ResourceOptions(parent=self),
        )
        self.certificate = made.cert_pem
        self.key = Output.secret(key.private_key_pem_pkcs8)
        self.register_outputs({"certificate": self.certificate})
