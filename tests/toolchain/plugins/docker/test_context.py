"""Build contexts: what belongs to them, and the digest on which both plugins agree."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from toolchain.plugins.common.errors import PluginError
from toolchain.plugins.docker.context import Context, Ignore


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of each kind of thing; the working folder is its parent, as at a project."""
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "app"
    for path, text in {
        "Dockerfile": "FROM scratch\nCOPY . /\n",
        ".dockerignore": "# kept out\n*.log\n/build\n**/cache\n!src/keep.log\nsrc/**/draft?.md\n",
        ".env": "A=1\n",
        "build/out.bin": "x",
        "page.html": "<p>",
        "run.sh": "#!/bin/sh\n",
        "src/a/draft1.md": "d",
        "src/a/final.md": "f",
        "src/cache/x": "x",
        "src/keep.log": "kept",
        "src/z.log": "gone",
        "top.log": "gone",
    }.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o644)
    (root / "run.sh").chmod(0o755)
    (root / "link").symlink_to("src/a")
    (root / "src" / "up").symlink_to("../page.html")
    return root


# What the official plugin 5.2 computes for this tree.
DIGEST = "e71f4332919e8427fef3234dc276dc3d3f2e01d655f1224f73881a285723b9d0"


def test_the_digest_is_the_official_plugins(tree: Path) -> None:
    assert Context("app", "app/Dockerfile").digest() == DIGEST


def changed(tree: Path, change: str) -> None:
    """Change the tree in one way."""
    if change == "content":
        (tree / "page.html").write_text("<b>")
    elif change == "mode":
        (tree / "page.html").chmod(0o755)
    elif change == "name":
        (tree / "page.html").rename(tree / "pages.html")
    elif change == "link":
        (tree / "link").unlink()
        (tree / "link").symlink_to("src")
    elif change == "dockerfile":
        (tree / "Dockerfile").write_text("FROM scratch\n")
    elif change == "ignored":
        (tree / "top.log").write_text("more")
        (tree / "build" / "more").write_text("more")
    elif change == "time":
        os.utime(tree / "page.html", (0, 0))


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ("content", True),
        ("mode", True),
        ("name", True),
        ("link", True),
        ("dockerfile", True),
        ("ignored", False),
        ("time", False),
    ],
)
def test_the_digest_changes_with_what_the_image_is_made_of(
    tree: Path, change: str, counts: bool
) -> None:
    changed(tree, change)
    assert (Context("app", "app/Dockerfile").digest() != DIGEST) is counts


def test_a_link_to_nowhere_hides_nothing(tree: Path) -> None:
    (tree / "a-link").symlink_to("nowhere")
    before = Context("app", "app/Dockerfile").digest()
    changed(tree, "content")
    assert Context("app", "app/Dockerfile").digest() != before


def test_a_circle_of_links_is_told(tree: Path) -> None:
    (tree / "a").symlink_to("b")
    (tree / "b").symlink_to("a")
    with pytest.raises(PluginError, match="app/a of the build context is a circle of links"):
        Context("app", "app/Dockerfile").digest()


def names(context: Context) -> list[str]:
    """What is in the archive, in order."""
    file, _ = context.archive()
    with file, tarfile.open(fileobj=file) as tar:
        members = tar.getmembers()
    assert all(one.uid == one.gid == 0 for one in members)
    return [one.name for one in members]


def test_the_archive_has_what_is_not_ignored(tree: Path) -> None:
    assert names(Context("app", "app/Dockerfile")) == [
        "Dockerfile",
        ".dockerignore",
        ".env",
        "link",
        "page.html",
        "run.sh",
        "src",
        "src/a",
        "src/a/final.md",
        "src/keep.log",
        "src/up",
        "src/z.log",
    ]


def test_the_dockerfile_is_sent_even_if_it_is_ignored_or_elsewhere(tree: Path) -> None:
    (tree / ".dockerignore").write_text("*\n")
    assert names(Context("app", "app/Dockerfile")) == ["Dockerfile"]
    (tree / "Dockerfile").rename(tree.parent / "Other")
    context = Context("app", "Other")
    assert context.relative_dockerfile == "../Other"
    (name,) = names(context)
    assert name.startswith(".dockerfile.")


def test_a_dockerfile_may_have_its_own_ignore_file(tree: Path) -> None:
    (tree / "Dockerfile.dockerignore").write_text("src\n")
    assert "src" not in names(Context("app", "app/Dockerfile"))
    assert "top.log" in names(Context("app", "app/Dockerfile"))


def test_long_names_do_not_hide_that_it_is_an_archive(tree: Path) -> None:
    (tree / ("n" * 150)).write_text("x")
    file, _ = Context("app", "app/Dockerfile").archive()
    with file:
        assert file.read(512).startswith(b"Dockerfile\0")


@pytest.mark.parametrize(
    ("pattern", "path", "ignored"),
    [
        ("*.log", "a.log", True),
        ("*.log", "a/b.log", False),
        ("**/*.log", "a/b.log", True),
        ("**/*.log", "b.log", True),
        ("/a", "a", True),
        ("a/", "a", True),
        ("a/*/c", "a/b/c", True),
        ("a/*/c", "a/b/b/c", False),
        ("a/**", "a/b/c", True),
        ("a/**", "a", False),
        ("a/**/c", "a/c", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[a-c]x", "bx", True),
        ("[^a-c]x", "bx", False),
        (r"\*", "*", True),
        (r"\*", "a", False),
        ("a.b", "aXb", False),
        ("b/../a", "a", True),
        ("# a", "# a", False),
    ],
)
def test_patterns_match_as_in_docker(pattern: str, path: str, ignored: bool) -> None:
    assert Ignore(pattern).look(path, [])[0] is ignored


def test_the_last_pattern_decides() -> None:
    assert Ignore("*\n!a").look("a", [])[0] is False
    assert Ignore("!a\n*").look("a", [])[0] is True
