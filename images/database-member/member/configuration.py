"""What a server itself says of its configuration."""

import subprocess
import sys
from collections.abc import Sequence


def check(server: str, command: Sequence[str]) -> None:
    """End here where `server` refuses its configuration, with the words of `command`."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # Of a wrong value some only tell.
    wrong = [line for line in done.stderr.splitlines() if "[ERROR]" in line]
    if done.returncode or wrong:
        sys.exit("\n".join([f"entrypoint: {server} refuses its configuration:", *wrong]))
