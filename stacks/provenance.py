"""Where a folder's content comes from, as git knows it; images are labelled with it."""

import os
import subprocess
from pathlib import Path

FORMAT = "%H%n%P%n%cd%n%(describe:tags,abbrev=12)"
PATIENCE = 10  # s; a git that hangs must not hold up a preview


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
    commit, parents, created, described = last.split("\n")
    if not parents and _is_cut_off(folder, commit):
        return {}  # the oldest that is there seems to have changed everything
    return {"VERSION": described or commit[:12], "REVISION": commit, "CREATED": created}


def _is_cut_off(folder: Path, commit: str) -> bool:
    """Whether a commit has parents that this clone lacks."""
    shallow = folder / (_git(folder, "rev-parse", "--git-path", "shallow") or "none")
    return shallow.exists() and commit in shallow.read_text().splitlines()


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says; None where it can't."""
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", str(folder), *arguments],
            env=os.environ | {"TZ": "UTC", "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.removesuffix("\n") if done.returncode == 0 else None
