"""Pulumi's `tls` resource plugin for sites that can't download the official one.

`PrivateKey`, `SelfSignedCert`, `CertRequest` and `LocallySignedCert` as in the official plugin 5.6;
anything else is refused with its name.

Modules
    private_key, certificates    the resources: tables and offline checks
    issuing                      what needs `cryptography`; imported when something is made
"""
