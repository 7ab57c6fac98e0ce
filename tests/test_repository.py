"""What no file of the repository may say: whose machine it was written on, and versions twice."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from toolchain.versions import unpinned

ROOT = Path(__file__).resolve().parent.parent

# Written in pieces, so that this file passes its own check.
REGISTRY_HOSTS = [
    ".".join(pieces)
    for pieces in (
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
        ("snapshot", "debian", "org"),
        ("proxy", "golang", "org"),
        ("sum", "golang", "org"),
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("packagist", "org"),
        ("hub", "docker", "com"),
        ("docker", "io/"),  # without the slash it is a package of Debian
        ("ghcr", "io"),
        ("quay", "io"),
        ("gcr", "io"),
    )
]
MACHINE_PATHS = [
    "/".join(pieces) for pieces in (("", "work", ""), ("", "home", ""), ("", "Users", ""))
]
MACHINE_PATHS += ["/".join(("", "tmp", name)) for name in ("helpers", "probe")]
FOREIGN_WORDS = [
    "".join(pieces)
    for pieces in (
        ("clau", "de"),
        ("anth", "ropic"),
        ("open", "ai"),
        ("chat", "gpt"),
        ("ll", "ms?"),
        ("co", "pilot"),
        ("assis", "tants?"),
        ("prom", "pts?"),
    )
]

FORBIDDEN = {
    "a package registry's host": "|".join(map(re.escape, REGISTRY_HOSTS)),
    "a path of somebody's machine": rf"(?<![\w.$}}])({'|'.join(map(re.escape, MACHINE_PATHS))})",
    "a word about its making": rf"(?i:\b({'|'.join(FOREIGN_WORDS)})\b)",
}
VERSION = re.compile(r"\d+(\.\d+)+|sha256:[0-9a-f]{64}")


def tracked() -> list[str]:
    """Paths of all files of the repository, also of those not yet committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted(set(listed.stdout.split("\0")) - {""})


@cache
def texts() -> dict[str, str]:
    """Text of every file of the repository, by path."""
    found = {}
    for name in tracked():
        path = ROOT / name
        if path.is_file() and b"\0" not in (content := path.read_bytes()):
            found[name] = content.decode(errors="replace")
    return found


def pinned(section: object) -> Iterator[str]:
    """All versions and digests below a section of versions.toml."""
    if isinstance(section, dict):
        for value in section.values():
            yield from pinned(value)
    elif isinstance(section, str):
        yield from (match[0] for match in VERSION.finditer(section))


def matches(pattern: str, names: list[str]) -> list[str]:
    """Each place where a pattern occurs, as `path:line: text`."""
    expression = re.compile(pattern)
    return [
        f"{name}:{number}: {match[0]}"
        for name in names
        for number, line in enumerate(texts()[name].splitlines(), 1)
        if (match := expression.search(line))
    ]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_names(what: str) -> None:
    assert matches(FORBIDDEN[what], list(texts())) == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a package registry's host", f"curl https://{REGISTRY_HOSTS[0]}/debian"),
        ("a path of somebody's machine", f"cd {MACHINE_PATHS[1]}somebody"),
        ("a word about its making", f"Written by an {FOREIGN_WORDS[2].upper()} model"),
    ],
)
def test_the_check_itself_finds(what: str, text: str) -> None:
    assert re.search(FORBIDDEN[what], text)


def test_versions_are_named_in_their_one_file_only() -> None:
    # Numbers of two parts stand for too much else.
    pinned_versions = pinned(tomllib.loads(texts()["versions.toml"]))
    versions = {version for version in pinned_versions if version.count(".") > 1}
    assert versions
    elsewhere = [
        name
        for name in texts()
        if name != "versions.toml" and Path(name).name not in ("go.mod", "go.sum")
    ]
    pattern = rf"(?<![\w.])v?({'|'.join(map(re.escape, sorted(versions)))})(?![\w.]*\d)"
    assert matches(pattern, elsewhere) == []


def test_official_images_have_a_tag_and_perhaps_a_digest() -> None:
    images = tomllib.loads(texts()["versions.toml"])["images"]
    assert set(images) <= {path.parent.name for path in (ROOT / "images").glob("*/Dockerfile")}
    assert [line for line in unpinned(images) if "must be" in line] == []


def test_official_images_are_named_in_their_one_file_only() -> None:
    images = tomllib.loads(texts()["versions.toml"])["images"].values()
    written = "|".join(re.escape(image) for image in images)
    # What settings build is written down in full.
    elsewhere = [name for name in texts() if name != "versions.toml" and "/variants/" not in name]
    assert matches(rf"(?<![\w/.-])({written})(?![\w.-])", elsewhere) == []


def test_go_modules_agree_with_the_one_file() -> None:
    toolchain = tomllib.loads(texts()["versions.toml"])["toolchain"]
    modules = [text for name, text in texts().items() if Path(name).name == "go.mod"]
    assert modules
    for text in modules:
        required = re.search(r"github\.com/pulumi/pulumi/pkg/v3 v(\S+)", text)
        assert required is None or required[1] == toolchain["pulumi"]
        language = re.search(r"(?m)^go (\S+)$", text)
        assert language
        assert number(language[1]) <= number(toolchain["go"])


def number(version: str) -> tuple[int, ...]:
    """A version that compares by its numbers."""
    return tuple(int(part) for part in version.split("."))
