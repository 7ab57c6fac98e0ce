"""Debian packages."""

import os
import shutil

from toolchain.failure import Failure
from toolchain.run import run


def install(*packages: str) -> None:
    """Install packages without what they recommend; raises `Failure` where it can't."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise Failure(f"please install: {' '.join(packages)} (this needs Debian's apt and root)")
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "-qq", "update"], env=env)
    run(
        ["apt-get", "-qq", "install", "--yes", "--no-install-recommends", *packages],
        env=env,
    )


def sources(suite: str, usual: str) -> list[str]:
    """This machine's own sources of Debian packages, in one-line form, for `suite`.

    Foreign repositories are left out: what is built on them would not be Debian. Another suite than
    the `usual` one is looked for where the machine has that from.
    """
    form = "$(REPO_URI) $(CODENAME) $(COMPONENT)"
    command = [
        "apt-get",
        "indextargets",
        "--format",
        form,
        "Created-By: Packages",
        "Origin: Debian",
    ]
    found = sorted(set(run(command).splitlines()))
    if not found:
        run(["apt-get", "-qq", "update"])
        found = sorted(set(run(command).splitlines()))
    if not found:
        raise Failure("apt knows no repository of Debian; see /etc/apt/sources.list")
    if suite != usual:
        places = {line.split()[0] for line in found if line.split()[1] == usual}
        found = [f"{place} {suite} main" for place in sorted(places)]
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    return [f"deb [signed-by={keyring}] {line}" for line in found]


def leniency() -> list[str]:
    """What this machine's apt overlooks: a site's copy of a suite that never is released may be
    older than its signature likes.
    """
    names = ("Acquire::Check-Date", "Acquire::Check-Valid-Until")
    told = run(["apt-config", "dump", "--format", '%f "%v";%n', *names]).splitlines()
    return [line for line in told if line.endswith('"false";')]
