"""Stud.IP's source out of a git repository."""

import subprocess
from pathlib import Path

import pulumi
import pytest

from stacks.source import checkout


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    return subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the tag `v1`, and a commit behind it."""
    monkeypatch.setenv("STUDIP_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    for version in ("one", "two"):
        (folder / "version").write_text(version)
        git(folder, "add", "version")
        git(folder, "commit", "--quiet", "--message", version)
        if version == "one":
            git(folder, "tag", "v1")
    git(folder, "config", "uploadpack.allowAnySHA1InWant", "true")
    return folder


def test_a_tag_and_a_commit_are_checked_out_without_history(repository: Path) -> None:
    tagged = checkout(repository.as_uri(), "v1")
    assert (tagged / "version").read_text() == "one"
    assert not (tagged / ".git").exists()
    newest = checkout(repository.as_uri(), git(repository, "rev-parse", "HEAD"))
    assert (newest / "version").read_text() == "two"


def test_the_second_time_comes_from_the_cache(repository: Path) -> None:
    first = checkout(repository.as_uri(), "v1")
    repository.rename(repository.with_name("gone"))
    assert checkout(repository.as_uri(), "v1") == first


def test_a_revision_that_does_not_exist_is_told_and_leaves_nothing(repository: Path) -> None:
    with pytest.raises(pulumi.RunError, match=r"studip:images\.studip: git v9 failed: .*v9"):
        checkout(repository.as_uri(), "v9")
    assert list((repository.parent / "cache").iterdir()) == []
