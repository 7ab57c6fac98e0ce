"""Where a folder's content comes from, as git knows it; images are labelled with it."""

import os
import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path

RECIPES = Path(__file__).parent.parent / "images"  # a folder each
FORMAT = "%H%n%P%n%cd%n%(describe:tags,abbrev=12)"
PATIENCE = 10  # s; a git that hangs must not hold up a preview


def provenance(folder: Path) -> dict[str, str]:
    """Build arguments VERSION, REVISION and CREATED: the last commit that changed `folder`.

    Only a change of the folder changes them. Empty where they would be wrong or unknown: no git, no
    repository, changes that are not committed, a clone that does not reach back to the commit.
    """
    return provenances(folder, ["."])["."]


def provenances(parent: Path, folders: Iterable[str]) -> Mapping[str, dict[str, str]]:
    """The `provenance` of each of these folders in `parent`, for few questions to git."""
    none: dict[str, dict[str, str]] = {folder: {} for folder in folders}
    top = _git(parent, "rev-parse", "--show-prefix")
    changed = _git(parent, "status", "--porcelain", "-z", "--no-renames", "--", *none)
    if top is None or changed is None:
        return none
    files = [entry[3:] for entry in changed.split("\0") if entry]
    clean = {folder: prefix for folder in none if not _below(prefix := _prefix(top, folder), files)}
    last = _last_commits(parent, clean)
    known = _describe(parent, set(last.values()))
    return none | {folder: known[commit] for folder, commit in last.items()}


def of_recipe(name: str) -> dict[str, str]:
    """The `provenance` of `images/<name>`."""
    return ask_of_recipes().result()[name]


@cache
def ask_of_recipes() -> Future[Mapping[str, dict[str, str]]]:
    """Ask git about all recipes, once, while the program goes on."""
    names = [dockerfile.parent.name for dockerfile in RECIPES.glob("*/Dockerfile")]
    beside = ThreadPoolExecutor(1)
    answer = beside.submit(provenances, RECIPES, names)
    beside.shutdown(wait=False)
    return answer


def _prefix(top: str, folder: str) -> str:
    """A folder as git names it: from the repository's own folder, with a slash behind it."""
    return top if folder == "." else f"{top}{folder}/"


def _below(prefix: str, files: Iterable[str]) -> bool:
    """Whether one of the files is in the folder, or is an untracked folder that holds it."""
    return any(
        file.startswith(prefix) or (file.endswith("/") and prefix.startswith(file))
        for file in files
    )


def _last_commits(parent: Path, prefixes: Mapping[str, str]) -> dict[str, str]:
    """The newest commit that changed each folder, where there is one."""
    missing = dict(prefixes)
    found: dict[str, str] = {}
    if not missing:
        return found
    # A merge is listed with what it changed itself.
    history = _git(
        parent, "log", "--format=%x00%H", "--name-only", "--no-relative", "-c", "--", *missing
    )
    for entry in (history or "").split("\0")[1:]:
        commit, *files = entry.replace('\n"', "\n").split("\n")  # odd names are quoted
        for folder in [name for name, prefix in missing.items() if _below(prefix, files)]:
            found[folder] = commit
            del missing[folder]
        if not missing:
            break
    return found


def _describe(parent: Path, commits: Iterable[str]) -> dict[str, dict[str, str]]:
    """The build arguments by commit; none for the oldest of a clone that was cut off there."""
    known: dict[str, dict[str, str]] = {commit: {} for commit in commits}
    if not known:
        return known
    arguments = ["--no-walk=unsorted", f"--format={FORMAT}%x00", "--date=format-local:%FT%TZ"]
    described = _git(parent, "log", *arguments, *known)
    for entry in (described or "").split("\0")[:-1]:
        commit, parents, created, version = entry.lstrip("\n").split("\n")
        # The oldest that is there seems to have changed everything.
        if parents or not _is_cut_off(parent, commit):
            known[commit] = {
                "VERSION": version or commit[:12],
                "REVISION": commit,
                "CREATED": created,
            }
    return known


def _is_cut_off(folder: Path, commit: str) -> bool:
    """Whether a commit has parents that this clone lacks."""
    shallow = folder / (_git(folder, "rev-parse", "--git-path", "shallow") or "none")
    return shallow.exists() and commit in shallow.read_text().splitlines()


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says; None where it can't."""
    options = ["--no-optional-locks", "-c", "core.quotePath=false", "-C", str(folder)]
    try:
        done = subprocess.run(
            ["git", *options, *arguments],
            env=os.environ | {"TZ": "UTC", "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.removesuffix("\n") if done.returncode == 0 else None
