"""versions.toml, the one file with every pinned version, agrees with itself."""

import json
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

from toolchain.versions import FILE, unpinned, versions

ROOT = FILE.parent


def test_what_is_installed_is_what_is_pinned() -> None:
    pinned = versions().python | versions().development
    assert {name: version(name) for name in pinned} == pinned


@pytest.mark.parametrize("name", sorted(versions().plugins))
def test_a_plugins_version_is_its_packages(name: str) -> None:
    spec = find_spec(f"pulumi_{name}")
    assert spec
    assert spec.origin
    described = json.loads((Path(spec.origin).parent / "pulumi-plugin.json").read_text())
    assert described["version"] == versions().plugins[name]
    assert versions().python[f"pulumi-{name}"] == versions().plugins[name]


def test_engine_and_sdk_are_of_one_version() -> None:
    assert versions().python["pulumi"] == versions().pulumi
    modules = (ROOT / "toolchain" / "engine" / "go.mod").read_text()
    assert f"github.com/pulumi/pulumi/pkg/v3 v{versions().pulumi}" in modules


def test_requirements_need_nothing_but_the_standard_library() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(ROOT / "toolchain" / "versions.py"), "requirements"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == versions().requirements(development=False)
    assert f"pulumi=={versions().pulumi}" in done.stdout


DIGEST = "@sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("image", "told"),
    [
        (f"php:8.2-apache{DIGEST}", ""),
        (f"mirror.example.org:5000/library/php:8.2{DIGEST}", ""),
        ("php:8.2-apache", "has no digest, so its tag can move: php:8.2-apache"),
        ("php", "must be name:tag or name:tag@sha256:..., and no latest, got php"),
        (
            f"php{DIGEST}",
            f"must be name:tag or name:tag@sha256:..., and no latest, got php{DIGEST}",
        ),
        ("php:latest", "must be name:tag or name:tag@sha256:..., and no latest, got php:latest"),
        (
            "php:8@sha256:0",
            "must be name:tag or name:tag@sha256:..., and no latest, got php:8@sha256:0",
        ),
    ],
)
def test_an_official_image_is_pinned_by_its_digest(image: str, told: str) -> None:
    assert unpinned({"it": image}) == ([f"images.it: {told}"] if told else [])


def test_official_images_without_digest_are_told_and_exit_with_1() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "toolchain" / "versions.py"), "check"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = unpinned(versions().images)
    assert done.returncode == int(bool(found))
    assert done.stdout.splitlines() == (found or ["All official images are pinned by digest."])


def test_an_unknown_word_prints_the_usage_and_exits_with_1() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "toolchain" / "versions.py"), "nonsense"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout.startswith("usage:")
