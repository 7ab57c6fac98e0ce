"""Where a folder's content comes from, as git knows it; images are labelled with it."""

import os
import subprocess
from pathlib import Path

FORMAT = "%H%n%cd%n%(describe:tags,abbrev=12)"
KNOWN_TO = 10  # s; a git that hangs must not hold up a preview


def provenance(folder: Path) -> dict[str, str]:
    """Build arguments VERSION, REVISION and CREATED: the last commit that changed `folder`.

    Only a change of the folder changes them. Empty where they would be wrong or unknown: no git, no
    repository, changes that are not committed, a clone that does not reach back to the commit.
    """
    if _git(folder, "status", "--porcelain", "--", ".") != "":
        return {}
    last = _git(folder, "log", "-1", f"--format={FORMAT}", "--date=format-local:%FT%TZ", "--", ".")
    if not last:
        return {}
    commit, created, described = last.split("\n")
    shallow = _git(folder, "rev-parse", "--git-path", "shallow")
    if shallow and commit in _lines(folder / shallow):
        return {}  # the oldest that is there seems to have changed everything
    return {"VERSION": described or commit[:12], "REVISION": commit, "CREATED": created}


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says; None where it can't."""
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", str(folder), *arguments],
            env=os.environ | {"TZ": "UTC", "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=False,
            timeout=KNOWN_TO,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.removesuffix("\n") if done.returncode == 0 else None
