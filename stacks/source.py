"""Stud.IP's source, as a folder that a build can take."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

import pulumi

from toolchain.places import cache


def checkout(repository: str, revision: str) -> Path:
    """Folder with `revision` (a tag, branch or commit) of a git repository, from the cache.

    Raises `pulumi.RunError` with git's own words where it can't be had.
    """
    key = hashlib.sha256(f"{repository}\n{revision}".encode()).hexdigest()[:16]
    folder = cache() / f"source-{key}"
    if folder.exists():
        return folder
    cache().mkdir(parents=True, exist_ok=True)
    pulumi.log.info(f"Fetching {revision} of {repository}")
    with tempfile.TemporaryDirectory(dir=cache()) as temporary:
        made = Path(temporary) / "source"
        _git("init", "--quiet", str(made))
        # Asking for one revision works for commits too, and brings no history.
        _git("-C", str(made), "fetch", "--quiet", "--depth=1", repository, revision)
        _git("-C", str(made), "checkout", "--quiet", "FETCH_HEAD")
        shutil.rmtree(made / ".git")
        made.rename(folder)
    return folder


def _git(*arguments: str) -> None:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise pulumi.RunError(
            f"studip:images.studip: git {arguments[-1]} failed: {done.stderr.strip()}"
        )
