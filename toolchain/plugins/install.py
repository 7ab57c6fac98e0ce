"""Installs the air-gapped resource plugins into Pulumi's plugin cache.

One that is found on PATH would draw a warning at each run.
"""

import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

from toolchain.places import HOME
from toolchain.run import run

PACKAGE = Path(__file__).parent
LAUNCHER = "launch.py"


def install(pulumi: Path, name: str, version: str) -> None:
    """Install plugin `name` under the official one's version, unless the same code is there."""
    folder = HOME / "plugins" / f"resource-{name}-v{version}"
    stamp = folder / "source"
    key = f"{sys.executable} {_key(name)}"
    if stamp.exists() and stamp.read_text() == key:
        return
    with tempfile.TemporaryDirectory() as temporary:
        made = Path(temporary)
        for part in ("common", name):
            shutil.copytree(
                PACKAGE / part,
                made / "toolchain" / "plugins" / part,
                ignore=shutil.ignore_patterns("__pycache__"),
            )
        shutil.copy2(PACKAGE / LAUNCHER, made / "toolchain" / "plugins")
        (made / "toolchain" / "plugins" / "__init__.py").touch()
        (made / "toolchain" / "__init__.py").touch()
        program = made / f"pulumi-resource-{name}"
        program.write_text(
            "#!/bin/sh\n"
            "unset PYTHONDONTWRITEBYTECODE\n"
            "PYTHONPATH=${0%/*} "
            f'exec "{sys.executable}" -S "${{0%/*}}/toolchain/plugins/{LAUNCHER}" {name} "$@"\n'
        )
        program.chmod(0o755)
        (made / "source").write_text(key)
        shutil.rmtree(folder, ignore_errors=True)
        run(
            [pulumi, "plugin", "install", "resource", name, version, "--file", made, "--reinstall"],
            env=os.environ | {"PULUMI_HOME": str(HOME), "PULUMI_SKIP_UPDATE_CHECK": "true"},
        )
    run([sys.executable, "-m", "compileall", "-q", folder])


def _key(name: str) -> str:
    digest = hashlib.sha256(Path(__file__).read_bytes())
    digest.update((PACKAGE / LAUNCHER).read_bytes())
    for part in ("common", name):
        for path in sorted((PACKAGE / part).rglob("*.py")):
            digest.update(str(path.relative_to(PACKAGE)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
