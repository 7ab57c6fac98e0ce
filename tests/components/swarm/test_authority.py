"""The site's own authority under the real engine; OpenSSL says whether what it signs is right."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.toolchain.plugins.tls.conftest import OpenSSL
from tests.toolchain.test_language_host import Project
from tests.toolchain.test_language_host import project as project

pytestmark = pytest.mark.live  # needs Pulumi, though no Docker Engine

PROGRAM = """
import pulumi
from components.authority import AuthorityArgs, GivenAuthority
from components.swarm.authority import Authority

authority = Authority("it", AuthorityArgs(common_name="Test", {args}))
registry = authority.issue("registry", dns_names=["registry"], ip_addresses=["127.0.0.1"])
cache = authority.issue("cache", dns_names=["{cache}"])
pulumi.export("authority", authority.certificate)
for name, issued in (("registry", registry), ("cache", cache)):
    pulumi.export(f"{{name}}-authority", issued.authority)
    pulumi.export(f"{{name}}-certificate", issued.certificate)
    pulumi.export(f"{{name}}-key", issued.key)
"""


@pytest.fixture
def openssl(tmp_path: Path) -> OpenSSL:
    folder = tmp_path / "openssl"
    folder.mkdir()
    return OpenSSL(folder)


def up(project: Project, args: str = "", cache: str = "cache") -> tuple[str, dict[str, Any]]:
    """Run the program: what Pulumi says, and the stack's outputs."""
    project.program(PROGRAM.format(args=args, cache=cache))
    done = project.up()
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, project.outputs()


def test_what_it_issues_is_valid_secret_and_stays(project: Project, openssl: OpenSSL) -> None:
    said, outputs = up(project)
    for name in ("registry", "cache"):
        certificate, key = outputs[f"{name}-certificate"], outputs[f"{name}-key"]
        assert outputs[f"{name}-authority"] == outputs["authority"]
        for purpose in ("sslserver", "sslclient"):
            openssl.verify(outputs["authority"], certificate, "-purpose", purpose)
        openssl.verify(outputs["authority"], certificate, "-verify_hostname", name)
        public = openssl("pkey", "-pubout", text=key)
        assert openssl("x509", "-noout", "-pubkey", text=certificate) == public
        assert key not in said
    openssl.verify(outputs["authority"], outputs["registry-certificate"], "-verify_ip", "127.0.0.1")
    for years, pem in ((1, outputs["cache-certificate"]), (10, outputs["authority"])):
        day = 86400
        openssl("x509", "-noout", "-checkend", str((years * 365 - 1) * day), text=pem)
        with pytest.raises(AssertionError, match="will expire"):
            openssl("x509", "-noout", "-checkend", str((years * 365 + 1) * day), text=pem)
    exported = project.pulumi("stack", "export").stdout
    assert "BEGIN CERTIFICATE" in exported
    assert "PRIVATE KEY" not in exported

    said, again = up(project)
    assert "12 unchanged" in said
    assert again == outputs
    assert "12 unchanged" in project.pulumi("refresh", "--yes", "--skip-preview").stdout


def test_other_names_change_that_certificate_alone(project: Project, openssl: OpenSSL) -> None:
    _, before = up(project)
    _, after = up(project, cache="other")
    assert {name for name in before if before[name] != after[name]} == {"cache-certificate"}
    openssl.verify(after["authority"], after["cache-certificate"], "-verify_hostname", "other")


def test_renewal_keeps_keys_and_what_trusts_them(project: Project, openssl: OpenSSL) -> None:
    _, before = up(project)
    due = f"leaf_renewal={365}, renewal={10 * 365}"  # the moment it was made
    said, after = up(project, due)
    assert "3 replaced" in said
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {name for name in before if not name.endswith("key")}
    for old, new in ((before, after), (after, before)):
        openssl.verify(old["authority"], new["registry-certificate"])


def test_a_given_authority_signs_below_its_root(project: Project, openssl: OpenSSL) -> None:
    folder = openssl.folder
    config = "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"
    extensions = [part for line in config for part in ("-addext", line)]
    key = ("-newkey", "rsa:2048", "-nodes")
    new = ("req", *key, "-subj", "/CN=Root", "-x509", "-days", "9", *extensions)
    openssl(*new, "-keyout", f"{folder}/root.key", "-out", f"{folder}/root.pem")
    below = ("req", *key, "-subj", "/CN=Below", *extensions)
    openssl(*below, "-keyout", f"{folder}/below.key", "-out", f"{folder}/below.csr")
    signing = ("x509", "-req", "-in", f"{folder}/below.csr", "-copy_extensions", "copy")
    root = ("-CA", f"{folder}/root.pem", "-CAkey", f"{folder}/root.key", "-days", "9")
    openssl(*signing, *root, "-CAcreateserial", "-out", f"{folder}/below.pem")
    read = "open('{0}/{1}').read()".format
    _, outputs = up(
        project,
        f"given=GivenAuthority(certificate={read(folder, 'below.pem')}, "
        f"key={read(folder, 'below.key')}, root={read(folder, 'root.pem')})",
    )
    assert outputs["authority"] == (folder / "root.pem").read_text()
    chain = re.findall(r"-----BEGIN[^-]+-----[^-]+-----END[^-]+-----", outputs["cache-certificate"])
    assert len(chain) == 2
    between = openssl.file(chain[1])
    openssl.verify(outputs["authority"], chain[0], "-untrusted", between)
    with pytest.raises(AssertionError, match="unable to get local issuer"):
        openssl.verify(outputs["authority"], chain[0])
    assert (folder / "below.key").read_text() not in project.pulumi("stack", "export").stdout


def test_certificates_that_would_outlive_their_authority_are_refused(project: Project) -> None:
    project.program(PROGRAM.format(args="renewal=10", cache="cache"))
    done: subprocess.CompletedProcess[str] = project.pulumi("preview")
    assert done.returncode != 0
    assert "renewal: must be at least leaf_validity (365 days), got 10" in done.stdout
    assert "Traceback" not in done.stdout
