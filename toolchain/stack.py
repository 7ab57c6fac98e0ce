"""Pulumi's local backend: the state folder, its passphrase, and stacks in it."""

import os
import secrets
from collections.abc import Mapping

from toolchain.places import AIR_GAPPED, BIN, HOME, ROOT, state
from toolchain.run import run


def environment() -> dict[str, str]:
    """The variables that `toolchain/activate` sets."""
    variables = {
        "PATH": f"{BIN}{os.pathsep}{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_HOME": str(HOME),
        "PULUMI_BACKEND_URL": f"file://{state()}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(state() / "passphrase"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    if AIR_GAPPED.exists():
        variables["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
    return variables


def ensure(name: str, env: Mapping[str, str] | None = None) -> None:
    """Make sure that there is a state folder with a passphrase, and the stack `name` in it."""
    state().mkdir(parents=True, exist_ok=True)
    passphrase = state() / "passphrase"
    if not passphrase.exists():
        passphrase.touch(mode=0o600)
        passphrase.write_text(secrets.token_urlsafe(32))
    if (state() / ".pulumi" / "stacks" / "studip" / f"{name}.json").exists():
        return
    run(
        [BIN / "pulumi", "stack", "init", name, "--non-interactive"],
        env=os.environ | environment() | dict(env or {}),
        folder=ROOT,
    )
