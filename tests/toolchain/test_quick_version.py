"""Versions of SDK packages without a grammar."""

import subprocess
import sys

import pytest

READ = """
import sys
from toolchain.language_host import quick_version
{install}
from parver import Version
read = Version.parse({text!r})
print(read.release, read.pre_tag, read.pre, read.dev, read.local, 'parver._version' in sys.modules)
"""


def read(text: str, install: str) -> str:
    """What an SDK package reads out of a version, and whether parver itself was needed."""
    program = READ.format(text=text, install=install)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize(
    ("text", "needed"), [("7.0.1", False), ("70.81.902", False), ("1.2.0a3", True), ("1.0+x", True)]
)
def test_a_version_reads_as_with_parver(text: str, needed: bool) -> None:
    quick, own = read(text, "quick_version.install()"), read(text, "")
    assert quick.rsplit(maxsplit=1)[0] == own.rsplit(maxsplit=1)[0]
    assert quick.endswith(f"{needed}\n")


def test_whatever_else_parver_has_is_still_there() -> None:
    program = (
        "from toolchain.language_host import quick_version\n"
        "quick_version.install()\n"
        "from parver import ParseError\n"
        "print(ParseError.__module__)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.startswith("parver"), done.stderr
