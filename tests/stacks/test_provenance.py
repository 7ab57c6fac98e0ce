"""What git knows about a folder changes with the folder alone; nothing where it were wrong."""

import os
from pathlib import Path

import pytest

from stacks.provenance import provenance, provenances
from tests.stacks.test_source import git

DAY = "2026-01-02T03:04:05+02:00"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the folder `it`, changed by its first commit, and one commit behind it."""
    monkeypatch.setenv("GIT_COMMITTER_DATE", DAY)
    folder = tmp_path / "repository"
    (folder / "it").mkdir(parents=True)
    git(folder, "init", "--quiet")
    commit(folder, "it/file", "one")
    commit(folder, "elsewhere", "two")
    return folder


def commit(folder: Path, file: str, content: str) -> str:
    (folder / file).write_text(content)
    git(folder, "add", file)
    git(folder, "commit", "--quiet", "--message", content)
    return git(folder, "rev-parse", "HEAD")


def test_it_is_the_last_commit_that_changed_the_folder(repository: Path) -> None:
    first = git(repository, "rev-parse", "HEAD~1")
    expected = {"VERSION": first[:12], "REVISION": first, "CREATED": "2026-01-02T01:04:05Z"}
    assert provenance(repository / "it") == expected
    commit(repository, "elsewhere", "three")
    assert provenance(repository / "it") == expected
    newest = commit(repository, "it/file", "four")
    assert provenance(repository / "it")["REVISION"] == newest


def test_its_version_follows_from_the_tag_before_it(repository: Path) -> None:
    git(repository, "tag", "v6", "HEAD~1")
    assert provenance(repository / "it")["VERSION"] == "v6"
    newest = commit(repository, "it/file", "three")
    assert provenance(repository / "it")["VERSION"] == f"v6-2-g{newest[:12]}"
    git(repository, "tag", "v7", commit(repository, "elsewhere", "four"))
    assert provenance(repository / "it")["VERSION"] == f"v6-2-g{newest[:12]}"


@pytest.mark.parametrize("file", ["it/file", "it/new"])
def test_changes_that_are_not_committed_have_none(repository: Path, file: str) -> None:
    (repository / file).write_text("changed")
    assert provenance(repository / "it") == {}


def test_changes_elsewhere_do_not_matter(repository: Path) -> None:
    (repository / "elsewhere").write_text("changed")
    assert provenance(repository / "it")["REVISION"]


def test_a_clone_that_does_not_reach_back_to_the_commit_has_none(
    repository: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth=1", repository.as_uri(), str(clone))
    assert provenance(clone / "it") == {}
    newest = commit(clone, "it/file", "three")
    assert provenance(clone / "it")["REVISION"] == newest


def test_a_folder_without_repository_has_none(tmp_path: Path) -> None:
    assert provenance(tmp_path) == {}


def test_a_machine_without_git_has_none(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    assert provenance(repository / "it") == {}


def test_several_folders_are_told_apart(repository: Path) -> None:
    for folder in ("its", "un clean", "clean"):
        (repository / folder).mkdir()
    (repository / "never").mkdir()
    commit(repository, "its/file", "three")
    commit(repository, "un clean/file", "four")
    commit(repository, 'clean/a "name" in quotes', "five")
    (repository / "un clean" / "new folder").mkdir()
    (repository / "un clean" / "new folder" / "file").write_text("")
    folders = ["it", "its", "un clean", "clean", "never"]
    found = provenances(repository, folders)
    assert found["un clean"] == found["never"] == {}
    assert found["it"]["REVISION"] == git(repository, "rev-parse", "HEAD~4")
    assert found["its"]["REVISION"] == git(repository, "rev-parse", "HEAD~2")
    assert found["clean"]["REVISION"] == git(repository, "rev-parse", "HEAD")
    assert {folder: provenance(repository / folder) for folder in folders} == found


def test_what_a_merge_itself_changed_counts(repository: Path) -> None:
    git(repository, "checkout", "--quiet", "-b", "other")
    commit(repository, "it/file", "other")
    git(repository, "checkout", "--quiet", "-")
    commit(repository, "it/file", "this")
    git(repository, "merge", "--quiet", "--no-commit", "--strategy=ours", "other")
    merge = commit(repository, "it/file", "neither")
    assert provenance(repository / "it")["REVISION"] == merge
